#include "policy/explain/explain.h"

#include <rapidjson/document.h>

namespace headgate::policy {
namespace {

using providers::Money;

TEST(ExplanationJson, HasTheShapeOfTheReference) {
    Explanation explanation;
    explanation.served = true;
    explanation.status = 200;
    explanation.route = "flagship";
    explanation.routes = {{.name = "tight", .matched = false, .because = "stream: not asked for"},
                          {.name = "flagship", .matched = true, .because = "model gpt-5"}};
    explanation.attempts = {
        {.provider = "openai", .model = "gpt-5", .result = "429", .deployment = {}},
        {.provider = "a", .model = "gpt-5", .result = "cut", .deployment = {}},
        {.provider = "azure-eu", .model = "gpt-5", .result = "200", .deployment = "gpt5-prod"}};
    explanation.skipped = {{.provider = "claude", .model = "c", .reason = "endpoint"}};
    explanation.price = {.input = *Money::parse("1.375"),
                         .output = *Money::parse("11"),
                         .cached_input = *Money::parse("0.1375"),
                         .source = "catalogue"};
    explanation.cost = *Money::parse("8.25");
    explanation.limits = {{.scope = Scope::organization,
                           .model = "*",
                           .label = "organization/*/rpm",
                           .kind = LimitKind::rpm,
                           .limit = 10'000,
                           .remaining = 9'999,
                           .takes = 1},
                          {.scope = Scope::key,
                           .model = "gpt-5*,o4*",
                           .label = "search/laptop/gpt-5*,o4*/tpm",
                           .kind = LimitKind::tpm,
                           .limit = 300'000,
                           .remaining = 0,
                           .takes = 32'100}};
    explanation.reservation = {.input_tokens = 100,
                               .output_tokens = 32'000,
                               .images = 0,
                               .usd = *Money::parse("0.320125"),
                               .target = "openai/gpt-5",
                               .lowered_cap = {},
                               .is_held = true};

    EXPECT_EQ(
        to_json(explanation),
        R"({"served":true,"status":200,"code":null,"route":"flagship",)"
        R"("routes":[{"name":"tight","matched":false,"because":"stream: not asked for"},)"
        R"({"name":"flagship","matched":true,"because":"model gpt-5"}],)"
        R"("attempts":[{"provider":"openai","model":"gpt-5","result":429},)"
        R"({"provider":"a","model":"gpt-5","result":"cut"},)"
        R"({"provider":"azure-eu","model":"gpt-5","result":200}],)"
        R"("skipped":[{"provider":"claude","model":"c","reason":"endpoint"}],)"
        R"("limits":[{"scope":"organization","model":"*","kind":"rpm","limit":10000,)"
        R"("remaining":9999,"takes":1},{"scope":"key","model":"gpt-5*,o4*","kind":"tpm",)"
        R"("limit":300000,"remaining":0,"takes":32100}],)"
        R"("reservation":{"input_tokens":100,"output_tokens":32000,"usd":"0.320125"},)"
        R"("price":{"input":"1.375","output":"11","cached_input":"0.1375","source":"catalogue"},)"
        R"("cache":"off","drops":[],"cost_usd":"8.25"})");
}

TEST(ExplanationJson, SaysNullForWhatThereIsNot) {
    Explanation explanation;
    explanation.status = 403;
    explanation.code = "model_not_allowed";

    EXPECT_EQ(to_json(explanation),
              R"({"served":false,"status":403,"code":"model_not_allowed","route":null,"routes":[],)"
              R"("attempts":[],"skipped":[],"limits":[],"reservation":null,"price":null,)"
              R"("cache":"off","drops":[]})");
}

TEST(ExplanationJson, HasNoAmountWhereNoPriceBoundsTheRequest) {
    Explanation explanation;
    explanation.reservation = Explanation::ReservationLine{};
    explanation.reservation->input_tokens = 7;

    EXPECT_NE(to_json(explanation)
                  .find(R"("reservation":{"input_tokens":7,"output_tokens":0,"usd":null})"),
              std::string::npos);
}

TEST(ExplanationJson, StaysJsonWhateverTheTextsHold) {
    Explanation explanation;
    explanation.routes = {{.name = "a", .matched = true, .because = "\"\\\n\x01\xff\xe2\x82"}};

    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag>(to_json(explanation).c_str());

    ASSERT_FALSE(document.HasParseError());
    EXPECT_TRUE(
        std::string(document["routes"][0]["because"].GetString()).starts_with("\"\\\n\x01"));
}

}  // namespace
}  // namespace headgate::policy
