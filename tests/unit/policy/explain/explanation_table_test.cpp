#include "policy/explain/explain.h"
#include "policy/explain/text_table.h"

namespace headgate::policy {
namespace {

using providers::Money;

Question asked() {
    Question question;
    question.project = "search";
    question.model = "gpt-5";
    return question;
}

std::size_t longest_line(std::string_view text) {
    std::size_t longest = 0;
    std::size_t length = 0;
    for (const char c : text) {
        const bool is_continuation = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
        length = c == '\n' ? 0 : length + (is_continuation ? 0 : 1);
        longest = std::max(longest, length);
    }
    return longest;
}

TEST(ExplanationTable, TellsTheOutcomeFirstAndThenWhy) {
    Explanation explanation;
    explanation.served = true;
    explanation.status = 200;
    explanation.route = "flagship";
    explanation.routes = {{.name = "tight", .matched = false, .because = "stream: not asked for"},
                          {.name = "flagship", .matched = true, .because = "model gpt-5"}};
    explanation.attempts = {
        {.provider = "openai", .model = "gpt-5", .result = "timeout", .deployment = {}},
        {.provider = "azure-eu", .model = "gpt-5", .result = "200", .deployment = "gpt5-prod"}};
    explanation.skipped = {{.provider = "claude", .model = "c", .reason = "breaker_open"}};
    explanation.price = {.input = *Money::parse("1.375"),
                         .output = *Money::parse("11"),
                         .cached_input = *Money::parse("0.1375"),
                         .source = "catalogue"};
    explanation.cost = *Money::parse("8.25");

    EXPECT_EQ(to_table(explanation, asked()),
              "Served by azure-eu (gpt-5 → deployment gpt5-prod) after 2 attempts\n"
              "\n"
              "Routes\n"
              "  tight     no   stream: not asked for\n"
              "  flagship  yes  model gpt-5\n"
              "\n"
              "Attempts\n"
              "  1  openai/gpt-5                           no answer in time (timeout)\n"
              "  2  azure-eu/gpt-5 → deployment gpt5-prod  200\n"
              "\n"
              "Skipped\n"
              "  claude/c  failed too often lately (breaker_open)\n"
              "\n"
              "  Request  project search, model gpt-5, endpoint chat\n"
              "  Price    1.375 input, 0.1375 cached input, 11 output, USD a million tokens "
              "(catalogue)\n"
              "  Cost     8.25 USD for the usage given\n"
              "  Limits   none\n"
              "  Budget   none\n");
}

TEST(ExplanationTable, TellsLimitsReservationAndBudgets) {
    Explanation explanation;
    explanation.status = 429;
    explanation.code = "insufficient_quota";
    explanation.message = "The budget does not hold it.";
    explanation.limits = {{.model = "*",
                           .label = "organization/*/rpm",
                           .limit = 10'000,
                           .remaining = 10'000,
                           .takes = 1},
                          {.model = "*",
                           .label = "search/gpt-5*/tpm",
                           .kind = LimitKind::tpm,
                           .limit = 300'000,
                           .remaining = 1'234,
                           .takes = 32'100},
                          {.model = "*",
                           .label = "search/gpt-5*/rpd",
                           .kind = LimitKind::rpd,
                           .limit = 5,
                           .remaining = 0,
                           .takes = 1,
                           .is_shadow = true},
                          {.model = "*",
                           .label = "search/gpt-5*/ipm",
                           .kind = LimitKind::ipm,
                           .limit = 50,
                           .remaining = 50},
                          {.model = "*",
                           .label = "search/gpt-5*/concurrent",
                           .kind = LimitKind::concurrent,
                           .limit = 64,
                           .remaining = 63,
                           .takes = 1}};
    explanation.reservation = {.input_tokens = 100,
                               .output_tokens = 9'987,
                               .images = 0,
                               .usd = *Money::parse("0.099995"),
                               .target = "openai/gpt-5",
                               .lowered_cap = 9'987,
                               .is_held = true};
    explanation.budgets = {{.scope = "organization",
                            .limit = *Money::parse("10000"),
                            .per = BudgetPeriod::total,
                            .spent = *Money::parse("7.5"),
                            .reserved = {}},
                           {.scope = "search",
                            .limit = *Money::parse("250"),
                            .per = BudgetPeriod::month,
                            .spent = *Money::parse("212.5"),
                            .reserved = *Money::parse("1.25"),
                            .is_shadow = true}};

    EXPECT_EQ(to_table(explanation, asked()),
              "Refused: 429 insufficient_quota: The budget does not hold it.\n"
              "\n"
              "Limits\n"
              "  organization/*/rpm        all left of 10,000 a minute     takes 1\n"
              "  search/gpt-5*/tpm         1,234 left of 300,000 a minute  takes 32,100: does not "
              "fit\n"
              "  search/gpt-5*/rpd         0 left of 5 a day               takes 1: does not fit, "
              "but is only\n"
              "                                                            counted (shadow)\n"
              "  search/gpt-5*/ipm         all left of 50 a minute         takes none\n"
              "  search/gpt-5*/concurrent  63 left of 64 at a time         takes 1\n"
              "\n"
              "  Request  project search, model gpt-5, endpoint chat\n"
              "  Price    none known\n"
              "  At most  100 tokens in and 9,987 out, 0.099995 USD (openai/gpt-5); the output cap "
              "was lowered to\n"
              "           9,987 so that it fits (when_tight: cap)\n"
              "  Budget   organization: 7.5 spent of 10000 USD in total\n"
              "  Budget   search: 212.5 spent and 1.25 reserved of 250 USD a month, only counted "
              "(shadow)\n");
}

TEST(ExplanationTable, TellsWhereNoBudgetReservesAndWhereNothingBoundsTheCost) {
    Explanation explanation;
    explanation.reservation = {.input_tokens = 1'000'000,
                               .output_tokens = 0,
                               .images = 1,
                               .usd = {},
                               .target = "local/my-own",
                               .lowered_cap = {},
                               .is_held = false};

    const std::string table = to_table(explanation, asked());

    EXPECT_NE(table.find("  At most  1,000,000 tokens in and 0 out, 1 picture, cost unknown "
                         "(local/my-own); no budget reserves\n"
                         "           it\n"),
              std::string::npos)
        << table;
}

TEST(ExplanationTable, TellsARefusalWithItsCodeAndReason) {
    Explanation explanation;
    explanation.status = 403;
    explanation.code = "model_not_allowed";
    explanation.message = "Project \"search\" may not use it.";

    const std::string table = to_table(explanation, asked());

    EXPECT_TRUE(
        table.starts_with("Refused: 403 model_not_allowed: Project \"search\" may not use it.\n"))
        << table;
    EXPECT_NE(table.find("Price    none known\n"), std::string::npos) << table;
}

TEST(ExplanationTable, TellsWhoseErrorPasses) {
    Explanation explanation;
    explanation.status = 400;
    explanation.attempts = {
        {.provider = "openai", .model = "gpt-5", .result = "400", .deployment = {}}};

    const std::string table = to_table(explanation, asked());

    EXPECT_TRUE(
        table.starts_with("Refused: 400, the error of openai passes as it is (after 1 attempt)\n"))
        << table;
}

TEST(ExplanationTable, IsNeverWiderThanAHundredColumnsAndFitForATerminal) {
    Explanation explanation;
    explanation.served = true;
    explanation.routes = {
        {.name = std::string(64, 'r'), .matched = false, .because = std::string(300, 'b')},
        {.name = "s",
         .matched = true,
         .because = "\x1b[2J \xc2\x9b \xff and " + std::string(150, ' ')}};
    explanation.attempts = {{.provider = std::string(64, 'p'),
                             .model = std::string(256, 'm'),
                             .result = "connect",
                             .deployment = {}}};
    explanation.skipped = {
        {.provider = std::string(64, 'p'), .model = std::string(256, 'm'), .reason = "simulator"}};
    Question question = asked();
    question.headers = {{"x-long", std::string(500, 'v')}};

    const std::string table = to_table(explanation, question);

    EXPECT_LE(longest_line(table), 100U) << table;
    EXPECT_EQ(table.find('\x1b'), std::string::npos);
    EXPECT_EQ(table.find('\xff'), std::string::npos);
    EXPECT_EQ(table.find('\x9b'), std::string::npos);
    EXPECT_NE(table.find("? and"), std::string::npos) << table;
}

TEST(WrappedText, BreaksAtBlanksAndElseWhereItMust) {
    using Lines = std::vector<std::string>;

    EXPECT_EQ(wrapped("", 10), Lines{""});
    EXPECT_EQ(wrapped("exactly 10", 10), Lines{"exactly 10"});
    EXPECT_EQ(wrapped("one two three", 8), (Lines{"one two", "three"}));
    EXPECT_EQ(wrapped("abcdefghij", 4), (Lines{"abcd", "efgh", "ij"}));
    EXPECT_EQ(wrapped("ééééé", 2), (Lines{"éé", "éé", "é"}));
}

}  // namespace
}  // namespace headgate::policy
