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
