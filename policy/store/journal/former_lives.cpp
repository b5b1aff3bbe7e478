#include "policy/store/journal/former_lives.h"

#include <iterator>
#include <optional>
#include <utility>

namespace headgate::policy::journal {
namespace {

void append(std::vector<std::string>& to, std::vector<std::string>& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    from.clear();
}

void add(JournalReplay& replay, FileContent& content) {
    ++replay.journals;
    replay.damaged += content.damaged;
    if (!content.settled.empty() || !content.open.empty()) {
        replay.parts.push_back({.instance = content.instance,
                                .settled = content.settled.size(),
                                .open = content.open.size()});
    }
    append(replay.settled, content.settled);
    append(replay.open, content.open);
}

}  // namespace

std::expected<FormerLives, std::string> find_former_lives(const std::string& directory,
                                                          JournalReplay& replay) {
    std::vector<std::string> unfit;
    std::optional<FormerLives> found;
    while (!found) {
        std::expected<LockedFile, std::string> own = lock_first(directory, unfit);
        if (!own) {
            return std::unexpected{own.error()};
        }
        FileContent content = read_journal(own->file());
        if (content.is_newer || content.is_unreadable) {
            unfit.push_back(own->path());
        } else {
            found.emplace(std::move(*own), std::move(content), std::vector<LockedFile>{});
        }
    }
    add(replay, found->content);
    for (const std::string& path : journals_in(directory)) {
        if (path == found->own.path()) {
            continue;
        }
        std::optional<LockedFile> other = lock_existing(path);
        if (!other) {
            continue;  // its process lives
        }
        FileContent content = read_journal(other->file());
        if (content.is_newer) {
            ++replay.damaged;  // its rows wait for a program that knows them
            continue;
        }
        add(replay, content);
        if (!content.is_unreadable) {
            found->others.push_back(std::move(*other));
        }
    }
    return std::move(*found);
}

}  // namespace headgate::policy::journal
