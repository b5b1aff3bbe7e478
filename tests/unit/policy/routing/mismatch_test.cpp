#include "policy/routing/router.h"
#include "tests/unit/policy/routing/policy_in_code.h"

namespace headgate::policy {
namespace {

using Is = Comparison::Is;

constexpr HeaderFact kHeaders[] = {{.name = "x-tier", .value = "bulk"},
                                   {.name = "x-tier", .value = "night"},
                                   {.name = "x-team", .value = "platform"}};

class MismatchTest : public testing::Test {
protected:
    MismatchTest() {
        route_.models = {"gpt-5*", "o4*"};
        facts_.headers = kHeaders;
        facts_.stream = true;
        facts_.budget_used = 0.85;
        facts_.input_tokens = 32'000;
    }

    PolicyInCode policy_;
    Route route_;
    Facts facts_ = policy_.facts("gpt-5-mini");
};

TEST_F(MismatchTest, IsEmptyWhereEveryConditionHolds) {
    route_.when = {
        .projects = {&policy_.project("other"), facts_.project},
        .endpoints = {"responses", "chat"},
        .stream = true,
        .headers = {{.name = "x-tier", .glob = "night"}, {.name = "x-team", .glob = "plat*"}},
        .budget_used = Comparison{Is::at_least, 0.85, ">= 85%"},
        .input_tokens = Comparison{Is::at_most, 32'000, "<= 32k"}};

    EXPECT_EQ(mismatch(route_, facts_), "");
}

TEST_F(MismatchTest, NamesTheConditionThatDoesNotHold) {
    struct Case {
        Conditions when;
        std::string_view because;
    };
    const auto when = [](auto member, auto value) {
        Conditions conditions;
        conditions.*member = std::move(value);
        return conditions;
    };
    using C = Conditions;
    using Headers = std::vector<HeaderCondition>;
    const Case cases[] = {
        {when(&C::projects, std::vector<const Project*>{&policy_.project("other")}),
         "project: not one of other"},
        {when(&C::endpoints, std::vector<std::string>{"responses", "embeddings"}),
         "endpoint: not one of responses, embeddings"},
        {when(&C::stream, false), "stream: not false"},
        {when(&C::headers, Headers{{.name = "x-tier", .glob = "gold"}}), "header x-tier: not gold"},
        {when(&C::headers, Headers{{.name = "x-absent", .glob = "*"}}),
         "header x-absent: absent, not *"},
        {when(&C::budget_used, Comparison{Is::less, 0.8, "< 80%"}),
         "budget_used: 85% is not < 80%"},
        {when(&C::input_tokens, Comparison{Is::more, 32'000, "> 32k"}),
         "input_tokens: 32000 is not > 32k"},
    };
    for (const Case& c : cases) {
        route_.when = c.when;

        EXPECT_EQ(mismatch(route_, facts_), c.because);
    }
}

TEST_F(MismatchTest, NamesTheModelFirst) {
    facts_.model = "gpt-4o";
    facts_.stream = false;
    route_.when.stream = true;

    EXPECT_EQ(mismatch(route_, facts_), "model: not one of gpt-5*, o4*");
    facts_.model = "o4-mini";
    EXPECT_EQ(mismatch(route_, facts_), "stream: not true");
}

TEST_F(MismatchTest, ListsAFewProjectsAtMost) {
    for (const std::string_view id : {"a", "b", "c", "d", "e", "f", "g"}) {
        route_.when.projects.push_back(&policy_.project(std::string(id)));
    }

    EXPECT_EQ(mismatch(route_, facts_), "project: not one of a, b, c, d, e and others");
}

}  // namespace
}  // namespace headgate::policy
