#include "proxy/bookkeeping/replay_booking.h"

#include "policy/ledger/row_codec.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace headgate::proxy {
namespace {

using policy::Outcome;

std::string encoded(std::string_view id, Outcome outcome, std::int64_t nanos) {
    policy::LedgerRow row;
    row.id = id;
    row.time = std::chrono::sys_days{std::chrono::year{2026} / 11 / 25} + std::chrono::hours{9};
    row.project = "search";
    row.outcome = outcome;
    row.cost = providers::Money::nanos(nanos);
    std::string bytes(policy::kMaxEncodedRow, '\0');
    bytes.resize(policy::encode_row(row, bytes));
    return bytes;
}

class ReplayBookingTest : public testing::Test {
protected:
    ReplayBookingTest() {
        folder_ = std::filesystem::temp_directory_path() /
                  ("headgate_replay_" + std::to_string(::getpid()));
        std::filesystem::create_directory(folder_);
        store = policy::open_sqlite((folder_ / "rows.db").string(), false).value();
    }
    ~ReplayBookingTest() override {
        store.reset();
        std::filesystem::remove_all(folder_);
    }

    policy::Stored<void> book(const policy::JournalReplay& replay) {
        return ReplayBooking{*store, log, expired}.book(replay);
    }

    std::unique_ptr<policy::RecordStore> store;
    std::vector<std::string> told;
    std::vector<std::string> expired_of;
    const ReplayBooking::Log log = [this](policy::LogLevel, std::string_view text) {
        told.emplace_back(text);
    };
    const ReplayBooking::Expired expired = [this](std::string_view project) {
        expired_of.emplace_back(project);
    };

private:
    std::filesystem::path folder_;
};

TEST_F(ReplayBookingTest, BooksRowsUnderTheJournalThatWroteThem) {
    policy::JournalReplay replay;
    replay.settled = {encoded("req_a", Outcome::complete, 3),
                      encoded("req_b", Outcome::complete, 5)};
    replay.open = {encoded("req_c", Outcome::expired, 7)};
    replay.parts = {{"aaaa", 1, 0}, {"bbbb", 1, 1}};
    replay.journals = 2;

    ASSERT_TRUE(book(replay));

    std::map<std::string, std::int64_t> spent;
    const auto sums = store->day_sums(policy::Day::min());
    for (const policy::DaySum& sum : sums.value()) {
        spent[sum.instance] += sum.spent.nanos();
    }
    const std::map<std::string, std::int64_t> expected{{"aaaa", 3}, {"bbbb", 12}};
    EXPECT_EQ(spent, expected);
    EXPECT_EQ(expired_of, std::vector<std::string>{"search"});
    ASSERT_EQ(told.size(), 1U);
    EXPECT_NE(told[0].find("2 rows stored, 1 open exchanges booked"), std::string::npos) << told[0];
}

TEST_F(ReplayBookingTest, CountsNothingTwiceWhenItIsBookedAgain) {
    policy::JournalReplay replay;
    replay.settled = {encoded("req_a", Outcome::complete, 3)};
    replay.parts = {{"aaaa", 1, 0}};

    ASSERT_TRUE(book(replay));
    ASSERT_TRUE(book(replay));

    const auto sums = store->day_sums(policy::Day::min());
    ASSERT_EQ(sums.value().size(), 1U);
    EXPECT_EQ(sums.value()[0].spent.nanos(), 3);
}

TEST_F(ReplayBookingTest, LeavesOutWhatIsDamagedAndTellsHowMuch) {
    policy::JournalReplay replay;
    replay.settled = {"no row at all", encoded("req_a", Outcome::complete, 3)};
    replay.parts = {{"aaaa", 2, 0}};
    replay.damaged = 4;

    ASSERT_TRUE(book(replay));

    EXPECT_TRUE(store->find_row("req_a").value().has_value());
    ASSERT_EQ(told.size(), 1U);
    EXPECT_NE(told[0].find("5 records damaged"), std::string::npos) << told[0];
}

TEST_F(ReplayBookingTest, SaysNothingWhereNothingWasLeftBehind) {
    ASSERT_TRUE(book({}));

    EXPECT_TRUE(told.empty());
}

}  // namespace
}  // namespace headgate::proxy
