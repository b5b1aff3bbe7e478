#include "providers/openai/errors.h"

#include "providers/contract/json_reader.h"
#include "tests/unit/providers/openai/stream_run.h"

namespace headgate::providers::openai {
namespace {

TEST(Errors, PassBytesOfOpenAisShape) {
    for (
        const std::string_view body : {
            R"({"error":{"message":"Invalid value.","type":"invalid_request_error","param":"n","code":null}})",
            "{\n  \"error\": {\n    \"message\": \"No \\u00e4\",\n    \"type\": \"x\"\n  }\n}\n",
            R"({"error":{"message":"m","type":"t","param":null,"code":"c","inner":{"a":[1]}},"b":2})",
            R"({"error":{"message":"m","type":null,"param":"prompt","code":"c","status":400}})",
        }) {
        EXPECT_EQ(decode_error(400, body).body, body);
    }
}

TEST(Errors, MaskIdsInWhatPasses) {
    constexpr std::string_view kBody =
        R"({"error":{"message":"Project `proj_AbC123dEf456` of org-AbC123dEf456: sk-proj-abc_1***xyz","type":"t","param":null,"code":"model_not_found"}})";

    EXPECT_EQ(
        decode_error(403, kBody).body,
        R"({"error":{"message":"Project `proj_***` of org-***: sk-***","type":"t","param":null,"code":"model_not_found"}})");
}

TEST(Errors, MaskIdsThatAreSpelledWithEscapes) {
    const ProviderError error = decode_error(
        400,
        R"({"error":{"message":"In org\u002dAbC123dEf456 and org-XyZ123456","type":"t","param":null,"code":"c"}})");

    EXPECT_EQ(
        error.body,
        R"({"error":{"message":"In org-*** and org-***","type":"t","param":null,"code":"c"}})");
}

TEST(Errors, AreWrappedIntoOpenAisShape) {
    const struct {
        int status;
        std::string_view body;
        std::string_view wrapped;
    } cases[] = {
        // Azure
        {429, R"({"error":{"code":"429","message":"Slow down."}})",
         R"({"error":{"message":"Slow down.","type":"rate_limit_error","param":null,"code":"429"}})"},
        // OpenRouter
        {502, R"({"error":{"message":"Down","code":502,"metadata":{}},"user_id":"u"})",
         R"({"error":{"message":"Down","type":"upstream_error","param":null,"code":"502"}})"},
        // vLLM
        {404, R"({"object":"error","message":"No model.","type":"NotFoundError","code":404})",
         R"({"error":{"message":"No model.","type":"invalid_request_error","param":null,"code":null}})"},
        {422, R"({"detail":"Bad \"x\""})",
         R"({"error":{"message":"Bad \"x\"","type":"invalid_request_error","param":null,"code":null}})"},
        {500, R"({"error":"out of memory"})",
         R"({"error":{"message":"out of memory","type":"server_error","param":null,"code":null}})"},
        // Gemini's OpenAI endpoint
        {400, R"([{"error":{"code":400,"message":"Bad.","status":"INVALID_ARGUMENT"}}])",
         R"({"error":{"message":"Bad.","type":"invalid_request_error","param":null,"code":"400"}})"},
        {503, " upstream overloaded\n",
         R"({"error":{"message":"upstream overloaded","type":"server_error","param":null,"code":null}})"},
        {401, "key org-AbC123dEf456",
         R"({"error":{"message":"key org-***","type":"authentication_error","param":null,"code":null}})"},
    };

    for (const auto& c : cases) {
        EXPECT_EQ(decode_error(c.status, c.body).body, c.wrapped);
    }
}

TEST(Errors, NeverPassMarkupBrokenJsonOrMuchText) {
    constexpr std::string_view kGeneric =
        R"({"error":{"message":"The provider answered with status 502.","type":"upstream_error","param":null,"code":null}})";

    for (const std::string& body : {
             std::string{},
             std::string{"<html><head><title>502</title></head></html>"},
             std::string{"Oops <!DOCTYPE HTML>"},
             std::string{R"({"error":{"message":"<HTML>x</HTML>","type":"t"}})"},
             std::string{R"({"error":{"message":"cut he)"},
             std::string{R"({"detail":[{"msg":"x"}]})"},
             std::string{"[]"},
             std::string{"null x {"} + std::string(3000, 'x'),
             R"({"error":{"message":")" + std::string(70'000, 'x') + R"("}})",
         }) {
        const std::string wrapped = decode_error(502, body).body;
        EXPECT_EQ(replaced(wrapped, R"("type":"t")", R"("type":"upstream_error")"), kGeneric);
    }
}

TEST(Errors, ShortenAMessageAtTheEndOfACharacter) {
    std::string message(1999, 'x');
    message += "€€";

    const std::string body = decode_error(400, R"({"message":")" + message + R"("})").body;

    EXPECT_NE(body.find(std::string(1999, 'x') + "\""), std::string::npos);
}

TEST(Errors, AreJsonWhateverTheProviderSent) {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string text{'a', static_cast<char>(byte), '"', '\\'};

        const std::string body = decode_error(500, text).body;

        EXPECT_TRUE(JsonReader{body}.finish()) << byte;
    }
}

TEST(Errors, TellTheOperatorsKeyAndQuotaFromTheClientsFaults) {
    const struct {
        int status;
        std::string_view type;
        std::string_view code;
        bool is_credential;
        bool is_quota;
    } cases[] = {
        {401, "invalid_request_error", "invalid_api_key", true, false},
        {401, "invalid_request_error", "", true, false},
        {403, "invalid_request_error", "missing_scope", true, false},
        {403, "invalid_request_error", "account_deactivated", true, false},
        {403, "invalid_request_error", "content_policy_violation", false, false},
        {403, "request_forbidden", "unsupported_country_region_territory", false, false},
        {403, "invalid_request_error", "model_not_found", false, false},
        {400, "invalid_request_error", "invalid_api_key", false, false},
        {429, "insufficient_quota", "insufficient_quota", false, true},
        {429, "insufficient_quota", "", false, true},
        {429, "requests", "rate_limit_exceeded", false, false},
        {429, "billing", "billing_not_active", false, true},
        {403, "x", "access_terminated", false, true},
        {400, "invalid_request_error", "billing_hard_limit_reached", false, true},
        {402, "x", "", false, true},
        {500, "x", "insufficient_quota", false, false},
    };

    for (const auto& c : cases) {
        const std::string body = R"({"error":{"message":"m","type":")" + std::string{c.type} +
                                 R"(","param":null,"code":")" + std::string{c.code} + R"("}})";

        const ProviderError error = decode_error(c.status, body);

        EXPECT_EQ(error.is_credential, c.is_credential) << c.status << ' ' << c.code;
        EXPECT_EQ(error.is_quota, c.is_quota) << c.status << ' ' << c.code;
        EXPECT_EQ(error.code, c.code);
    }
}

TEST(Errors, TellAQuotaOfTheDayFromOneOfTheMinute) {
    const struct {
        int status;
        std::string_view message;
        std::string_view code;
        bool is_daily;
    } cases[] = {
        {429, "Rate limit reached for m in org-x on requests per day (RPD): Limit 200, Used 200.",
         "rate_limit_exceeded", true},
        {429, "Rate limit reached for m on tokens per day (TPD): Limit 500000", "", true},
        {429, "Limit reached (TPD).", "", true},
        {429, "Slow down.", "requests_per_day", true},
        {429, "Quota exceeded for GenerateRequestsPerDayPerModel", "", true},
        {429, "Rate limit reached for m on requests per min (RPM): Limit 500", "", false},
        {429, "Rate limit reached for m on tokens per min (TPM): Limit 3, Requested 7", "", false},
        {429, "You exceeded 3 requests per day.", "insufficient_quota", false},
        {503, "At most 200 requests per day", "", false},
    };

    for (const auto& c : cases) {
        const std::string body = R"({"error":{"message":")" + std::string{c.message} +
                                 R"(","type":"requests","param":null,"code":")" +
                                 std::string{c.code} + R"("}})";

        EXPECT_EQ(decode_error(c.status, body).is_daily, c.is_daily) << c.message;
    }
}

TEST(Errors, GiveARowOnlyCodesThatAreWords) {
    EXPECT_EQ(decode_error(400, R"({"error":{"message":"m","code":"a b"}})").code, "");
    EXPECT_EQ(decode_error(400, R"({"error":{"message":"m","code":429}})").code, "429");
    EXPECT_EQ(decode_error(400, R"({"error":{"message":"m","code":null}})").code, "");
    EXPECT_EQ(decode_error(400, R"({"error":{"code":")" + std::string(129, 'x') + "\"}}").code, "");
}

}  // namespace
}  // namespace headgate::providers::openai
