#include "policy/ledger/row_json.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <chrono>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using providers::Money;
using providers::Tokens;

/// 2026-11-24T09:05:07.089Z and some microseconds.
constexpr providers::WallTime kTime =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + 9h + 5min + 7s + 89ms + 999us;

LedgerRow full_row() {
    LedgerRow row;
    row.id = "req_01JDF3Q4ZK8V6M0T2N5R7W9X1Y";
    row.time = kTime;
    row.project = "search";
    row.key = "prod";
    row.endpoint = "chat";
    row.route = "flagship";
    row.provider = "azure-eu";
    row.model = "gpt-5";
    row.requested_model = "gpt-5";
    row.status = 200;
    row.outcome = Outcome::complete;
    row.stream = true;
    row.usage.input = Tokens{1'000};
    row.usage.cached_input = Tokens{900};
    row.usage.cache_write = Tokens{80};
    row.usage.audio_input = Tokens{15};
    row.usage.image_input = Tokens{5};
    row.usage.output = Tokens{300};
    row.usage.reasoning = Tokens{200};
    row.usage.audio_output = Tokens{7};
    row.usage.image_output = Tokens{3};
    row.usage.images = 2;
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
    row.client = "192.0.2.7";
    row.bytes_in = 812;
    row.bytes_out = std::numeric_limits<std::uint64_t>::max();
    row.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    row.overhead = 210us;
    return row;
}

constexpr std::string_view kFullRow =
    R"({"id":"req_01JDF3Q4ZK8V6M0T2N5R7W9X1Y","time":"2026-11-24T09:05:07.089Z",)"
    R"("project":"search","key":"prod","endpoint":"chat","route":"flagship",)"
    R"("provider":"azure-eu","model":"gpt-5","requested_model":"gpt-5","status":200,)"
    R"("code":null,"outcome":"complete","stream":true,"input_tokens":2000,)"
    R"("cached_input_tokens":900,"cache_write_tokens":80,"output_tokens":510,)"
    R"("reasoning_tokens":200,"audio_tokens":22,"images":2,"cost_usd":"0.0075125",)"
    R"("price":"policy","estimated":false,"over_reserved":true,"cache":"miss",)"
    R"("saved_usd":"0.000000001","attempts":[{"provider":"openai","model":"gpt-5",)"
    R"("status":429,"reason":"status","ms":12.345},{"provider":"azure-eu","model":"gpt-5",)"
    R"("status":null,"reason":"connect","ms":2000}],"skipped":[{"provider":"claude",)"
    R"("model":"claude-sonnet-4-5","reason":"breaker_open"}],"duration_ms":1234.56,)"
    R"("first_byte_ms":412.007,"tags":{"team":"a","feature":"b"},)"
    R"("client_request_id":"abc-1","count":3)";

std::string ledger_json(const LedgerRow& row) {
    std::string out;
    append_ledger_json(out, row);
    return out;
}

rapidjson::Document parsed(const LedgerRow& row) {
    std::string out;
    append_access_json(out, row);
    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag>(out.data(), out.size());
    EXPECT_FALSE(document.HasParseError()) << out;
    return document;
}

TEST(RowJson, WritesEveryLedgerFieldInTheOrderOfTheContract) {
    EXPECT_EQ(ledger_json(full_row()), std::string{kFullRow} + "}");
}

TEST(RowJson, PutsTheAccessFieldsBehindAndAppends) {
    std::string out{"before "};

    append_access_json(out, full_row());

    EXPECT_EQ(out, "before " + std::string{kFullRow} +
                       R"(,"client":"192.0.2.7","bytes_in":812,)"
                       R"("bytes_out":18446744073709551615,)"
                       R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","overhead_ms":0.21})");
}

TEST(RowJson, WritesNullForWhatIsAbsent) {
    LedgerRow row;
    row.id = "req_1";

    const rapidjson::Document json = parsed(row);

    constexpr const char* names[] = {"project",  "key",    "endpoint",          "route",
                                     "provider", "model",  "requested_model",   "status",
                                     "code",     "client", "client_request_id", "first_byte_ms",
                                     "trace_id"};
    for (const char* name : names) {
        ASSERT_TRUE(json.HasMember(name)) << name;
        EXPECT_TRUE(json[name].IsNull()) << name;
    }
    EXPECT_EQ(json["tags"].MemberCount(), 0U);
    EXPECT_EQ(json["attempts"].Size(), 0U);
    EXPECT_EQ(json["skipped"].Size(), 0U);
    EXPECT_STREQ(json["time"].GetString(), "1970-01-01T00:00:00.000Z");
    EXPECT_STREQ(json["cost_usd"].GetString(), "0");
    EXPECT_STREQ(json["price"].GetString(), "none");
    EXPECT_STREQ(json["outcome"].GetString(), "error");
}

TEST(RowJson, TellsThatTokensAreOurOwnCount) {
    LedgerRow row;
    row.usage.is_estimated = true;

    EXPECT_TRUE(parsed(row)["estimated"].GetBool());
}

TEST(RowJson, KeepsHostileTextsInsideTheirStrings) {
    constexpr std::string_view hostile{"\"},\n\r\t\\\0\x1f\x7f\xff\xc3\x28\xe2\x80\xa8</script>",
                                       25};
    LedgerRow row = full_row();
    row.id = row.project = row.key = row.route = row.provider = row.model = hostile;
    row.requested_model = row.code = row.client_request_id = row.client = row.trace_id = hostile;
    row.endpoint = row.price = row.cache = hostile;
    row.attempts = {{hostile, hostile, 500, hostile, 1us}};
    row.skipped = {{hostile, hostile, hostile}};
    row.tags = "\"=\\,\xff=\n";

    const rapidjson::Document json = parsed(row);

    ASSERT_TRUE(json.IsObject());
    EXPECT_EQ(json.MemberCount(), 38U);
    EXPECT_TRUE(std::string_view{json["project"].GetString()}.starts_with("\"},\n\r\t\\"));
    EXPECT_STREQ(json["tags"]["\""].GetString(), "\\");
    EXPECT_STREQ(json["tags"]["\uFFFD"].GetString(), "\n");
    std::string line;
    append_access_json(line, row);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(line.find('\0'), std::string::npos);
}

TEST(RowJson, WritesMillisecondsWithThePlacesThatTell) {
    constexpr std::pair<std::chrono::microseconds, std::string_view> cases[] = {
        {0us, "0"},
        {1us, "0.001"},
        {10us, "0.01"},
        {100us, "0.1"},
        {999us, "0.999"},
        {1ms, "1"},
        {1'010us, "1.01"},
        {12'345us, "12.345"},
        {60s, "60000"},
        {-5us, "0"},
        {std::chrono::microseconds::max(), "9223372036854775.807"},
    };
    for (const auto& [duration, text] : cases) {
        LedgerRow row;
        row.duration = duration;

        const std::string json = ledger_json(row);

        const std::string field = R"("duration_ms":)" + std::string{text} + ",";
        EXPECT_NE(json.find(field), std::string::npos) << field << " in " << json;
    }
}

TEST(RowJson, WritesTimesInUtcRoundedDownToMilliseconds) {
    using std::chrono::sys_days;
    using std::chrono::year;
    const std::pair<providers::WallTime, const char*> cases[] = {
        {sys_days{year{2024} / 2 / 29} + 23h + 59min + 59s + 999'999us, "2024-02-29T23:59:59.999Z"},
        {sys_days{year{2100} / 3 / 1}, "2100-03-01T00:00:00.000Z"},
        {sys_days{year{1970} / 1 / 1} - 1us, "1969-12-31T23:59:59.999Z"},
        {providers::WallTime::max(), "2262-04-11T23:47:16.854Z"},
        {providers::WallTime::min(), "1677-09-21T00:12:43.145Z"},
    };
    for (const auto& [time, text] : cases) {
        LedgerRow row;
        row.time = time;

        EXPECT_STREQ(parsed(row)["time"].GetString(), text);
    }
}

TEST(RowJson, WritesTagsAsAnObjectWhateverTheyLookLike) {
    constexpr std::pair<std::string_view, std::string_view> cases[] = {
        {"", "{}"},
        {"team=a", R"({"team":"a"})"},
        {"team=a,feature=b", R"({"team":"a","feature":"b"})"},
        {"team=a,feature=b,team=c", R"({"feature":"b","team":"c"})"},
        {"a=b=c", R"({"a":"b=c"})"},
        {"alone", R"({"alone":""})"},
        {"a=", R"({"a":""})"},
        {"=b", "{}"},
        {",,a=b,,", R"({"a":"b"})"},
    };
    for (const auto& [tags, object] : cases) {
        LedgerRow row;
        row.tags = tags;

        const std::string json = ledger_json(row);

        const std::string field = R"("tags":)" + std::string{object} + ",";
        EXPECT_NE(json.find(field), std::string::npos) << field << " in " << json;
    }
}

TEST(RowJson, AllocatesNothingWhereTheStringHasRoom) {
    std::string out;
    out.reserve(65'536);
    const char* const place = out.data();
    const LedgerRow row = full_row();

    for (int i = 0; i < 40; ++i) {
        append_access_json(out, row);
    }

    EXPECT_EQ(out.data(), place);
}

TEST(Outcome, IsSpelledAsInTheLedger) {
    constexpr std::pair<Outcome, std::string_view> cases[] = {
        {Outcome::complete, "complete"},         {Outcome::error, "error"},
        {Outcome::refused, "refused"},           {Outcome::client_gone, "client_gone"},
        {Outcome::upstream_cut, "upstream_cut"}, {Outcome::expired, "expired"},
    };
    for (const auto& [outcome, text] : cases) {
        EXPECT_EQ(to_string(outcome), text);
    }
}

}  // namespace
}  // namespace headgate::policy
