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

    EXPECT_EQ(
        to_json(explanation),
        R"({"served":true,"status":200,"code":null,"route":"flagship",)"
        R"("routes":[{"name":"tight","matched":false,"because":"stream: not asked for"},)"
        R"({"name":"flagship","matched":true,"because":"model gpt-5"}],)"
        R"("attempts":[{"provider":"openai","model":"gpt-5","result":429},)"
        R"({"provider":"a","model":"gpt-5","result":"cut"},)"
        R"({"provider":"azure-eu","model":"gpt-5","result":200}],)"
        R"("skipped":[{"provider":"claude","model":"c","reason":"endpoint"}],)"
        R"("limits":[],"reservation":null,)"
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
