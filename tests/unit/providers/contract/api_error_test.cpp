#include "providers/contract/api_error.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <set>
#include <string>
#include <string_view>

namespace headgate::providers {
namespace {

using namespace std::string_literals;

constexpr int kCodes = static_cast<int>(ErrorCode::upstream_interrupted) + 1;

TEST(ApiError, GivesEachCodeANameAndAnErrorStatus) {
    std::set<std::string_view> names;
    for (int i = 0; i < kCodes; ++i) {
        const auto code = static_cast<ErrorCode>(i);

        names.insert(to_string(code));

        EXPECT_GE(traits(code).status, 400) << to_string(code);
        EXPECT_LE(traits(code).status, 504) << to_string(code);
        EXPECT_FALSE(traits(code).type.empty()) << to_string(code);
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(kCodes));
}

TEST(ApiError, HasTheStatusAndTypeOfTheContract) {
    struct TraitsCase {
        ErrorCode code;
        std::string_view name;
        int status;
        std::string_view type;
    };
    const TraitsCase cases[] = {
        {ErrorCode::invalid_json, "invalid_json", 400, "invalid_request_error"},
        {ErrorCode::price_unknown, "price_unknown", 400, "invalid_request_error"},
        {ErrorCode::invalid_api_key, "invalid_api_key", 401, "authentication_error"},
        {ErrorCode::project_disabled, "project_disabled", 403, "permission_error"},
        {ErrorCode::unknown_url, "unknown_url", 404, "invalid_request_error"},
        {ErrorCode::method_not_allowed, "method_not_allowed", 405, "invalid_request_error"},
        {ErrorCode::request_timeout, "request_timeout", 408, "timeout_error"},
        {ErrorCode::idempotency_conflict, "idempotency_conflict", 409, "conflict_error"},
        {ErrorCode::length_required, "length_required", 411, "invalid_request_error"},
        {ErrorCode::tokens_exceeded, "tokens_exceeded", 413, "invalid_request_error"},
        {ErrorCode::unsupported_media_type, "unsupported_media_type", 415, "invalid_request_error"},
        {ErrorCode::rate_limit_exceeded, "rate_limit_exceeded", 429, "rate_limit_error"},
        {ErrorCode::insufficient_quota, "insufficient_quota", 429, "insufficient_quota"},
        {ErrorCode::headers_too_large, "headers_too_large", 431, "invalid_request_error"},
        {ErrorCode::internal_error, "internal_error", 500, "server_error"},
        {ErrorCode::provider_auth_failed, "provider_auth_failed", 502, "upstream_error"},
        {ErrorCode::overloaded, "overloaded", 503, "server_error"},
        {ErrorCode::only_if_cached, "only_if_cached", 504, "timeout_error"},
        {ErrorCode::upstream_interrupted, "upstream_interrupted", 502, "upstream_error"},
    };

    for (const TraitsCase& test : cases) {
        EXPECT_EQ(to_string(test.code), test.name);
        EXPECT_EQ(traits(test.code).status, test.status) << test.name;
        EXPECT_EQ(traits(test.code).type, test.type) << test.name;
    }
}

TEST(ApiError, AdvisesAgainstRetriesThatCannotHelp) {
    const std::set<ErrorCode> retried_client_errors = {ErrorCode::request_timeout,
                                                       ErrorCode::idempotency_conflict,
                                                       ErrorCode::rate_limit_exceeded};
    const std::set<ErrorCode> final_server_errors = {ErrorCode::provider_auth_failed,
                                                     ErrorCode::provider_quota_exhausted,
                                                     ErrorCode::only_if_cached};

    for (int i = 0; i < kCodes; ++i) {
        const auto code = static_cast<ErrorCode>(i);
        const bool may_retry = traits(code).status < 500 ? retried_client_errors.contains(code)
                                                         : !final_server_errors.contains(code);

        EXPECT_EQ(traits(code).may_retry, may_retry) << to_string(code);
    }
}

TEST(ApiError, WritesTheErrorThatOpenAiClientsRead) {
    const ApiError with_param{.code = ErrorCode::invalid_request,
                              .message = "Invalid value for 'n'.",
                              .param = "n",
                              .allow = {}};
    const ApiError without{
        .code = ErrorCode::unknown_url, .message = "No such URL.", .param = {}, .allow = {}};

    EXPECT_EQ(to_json(with_param),
              R"({"error":{"message":"Invalid value for 'n'.","type":"invalid_request_error",)"
              R"("param":"n","code":"invalid_request"}})");
    EXPECT_EQ(to_json(without),
              R"({"error":{"message":"No such URL.","type":"invalid_request_error",)"
              R"("param":null,"code":"unknown_url"}})");
    EXPECT_EQ(with_param.status(), 400);
}

TEST(ApiError, StaysJsonWhateverItsTextsHold) {
    std::string every_byte;
    for (int c = 0; c < 256; ++c) {
        every_byte += static_cast<char>(c);
    }
    const ApiError error{.code = ErrorCode::internal_error,
                         .message = every_byte + "\"}\n\u00e9",
                         .param = "a\"b\\" + every_byte,
                         .allow = {}};

    const std::string json = to_json(error);

    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
    ASSERT_FALSE(document.HasParseError());
    EXPECT_EQ(json.find('\n'), std::string::npos);
    EXPECT_EQ(document["error"]["message"].GetStringLength(), 128U + 128U * 3U + 3U + 2U);
    EXPECT_EQ(document["error"].MemberCount(), 4U);
}

TEST(JsonEscape, EscapesWhatRfc8259AsksForAndNoMore) {
    struct EscapeCase {
        std::string text;
        std::string escaped;
    };
    const EscapeCase cases[] = {
        {"", ""},
        {"plain text, 'quoted' / slashed", "plain text, 'quoted' / slashed"},
        {"\"\\", R"(\"\\)"},
        {"\b\f\n\r\t", R"(\b\f\n\r\t)"},
        {"\0\x01\x1f"s, R"(\u0000\u0001\u001f)"},
        {"\x7f", "\x7f"},
        {"\u00e9\u20ac\U0001f600\u2028", "\u00e9\u20ac\U0001f600\u2028"},
        {"a\xff"
         "b",
         "a\ufffd"
         "b"},
        {"\xc0\xaf", "\ufffd\ufffd"},
        {"\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
        {"x\xe2\x82", "x\ufffd\ufffd"},
    };

    for (const EscapeCase& test : cases) {
        std::string out = "before ";

        append_json_escaped(out, test.text);

        EXPECT_EQ(out, "before " + test.escaped);
    }
}

}  // namespace
}  // namespace headgate::providers
