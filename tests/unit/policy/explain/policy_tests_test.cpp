#include "policy/explain/policy_tests.h"

#include "tests/unit/policy/explain/example_policy.h"

namespace headgate::policy {
namespace {

class PolicyTestsOfTheExample : public ExamplePolicy {
protected:
    /// "LINE:COLUMN: severity: MESSAGE (HINT)\n" of every problem.
    std::string problems_of(std::string_view text) {
        const TemporaryFile file{text};
        const PolicyTests tests = load_policy_tests(file.path(), *snapshot_);
        std::string told;
        for (Problem problem : tests.problems) {
            problem.file.clear();
            told += problem.to_string().substr(1) + "\n";
        }
        EXPECT_EQ(tests.tests.empty(), !tests.problems.empty()) << told;
        return told;
    }

    /// Of one test with this `given` and `expect`.
    std::string problems_of(const std::string& given, const std::string& expect) {
        return problems_of("tests:\n- name: a\n  given: " + given + "\n  expect: " + expect + "\n");
    }

    /// Of a test that expects `expect` of a request for gpt-5 under `more`.
    std::vector<std::string> differences_of(const std::string& more, const std::string& expect) {
        const TemporaryFile file{"tests:\n- name: a\n  given: {project: search, model: gpt-5" +
                                 more + "}\n  expect: " + expect + "\n"};
        const PolicyTests tests = load_policy_tests(file.path(), *snapshot_);
        EXPECT_EQ(tests.tests.size(), 1U);
        return tests.tests.empty() ? std::vector<std::string>{"faulty"}
                                   : differences(*router_, *limits_, tests.tests[0], time_);
    }
};

TEST_F(PolicyTestsOfTheExample, AreReadWhole) {
    const TemporaryFile file{
        "tests:\n"
        "- name: everything\n"
        "  given:\n"
        "    {project: search, key: prod, model: gpt-5, endpoint: embeddings, stream: true,\n"
        "     headers: {X-Tier: bulk}, input_tokens: 3k, max_output: 2k, budget_used: 12.5%,\n"
        "     usage: {input: 1, output: 2, cached_input: 3, cache_write: 4, reasoning: 5},\n"
        "     providers: {openai: 503, claude: cut}}\n"
        "  expect:\n"
        "    {status: 503, code: null, route: alone, attempts: openai/gpt-5, skipped: [],\n"
        "     cost_usd: 0.000000001, reserved_usd: \"0\"}\n"};

    const PolicyTests read = load_policy_tests(file.path(), *snapshot_);

    ASSERT_EQ(read.tests.size(), 1U);
    const Question& given = read.tests[0].given;
    EXPECT_EQ(read.tests[0].line, 2);
    EXPECT_EQ(given.project, "search");
    EXPECT_EQ(given.key, "prod");
    EXPECT_EQ(given.endpoint, "embeddings");
    EXPECT_TRUE(given.stream);
    EXPECT_EQ(given.headers.at(0), std::pair(std::string("x-tier"), std::string("bulk")));
    EXPECT_EQ(given.input_tokens, 3'000);
    EXPECT_EQ(given.max_output, 2'000);
    EXPECT_DOUBLE_EQ(given.budget_used, 0.125);
    EXPECT_EQ(given.usage->total_input(), providers::Tokens{8});
    EXPECT_EQ(given.usage->total_output(), providers::Tokens{7});
    EXPECT_EQ(given.providers.at("openai").status, 503);
    EXPECT_EQ(given.providers.at("claude").kind, SupposedAnswer::Kind::cut);
    const Expectation& expect = read.tests[0].expect;
    EXPECT_EQ(expect.code, "");
    EXPECT_EQ(expect.attempts, std::vector<std::string>{"openai/gpt-5"});
    EXPECT_EQ(expect.skipped, std::vector<std::string>{});
    EXPECT_EQ(expect.cost_usd, providers::Money::nanos(1));
    EXPECT_EQ(expect.reserved_usd, providers::Money{});
}

TEST_F(PolicyTestsOfTheExample, TellEveryDifferenceInWords) {
    using Texts = std::vector<std::string>;

    EXPECT_EQ(differences_of("", "{route: tight}"), Texts{"route: flagship, expected tight"});
    EXPECT_EQ(differences_of("", "{status: 503, code: upstream_unavailable}"),
              (Texts{"status: 200, expected 503", "code: none, expected upstream_unavailable"}));
    EXPECT_EQ(
        differences_of(", endpoint: moderations", "{status: 200, route: tight}"),
        (Texts{"status: 403 (endpoint_not_allowed), expected 200", "route: none, expected tight"}));
    EXPECT_EQ(differences_of(", providers: {openai: 500}", "{attempts: [claude/a], skipped: []}"),
              (Texts{"attempts: openai/gpt-5, azure-eu/gpt-5, expected claude/a",
                     "skipped: resting/gpt-5, expected none"}));
    EXPECT_EQ(differences_of(", usage: {output: 1M}", "{cost_usd: 9.99, reserved_usd: 1}"),
              (Texts{"cost_usd: 10, expected 9.99", "reserved_usd: 0, expected 1"}));
    EXPECT_EQ(differences_of(", usage: {output: 1M}", "{cost_usd: 10.000, code: ~}"), Texts{});
}

TEST_F(PolicyTestsOfTheExample, AreRefusedAsAWhole) {
    const std::pair<std::string_view, std::string_view> files[] = {
        {"", "0:0: error: the file is empty; policy tests stand in a list under `tests`\n"},
        {"- a\n", "1:1: error: policy tests stand in a list under `tests`\n"},
        {"{}\n", "0:0: error: the file has no `tests`, so that it tests nothing\n"},
        {"tests: []\n",
         "1:8: error: \"tests\" must be a list of at least one test (`- name: …`)\n"},
        {"tests: {a: 1}\n",
         "1:8: error: \"tests\" must be a list of at least one test (`- name: …`)\n"},
        {"tests:\n", "1:1: error: \"tests\" has no value\n"},
    };
    for (const auto& [text, told] : files) {
        EXPECT_EQ(problems_of(text), told) << text;
    }
    EXPECT_NE(problems_of("tests: [\n"), "");
    EXPECT_NE(problems_of("tests: [a]\n"), "");
    EXPECT_NE(problems_of("tests: " + std::string(5'000, '[')), "");
}

TEST_F(PolicyTestsOfTheExample, AreRefusedWhereThereIsNoSuchFile) {
    const PolicyTests tests = load_policy_tests("/no/such/tests.yaml", *snapshot_);

    ASSERT_EQ(tests.problems.size(), 1U);
    EXPECT_EQ(tests.problems[0].to_string(),
              "/no/such/tests.yaml:0:0: error: the file does not exist");
}

struct Fault {
    std::string given;
    std::string expect;
    std::string_view told;
};

TEST_F(PolicyTestsOfTheExample, NameEveryFaultWithItsPlaceAndAHint) {
    const std::string right = "{project: search, model: gpt-5}";
    const std::string ok = "{status: 200}";
    const Fault faults[] = {
        {"{project: serch, model: a}", ok,
         "3:20: error: \"tests[0].given.project\" is not a project of the policy (did you mean "
         "`search`?)\n"},
        {"{model: a}", ok,
         "3:10: error: \"tests[0].given.project\" is missing; write for example `project: NAME`\n"},
        {"{project: search, modle: a}", ok,
         "3:10: error: \"tests[0].given.model\" is missing; write for example `model: gpt-5`\n"
         "3:28: error: \"tests[0].given.modle\" is not a setting that Headgate knows (did you mean "
         "`model`?)\n"},
        {"{project: search, model: a, providers: {opnai: 429}}", ok,
         "3:50: error: \"tests[0].given.providers.opnai\" is not a provider of the policy (did you "
         "mean `openai`?)\n"},
        {"{project: search, model: a, providers: {openai: down}}", ok,
         "3:58: error: \"tests[0].given.providers.openai\" must be a status from 200 to 599, "
         "connect, timeout or cut\n"},
        {"{project: search, model: a, usage: {input: -1}}", ok,
         "3:53: error: \"tests[0].given.usage.input\" must be a whole number from 0 to "
         "1000000000\n"},
        {"{project: search, model: a, budget_used: 0.8}", ok,
         "3:51: error: \"tests[0].given.budget_used\" must be a percentage such as 80%\n"},
        {right, "{}", "4:11: error: \"tests[0].expect\" expects nothing\n"},
        {right, "{status: 99}",
         "4:20: error: \"tests[0].expect.status\" must be a whole number from 200 to 599\n"},
        {right, "{code: upstream_unavailble}",
         "4:18: error: \"tests[0].expect.code\" is not a code of Headgate's own errors (`null`: "
         "none) (did you mean `upstream_unavailable`?)\n"},
        {right, "{route: flagshp}",
         "4:19: error: \"tests[0].expect.route\" is not a route of the policy (did you mean "
         "`flagship`?)\n"},
        {right, "{attempts: [openai]}",
         "4:23: error: \"tests[0].expect.attempts[0]\" must be a target such as openai/gpt-5\n"},
        {right, "{skipped: opnai/gpt-5}",
         "4:21: error: \"tests[0].expect.skipped\" names a provider that the policy does not have "
         "(did you mean `openai`?)\n"},
        {right, "{cost_usd: 1}",
         "4:11: error: \"tests[0].expect\" has a `cost_usd`, which needs a `usage` under "
         "`given`\n"},
        {right, "{reserved_usd: -1}",
         "4:26: error: \"tests[0].expect.reserved_usd\" must be an amount in USD such as 7.50, "
         "with "
         "at most 9 decimal places\n"},
    };
    for (const Fault& fault : faults) {
        EXPECT_EQ(problems_of(fault.given, fault.expect), fault.told);
    }
}

TEST_F(PolicyTestsOfTheExample, NeedNamesOfTheirOwn) {
    const std::string test = "  given: {project: search, model: a}\n  expect: {status: 200}\n";

    EXPECT_EQ(problems_of("tests:\n- name: a\n" + test + "- name: a\n" + test),
              "5:3: error: \"tests[1]\" has the name of the test in line 2: \"a\"\n");
    EXPECT_EQ(problems_of("tests:\n- name: ''\n" + test),
              "2:9: error: \"tests[0].name\" must not be empty\n");
}

TEST_F(PolicyTestsOfTheExample, AreEitherReadOrRefusedWhateverTheBytes) {
    std::ifstream file{fixture("policy-tests.yaml"), std::ios::binary};
    const std::string good{std::istreambuf_iterator<char>{file}, {}};
    ASSERT_FALSE(good.empty());
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        Random random{seed};
        std::string text = good;
        for (int edits = 0; edits < 3; ++edits) {
            const std::size_t at = random.next() % text.size();
            text[at] = static_cast<char>(random.next());
        }
        text.resize(text.size() - random.next() % 20);

        SCOPED_TRACE("seed " + std::to_string(seed));
        problems_of(text);  // expects tests or problems, never both
    }
}

}  // namespace
}  // namespace headgate::policy
