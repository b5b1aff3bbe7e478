#pragma once

#include "policy/ledger/record_store.h"
#include "policy/ledger/row.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace headgate::policy {

/// A directory of a test's own, gone with the object.
class TestDirectory {
public:
    TestDirectory() {
        std::string path = std::filesystem::temp_directory_path() / "headgate-sqlite-XXXXXX";
        if (::mkdtemp(path.data()) == nullptr) {
            throw std::system_error(errno, std::generic_category(), "mkdtemp");
        }
        path_ = path;
    }
    TestDirectory(const TestDirectory&) = delete;
    TestDirectory& operator=(const TestDirectory&) = delete;
    ~TestDirectory() {
        std::error_code ignored;  // a test that left something behind has told so already
        std::filesystem::remove_all(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }
    std::string file() const { return path_ / "headgate.db"; }

private:
    std::filesystem::path path_;
};

inline std::unique_ptr<RecordStore> open_store(const std::string& file) {
    Stored<std::unique_ptr<RecordStore>> store = open_sqlite(file, false);
    if (!store) {
        ADD_FAILURE() << store.error().text;
        return nullptr;
    }
    return std::move(*store);
}

/// Rows of 5 nanodollars each; the ids belong to the object.
class TestRows {
public:
    explicit TestRows(int count, std::string prefix = "row-") {
        for (int i = 0; i < count; ++i) {
            ids_.push_back(prefix + std::to_string(100'000 + i));
        }
        for (const std::string& id : ids_) {
            LedgerRow& row = rows_.emplace_back();
            row.id = id;
            row.time = std::chrono::sys_days{std::chrono::year{2026} / 3 / 1};
            row.project = "shop";
            row.cost = providers::Money::nanos(5);
        }
    }

    const std::vector<LedgerRow>& rows() const { return rows_; }
    const std::string& id(std::size_t at) const { return ids_[at]; }

private:
    std::vector<std::string> ids_;
    std::vector<LedgerRow> rows_;
};

inline std::size_t count_rows(RecordStore& store) {
    LedgerQuery query;
    query.limit = 1'000;
    std::size_t count = 0;
    do {
        const Stored<LedgerPage> page = store.page(query);
        if (!page) {
            ADD_FAILURE() << page.error().text;
            return count;
        }
        count += page->rows.size();
        query.after = page->next;
    } while (!query.after.empty());
    return count;
}

}  // namespace headgate::policy
