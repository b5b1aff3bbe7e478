#pragma once

#include "policy/ledger/row_codec.h"
#include "policy/store/journal/journal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::policy {

/// A directory of the test's own, gone with it.
class JournalFolder {
public:
    JournalFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "journal-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::filesystem::filesystem_error(
                "mkdtemp", std::error_code(errno, std::generic_category()));
        }
        path_ = name;
    }
    ~JournalFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    JournalFolder(const JournalFolder&) = delete;
    JournalFolder& operator=(const JournalFolder&) = delete;

    std::string path() const { return path_.string(); }
    std::string file(int number = 0) const {
        return (path_ / ("journal." + std::to_string(number))).string();
    }

    std::unique_ptr<Journal> open(JournalReplay& replay,
                                  std::size_t workers = 1,
                                  std::size_t max_bytes = std::size_t{1} << 30) const {
        auto journal = Journal::open(
            {.directory = path(), .workers = workers, .max_bytes = max_bytes}, replay);
        if (!journal) {
            ADD_FAILURE() << journal.error();
            return nullptr;
        }
        return std::move(*journal);
    }
    std::unique_ptr<Journal> open() const {
        JournalReplay replay;
        return open(replay);
    }

private:
    std::filesystem::path path_;
};

/// An encoded row of this id; its text makes it at least `size` bytes long.
inline std::string row_of(std::string_view id, std::size_t size = 0) {
    LedgerRow row;
    row.id = id;
    row.project = "search";
    const auto encoded = [&row] {
        std::string bytes(kMaxEncodedRow, '\0');
        bytes.resize(encode_row(row, bytes));
        return bytes;
    };
    const std::size_t bare = encoded().size();
    const std::string padding(size > bare ? size - bare : 0, 'x');
    row.requested_model = padding;
    return encoded();
}

inline std::vector<std::string> ids_of(const auto& rows) {
    std::vector<std::string> ids;
    for (const auto& row : rows) {
        ids.emplace_back(encoded_row_id(row));
    }
    return ids;
}

using Ids = std::vector<std::string>;

}  // namespace headgate::policy
