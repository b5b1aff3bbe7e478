#include "proxy/net/file_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace headgate::proxy {
namespace {

namespace fs = std::filesystem;

/// Not IN_MODIFY: a log file in the same directory would wake us with every line, and a file that
/// is still being written is not worth reading.
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE |
                                  IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ONLYDIR | IN_EXCL_UNLINK;
constexpr int kMaxLinks = 40;  // as the kernel follows

fs::path absolute(const fs::path& path) {
    std::error_code ignored;
    fs::path whole = fs::absolute(path, ignored);
    return whole.lexically_normal();
}

}  // namespace

FileWatch::FileWatch() : fd_{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)} {}

FileWatch::~FileWatch() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

void FileWatch::watch(const std::vector<std::string>& files,
                      const std::vector<std::string>& directories) {
    if (fd_ < 0) {
        return;
    }
    const std::map<int, Names> before = std::exchange(watches_, {});
    for (const std::string& file : files) {
        add_links_to(file);
    }
    for (const std::string& directory : directories) {
        add(absolute(directory).string(), {});
    }
    for (const auto& [descriptor, names] : before) {
        if (!watches_.contains(descriptor)) {
            ::inotify_rm_watch(fd_, descriptor);
        }
    }
}

/// Every directory in which a name stands that the way to `file` goes through and that may be
/// replaced: the file's own, and those of the links on the way.
void FileWatch::add_links_to(const std::string& file) {
    fs::path way = absolute(file);
    for (int links = 0; links < kMaxLinks; ++links) {
        fs::path walked;
        auto part = way.begin();
        std::error_code error;
        while (part != way.end() && !fs::is_symlink(fs::symlink_status(walked / *part, error))) {
            walked /= *part++;
        }
        if (part == way.end()) {
            add(way.parent_path().string(), way.filename().string());
            return;
        }
        add(walked.string(), part->string());
        const fs::path aim = fs::read_symlink(walked / *part, error);
        fs::path further = aim.is_absolute() ? aim : walked / aim;
        while (++part != way.end()) {
            further /= *part;
        }
        way = further.lexically_normal();
    }
}

/// `name` empty: everything in the directory. A directory that does not exist is waited for in the
/// nearest one above it.
void FileWatch::add(const std::string& directory, const std::string& name) {
    fs::path path = directory;
    std::error_code error;
    bool is_there = fs::is_directory(path, error);
    const bool takes_all = name.empty() || !is_there;
    while (!is_there && path.has_relative_path()) {
        path = path.parent_path();
        is_there = fs::is_directory(path, error);
    }
    // For a directory that is watched already the kernel gives the same descriptor again, and for
    // one that took its place a new one.
    const int descriptor = ::inotify_add_watch(fd_, path.c_str(), kEvents);
    if (descriptor < 0) {
        return;
    }
    const auto [entry, is_new] = watches_.try_emplace(descriptor);
    if (takes_all) {
        entry->second.clear();
    } else if (is_new || !entry->second.empty()) {
        entry->second.insert(name);
    }
}

bool FileWatch::take_changes() {
    bool has_changed = false;
    alignas(inotify_event) std::array<char, 16384> events{};
    for (;;) {
        const ssize_t size = ::read(fd_, events.data(), events.size());
        if (size <= 0) {
            return has_changed;
        }
        for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
            inotify_event event{};
            std::memcpy(&event, events.data() + at, sizeof event);
            const std::string_view name =
                event.len == 0 ? "" : events.data() + at + sizeof event;  // ends with a zero
            at += sizeof event + event.len;
            const auto watch = watches_.find(event.wd);
            // An event without a name is the directory's own.
            const bool is_ours =
                watch != watches_.end() && (event.mask & IN_IGNORED) == 0 &&
                (name.empty() || watch->second.empty() || watch->second.contains(name));
            has_changed = has_changed || is_ours || (event.mask & IN_Q_OVERFLOW) != 0;
        }
    }
}

}  // namespace headgate::proxy
