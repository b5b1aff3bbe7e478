#include "policy/ledger/row_codec.h"

#include "tests/fuzz/row_codec_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using providers::Money;
using providers::Tokens;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

/// Every field with a value of its own.
LedgerRow full_row() {
    LedgerRow row;
    row.id = "req_01JDF3Q4ZK8V6M0T2N5R7W9X1Y";
    row.time = providers::WallTime{std::chrono::nanoseconds{1'764'000'307'089'999'123}};
    row.project = "search";
    row.key = "prod";
    row.endpoint = "chat";
    row.route = "flagship";
    row.provider = "azure-eu";
    row.model = "gpt-5";
    row.requested_model = "gpt-5-alias";
    row.status = 200;
    row.code = "rate_limit_exceeded";
    row.outcome = Outcome::upstream_cut;
    row.stream = true;
    row.usage = {.input = Tokens{1},
                 .cached_input = Tokens{2},
                 .cache_write = Tokens{3},
                 .output = Tokens{4},
                 .reasoning = Tokens{5},
                 .audio_input = Tokens{6},
                 .audio_output = Tokens{7},
                 .image_input = Tokens{8},
                 .image_output = Tokens{9},
                 .images = 10,
                 .is_reported = true,
                 .is_estimated = true};
    row.cost = Money::nanos(7'512'500);
    row.price = "policy";
    row.over_reserved = true;
    row.cache = "miss";
    row.saved = Money::nanos(1);
    row.attempts = {{"openai", "gpt-5", 429, "status", 12'345us},
                    {"azure-eu", "gpt-5", 0, "connect", 2s}};
    row.skipped = {{"claude", "claude-sonnet-4-5", "breaker_open"}};
    row.duration = 1'234'560us;
    row.first_byte = 412'007us;
    row.tags = "team=a,feature=b";
    row.client_request_id = "abc-1";
    row.count = 3;
    return row;
}

bool is_same(const AttemptRecord& a, const AttemptRecord& b) {
    return a.provider == b.provider && a.model == b.model && a.status == b.status &&
           a.reason == b.reason && a.duration == b.duration;
}

bool is_same(const SkippedRecord& a, const SkippedRecord& b) {
    return a.provider == b.provider && a.model == b.model && a.reason == b.reason;
}

void expect_same_texts(const LedgerRow& a, const LedgerRow& b) {
    EXPECT_EQ(a.id, b.id);
    EXPECT_EQ(a.project, b.project);
    EXPECT_EQ(a.key, b.key);
    EXPECT_EQ(a.endpoint, b.endpoint);
    EXPECT_EQ(a.route, b.route);
    EXPECT_EQ(a.provider, b.provider);
    EXPECT_EQ(a.model, b.model);
    EXPECT_EQ(a.requested_model, b.requested_model);
    EXPECT_EQ(a.code, b.code);
    EXPECT_EQ(a.price, b.price);
    EXPECT_EQ(a.cache, b.cache);
    EXPECT_EQ(a.tags, b.tags);
    EXPECT_EQ(a.client_request_id, b.client_request_id);
}

void expect_same(const LedgerRow& a, const LedgerRow& b) {
    expect_same_texts(a, b);
    EXPECT_EQ(a.time, b.time);
    EXPECT_EQ(a.status, b.status);
    EXPECT_EQ(a.outcome, b.outcome);
    EXPECT_EQ(a.stream, b.stream);
    EXPECT_EQ(a.usage, b.usage);
    EXPECT_EQ(a.cost, b.cost);
    EXPECT_EQ(a.over_reserved, b.over_reserved);
    EXPECT_EQ(a.saved, b.saved);
    EXPECT_EQ(a.duration, b.duration);
    EXPECT_EQ(a.first_byte, b.first_byte);
    EXPECT_EQ(a.count, b.count);
    EXPECT_TRUE(std::ranges::equal(a.attempts, b.attempts,
                                   [](const auto& x, const auto& y) { return is_same(x, y); }));
    EXPECT_TRUE(std::ranges::equal(a.skipped, b.skipped,
                                   [](const auto& x, const auto& y) { return is_same(x, y); }));
}

std::string encoded(const LedgerRow& row, std::size_t room = kMaxEncodedRow) {
    std::string bytes(room, '\0');
    bytes.resize(encode_row(row, bytes));
    return bytes;
}

TEST(RowCodec, KeepsEveryField) {
    const LedgerRow row = full_row();

    const std::string bytes = encoded(row);
    const auto decoded = decode_row(bytes);

    ASSERT_TRUE(decoded) << decoded.error();
    expect_same(*decoded, row);
    EXPECT_EQ(encoded_row_id(bytes), row.id);
    EXPECT_LT(bytes.size(), 500U);
}

TEST(RowCodec, KeepsAbsentFieldsApartFromZeros) {
    LedgerRow row;
    row.id = "req_1";
    LedgerRow zeros = row;
    zeros.status = 0;
    zeros.first_byte = 0us;

    const std::string bytes = encoded(row);
    const std::string zero_bytes = encoded(zeros);

    expect_same(decode_row(bytes).value(), row);
    expect_same(decode_row(zero_bytes).value(), zeros);
}

TEST(RowCodec, KeepsNumbersAtTheirLimits) {
    for (const std::int64_t number : {kMost, kLeast, std::int64_t{-1}}) {
        LedgerRow row = full_row();
        row.time = providers::WallTime{std::chrono::nanoseconds{number}};
        row.status = static_cast<int>(number);
        row.usage.input.count = number;
        row.usage.image_output.count = number;
        row.usage.images = number;
        row.cost = Money::nanos(number);
        row.saved = Money::nanos(number);
        row.duration = std::chrono::microseconds{number};
        row.first_byte = std::chrono::microseconds{number};
        row.count = number;
        row.attempts[0].duration = std::chrono::microseconds{number};

        const std::string bytes = encoded(row);

        expect_same(decode_row(bytes).value(), row);
    }
}

TEST(RowCodec, KeepsEveryOutcome) {
    for (int outcome = 0; outcome <= static_cast<int>(Outcome::expired); ++outcome) {
        LedgerRow row = full_row();
        row.outcome = static_cast<Outcome>(outcome);

        const std::string bytes = encoded(row);

        EXPECT_EQ(decode_row(bytes).value().outcome, row.outcome);
    }
}

/// Names of 64, models of 256, eight tags, ten attempts and as many skipped targets.
struct LongestTexts {
    std::string name = std::string(64, 'n');
    std::string model = std::string(256, 'm');
    std::string tags;
    std::string client_request_id = std::string(128, 'c');

    LongestTexts() {
        for (int i = 0; i < 8; ++i) {
            tags += (i > 0 ? "," : "") + std::string(63, 't') + std::to_string(i) + "=" +
                    std::string(64, 'v');
        }
    }

    LedgerRow row(std::size_t attempts, std::size_t skipped) const {
        LedgerRow row = full_row();
        row.project = row.key = row.route = row.provider = row.code = name;
        row.model = row.requested_model = model;
        row.tags = tags;
        row.client_request_id = client_request_id;
        row.attempts.assign(attempts, {name, model, 503, "status", 5s});
        row.skipped.assign(skipped, {name, model, "breaker_open"});
        return row;
    }
};

TEST(RowCodec, TakesWhatTheContractBounds) {
    const LongestTexts texts;
    const LedgerRow row = texts.row(10, 4);

    const std::string bytes = encoded(row);

    expect_same(decode_row(bytes).value(), row);
}

TEST(RowCodec, LeavesOutTheLatestAttemptsAndThenTheLatestSkipped) {
    const LongestTexts texts;
    for (const auto& [attempts, skipped] : {std::pair{1000, 0}, {0, 1000}, {1000, 1000}}) {
        LedgerRow row =
            texts.row(static_cast<std::size_t>(attempts), static_cast<std::size_t>(skipped));
        for (std::size_t i = 0; i < row.attempts.size(); ++i) {
            row.attempts[i].status = static_cast<int>(i);
        }

        const std::string bytes = encoded(row);
        const LedgerRow decoded = decode_row(bytes).value();

        EXPECT_LE(bytes.size(), kMaxEncodedRow);
        EXPECT_GT(bytes.size(), kMaxEncodedRow - 400) << "no more than needed is left out";
        EXPECT_EQ(decoded.tags, row.tags);
        EXPECT_EQ(decoded.attempts.empty(), skipped > 0);
        EXPECT_EQ(decoded.skipped.empty(), skipped == 0);
        for (std::size_t i = 0; i < decoded.attempts.size(); ++i) {
            EXPECT_EQ(decoded.attempts[i].status, static_cast<int>(i));
        }
    }
}

TEST(RowCodec, LeavesOutPartsInTheirOrderWhereThereIsLessRoom) {
    const LedgerRow row = full_row();
    std::size_t parts_before = 5;
    std::size_t room = encoded(row).size();

    for (; room > 0; --room) {
        const std::string bytes = encoded(row, room);
        if (bytes.empty()) {
            break;
        }
        const LedgerRow decoded = decode_row(bytes).value();
        const std::array has{!decoded.client_request_id.empty(), !decoded.tags.empty(),
                             !decoded.skipped.empty(), !decoded.attempts.empty(),
                             decoded.attempts.size() == 2};
        const auto parts = static_cast<std::size_t>(std::ranges::count(has, true));

        EXPECT_LE(bytes.size(), room);
        EXPECT_TRUE(std::ranges::is_sorted(has, std::greater{})) << room;
        EXPECT_LE(parts, parts_before);
        EXPECT_EQ(decoded.requested_model, row.requested_model);
        EXPECT_EQ(decoded.cost, row.cost);
        parts_before = parts;
    }

    EXPECT_EQ(parts_before, 0U) << "everything that may be left out was";
    EXPECT_GT(room, 200U);
}

TEST(RowCodec, RefusesARowWhoseOtherTextsDoNotFit) {
    const std::string huge(100'000, 'x');
    LedgerRow row = full_row();
    row.requested_model = huge;
    std::string to(200'000, '\0');

    EXPECT_EQ(encode_row(row, to), 0U);
    EXPECT_EQ(encode_row(full_row(), std::span<char>{}), 0U);
}

TEST(RowCodec, RefusesEveryCutAndEveryTail) {
    const std::string bytes = encoded(full_row());

    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const std::string cut = bytes.substr(0, size);  // its end is the end of an allocation
        EXPECT_FALSE(decode_row(cut)) << size;
    }
    EXPECT_FALSE(decode_row(bytes + '\0'));
}

TEST(RowCodec, TellsWhatIsWrong) {
    const std::string bytes = encoded(full_row());
    const auto with = [&](std::size_t at, char value) {
        std::string changed = bytes;
        changed[at] = value;
        return decode_row(changed);
    };
    LedgerRow nameless;

    EXPECT_EQ(with(0, 2).error(), "row has a version that is not known");
    EXPECT_EQ(with(1, 64).error(), "row has an outcome or a flag that does not exist");
    EXPECT_EQ(with(2, 6).error(), "row has an outcome or a flag that does not exist");
    EXPECT_EQ(with(3, 1).error(), "row has an outcome or a flag that does not exist");
    EXPECT_EQ(decode_row("").error(), "row is cut short");
    EXPECT_EQ(decode_row(encoded(nameless)).error(), "row has no id");
    EXPECT_EQ(encoded_row_id("req_1"), "");
}

TEST(RowCodec, GivesViewsIntoTheBytesForAnyBytes) {
    const std::string bytes = encoded(full_row());
    std::mt19937 random{1};

    for (int i = 0; i < 20'000; ++i) {
        std::string changed = bytes.substr(0, i % 4 == 0 ? random() % bytes.size() : bytes.size());
        for (unsigned flips = 1 + random() % 3; flips > 0 && !changed.empty(); --flips) {
            changed[random() % changed.size()] = static_cast<char>(random());
        }
        const auto decoded = decode_row(changed);
        if (decoded) {
            EXPECT_GE(decoded->id.data(), changed.data());
            EXPECT_LE(decoded->id.data() + decoded->id.size(), changed.data() + changed.size());
            EXPECT_LE(decoded->attempts.size() + decoded->skipped.size(), changed.size());
        }
    }
}

TEST(FuzzCorpus, HoldsForTheRowCodec) {
    const std::filesystem::path folder =
        std::filesystem::path{HEADGATE_SOURCE_DIR} / "tests/fuzz/corpus/fuzz_journal_row";
    int seeds = 0;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        std::ifstream file{entry.path(), std::ios::binary};
        const std::string seed{std::istreambuf_iterator<char>{file}, {}};
        for (std::size_t size = 0; size <= seed.size(); ++size) {
            EXPECT_NO_THROW(fuzz::check_row_codec(seed.substr(0, size)))
                << entry.path() << " cut at " << size;
        }
        ++seeds;
    }
    EXPECT_GE(seeds, 9) << folder;
}

}  // namespace
}  // namespace headgate::policy
