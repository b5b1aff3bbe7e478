#pragma once

#include "policy/ledger/record_store.h"
#include "policy/ledger/row.h"
#include "providers/base/clock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// One suite for every RecordStore. A backend joins with one file of its own, <name>_backend.cpp:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, RecordStoreSuite, testing::Values(Backend{"sqlite", create}));
//
// The tests stand in *_suite.cpp and know nothing of backends.
namespace headgate::policy {

/// An empty database of one test's own, gone with the object.
class TestDatabase {
public:
    virtual ~TestDatabase() = default;
    /// One more connection to it.
    virtual std::unique_ptr<RecordStore> open() = 0;
};

struct Backend {
    std::string name;
    /// Null where no such database can be had on this machine: the test is skipped.
    std::function<std::unique_ptr<TestDatabase>()> create;

    friend void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.name; }
};

/// What a test's rows begin with.
inline constexpr std::chrono::sys_days kFirstDay{std::chrono::year{2026} / 3 / 1};

/// A row of the test's own making: complete, one request of project "shop", 7 nanodollars.
/// `minute` is counted from kFirstDay; ids that are made from it sort by time.
struct TestRow {
    std::string id;
    LedgerRow row;

    explicit TestRow(int minute, std::string_view project = "shop");
};

std::vector<LedgerRow> rows_of(const std::vector<TestRow>& rows);

class RecordStoreSuite : public testing::TestWithParam<Backend> {
protected:
    void SetUp() override;

    std::unique_ptr<RecordStore> connect() { return database_->open(); }
    /// Appends, and again while the store is away: several connections write at once.
    static void append(RecordStore& store,
                       const std::vector<LedgerRow>& rows,
                       std::string_view instance = "0000000000000001");
    /// The ids of all rows, page by page of `limit`.
    static std::vector<std::string> ids_by_page(RecordStore& store, LedgerQuery query);
    static std::vector<UsageSum> usage_by(RecordStore& store, std::vector<UsageBy> by);

    std::unique_ptr<TestDatabase> database_;
    std::unique_ptr<RecordStore> store_;  // the first connection
};

/// The value of the text field `name` of a row's JSON.
std::string text_field(std::string_view json, std::string_view name);

}  // namespace headgate::policy
