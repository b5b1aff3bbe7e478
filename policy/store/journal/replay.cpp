#include "policy/store/journal/replay.h"

#include "policy/store/journal/block_scan.h"
#include "policy/store/journal/layout.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace headgate::policy::journal {
namespace {

struct Segment {
    std::uint64_t generation = 0;
    std::vector<std::string> rows;
    std::size_t released = 0;
};

struct OpenRow {
    std::uint64_t generation = 0;
    std::uint64_t sequence = 0;
    std::string row;
};

/// What a row is known by; bytes that are no row are known by themselves.
std::string_view name_of(std::string_view row) {
    const std::string_view id = encoded_row_id(row);
    return id.empty() ? row : id;
}

/// Reads at most `size` bytes at `offset`, fewer at the file's end; false for an I/O error.
bool read_at(int file, std::size_t offset, std::size_t size, std::string& bytes) {
    bytes.resize(size);
    std::size_t got = 0;
    while (got < size) {
        const ssize_t n =
            ::pread(file, bytes.data() + got, size - got, static_cast<off_t>(offset + got));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            bytes.resize(got);
            return n == 0;
        }
        got += static_cast<std::size_t>(n);
    }
    return true;
}

/// The first block from `index` on that is not a hole; `end` where there is none.
std::uint32_t next_block(int file, std::uint32_t index, std::uint32_t end) {
    const std::size_t offset = kHeadBytes + index * kBlockBytes;
    const off_t data = ::lseek(file, static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0) {
        return errno == ENXIO ? end : index;  // else: the file system does not know its holes
    }
    const std::size_t block = (static_cast<std::size_t>(data) - kHeadBytes) / kBlockBytes;
    return static_cast<std::uint32_t>(std::min<std::size_t>(block, end));
}

class FileReader {
public:
    explicit FileReader(int file) : file_{file} {}

    FileContent read() {
        struct stat status{};
        if (::fstat(file_, &status) != 0 || status.st_size < 0) {
            content_.is_unreadable = true;
            ++content_.damaged;
            return std::move(content_);
        }
        count_blocks(static_cast<std::size_t>(status.st_size));
        read_head();
        if (content_.is_newer) {
            return std::move(content_);
        }
        for (std::uint32_t i = next_block(file_, 0, content_.blocks); i < content_.blocks;
             i = next_block(file_, i + 1, content_.blocks)) {
            read_block(i);
        }
        finish();
        return std::move(content_);
    }

private:
    void count_blocks(std::size_t size) {
        const std::size_t behind_head = size > kHeadBytes ? size - kHeadBytes : 0;
        const std::size_t blocks = behind_head / kBlockBytes + (behind_head % kBlockBytes ? 1 : 0);
        has_cut_block_ = behind_head % kBlockBytes != 0;
        content_.damaged += blocks > kMostBlocks ? 1 : 0;
        content_.blocks = static_cast<std::uint32_t>(std::min<std::size_t>(blocks, kMostBlocks));
    }

    void read_head() {
        if (!read_at(file_, 0, sizeof(FileHead), bytes_)) {
            content_.is_unreadable = true;
            ++content_.damaged;
            return;
        }
        const bool is_blank = bytes_.find_first_not_of('\0') == std::string::npos;
        if (bytes_.size() < sizeof(FileHead) || is_blank) {
            // A process that died as it made the file leaves an empty one.
            content_.damaged += is_blank && content_.blocks == 0 ? 0 : 1;
            return;
        }
        FileHead head{};
        std::memcpy(&head, bytes_.data(), sizeof head);
        if (head.magic != kFileMagic || head.checksum != checksum_of(head) ||
            !std::ranges::all_of(head.instance, is_hex)) {
            ++content_.damaged;
            return;
        }
        if (head.version != kFileVersion) {
            content_.is_newer = true;
            return;
        }
        content_.instance.assign(head.instance.data(), head.instance.size());
        if (const std::optional<std::uint32_t> had = unseal(head.blocks)) {
            count_cut_blocks(std::min(*had, kMostBlocks));
        }
    }

    /// Of the blocks that the file has had, those that are gone and the one that is cut.
    void count_cut_blocks(std::uint32_t had) {
        const std::uint32_t whole = content_.blocks - (has_cut_block_ ? 1 : 0);
        content_.damaged += had > whole ? had - whole : 0;
    }

    static bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

    void read_block(std::uint32_t index) {
        if (!read_at(file_, kHeadBytes + index * kBlockBytes, kBlockBytes, bytes_)) {
            content_.is_unreadable = true;
            ++content_.damaged;
        }
        const BlockContent found = scan_block(bytes_);
        content_.damaged += found.damaged;
        content_.top_generation = std::max(content_.top_generation, found.generation);
        if (found.is_wanted()) {
            content_.kept.push_back({.index = index, .is_segment = found.is_segment});
        }
        if (found.is_segment) {
            segments_.push_back({.generation = found.generation,
                                 .rows = {found.rows.begin(), found.rows.end()},
                                 .released = found.released});
        }
        for (const BlockContent::OpenRow& open : found.open) {
            open_.push_back({found.generation, open.sequence, std::string{open.row}});
        }
    }

    /// Of the open rows the latest of an id, where no settled row has it.
    void finish() {
        std::ranges::sort(open_, [](const OpenRow& a, const OpenRow& b) {
            return std::pair{a.sequence, a.generation} < std::pair{b.sequence, b.generation};
        });
        std::unordered_map<std::string_view, std::size_t> latest;
        for (std::size_t i = 0; i < open_.size(); ++i) {
            latest[name_of(open_[i].row)] = i;
        }
        std::ranges::sort(segments_, {}, &Segment::generation);
        for (Segment& segment : segments_) {
            for (std::size_t i = 0; i < segment.rows.size(); ++i) {
                latest.erase(name_of(segment.rows[i]));
                if (i >= segment.released) {
                    content_.settled.push_back(std::move(segment.rows[i]));
                }
            }
        }
        for (std::size_t i = 0; i < open_.size(); ++i) {
            const auto found = latest.find(name_of(open_[i].row));
            if (found != latest.end() && found->second == i) {
                content_.open.push_back(open_[i].row);  // a copy: `latest` looks into it
            }
        }
    }

    int file_;
    std::string bytes_;
    bool has_cut_block_ = false;
    std::vector<Segment> segments_;
    std::vector<OpenRow> open_;
    FileContent content_;
};

}  // namespace

FileContent read_journal(int file) {
    return FileReader{file}.read();
}

}  // namespace headgate::policy::journal
