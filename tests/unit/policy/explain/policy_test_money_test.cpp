#include "policy/explain/policy_tests.h"
#include "tests/unit/policy/explain/example_policy.h"

namespace headgate::policy {
namespace {

class PolicyTestsOfMoney : public AskedPolicy {
protected:
    /// "NAME: DIFFERENCE\n" of every difference of every test.
    std::string failures_of(const std::string& name, std::size_t count) {
        const PolicyTests tests = load_policy_tests(fixture(name), *snapshot_);
        std::string text;
        for (const Problem& problem : tests.problems) {
            text += problem.to_string() + "\n";
        }
        EXPECT_EQ(tests.tests.size(), count);
        for (const PolicyTest& test : tests.tests) {
            for (const std::string& difference : differences(*router_, *limits_, test, time_)) {
                text += test.name + ": " + difference + "\n";
            }
        }
        return text;
    }

    /// Of one test.
    std::vector<std::string> differences_of(const std::string& given, const std::string& expect) {
        const TemporaryFile file{"tests:\n- name: a\n  given: " + given + "\n  expect: " + expect +
                                 "\n"};
        const PolicyTests tests = load_policy_tests(file.path(), *snapshot_);
        EXPECT_EQ(tests.tests.size(), 1U);
        return tests.tests.empty() ? std::vector<std::string>{"faulty"}
                                   : differences(*router_, *limits_, tests.tests[0], time_);
    }
};

/// The policy of the reference with its limits and its budget.
std::string budgeted_policy() {
    std::ifstream file{fixture("policy.yaml"), std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    const std::string_view project = "  search:\n";
    const std::size_t at = text.find(project);
    EXPECT_NE(at, std::string::npos);
    text.insert(at + project.size(),
                "    limits:\n"
                "      - {model: gpt-5*, rpm: 600, tpm: 300k, rpd: 100k, tpd: 50M, ipm: 50, "
                "concurrent: 64}\n"
                "    max_output: 32k\n"
                "    budget: {usd: 250, per: month}\n");
    return text;
}

TEST_F(PolicyTestsOfMoney, PassAsTheReferenceSays) {
    const TemporaryFile policy{budgeted_policy()};
    load(policy.path());

    EXPECT_EQ(failures_of("policy-tests.yaml", 6), "");
}

TEST_F(PolicyTestsOfMoney, CompareExactAmounts) {
    load(fixture("money.yaml"));

    EXPECT_EQ(failures_of("money-tests.yaml", 18), "");
}

TEST_F(PolicyTestsOfMoney, PassOverAndOverSinceNothingIsCounted) {
    load(fixture("money.yaml"));

    for (int i = 0; i < 200; ++i) {
        ASSERT_EQ(failures_of("money-tests.yaml", 18), "");
    }
}

TEST_F(PolicyTestsOfMoney, TellTheAmountThatDiffers) {
    load(fixture("money.yaml"));
    using Texts = std::vector<std::string>;

    EXPECT_EQ(differences_of("{project: search, model: gpt-5}", "{reserved_usd: 0.32}"),
              Texts{"reserved_usd: 0.320125, expected 0.32"});
    EXPECT_EQ(differences_of("{project: search, model: my-own}", "{reserved_usd: 0.1}"),
              Texts{"reserved_usd: none, expected 0.1"});
    EXPECT_EQ(differences_of("{project: small, model: gpt-5}", "{status: 200}"),
              Texts{"status: 413 (tokens_exceeded), expected 200"});
}

TEST_F(PolicyTestsOfMoney, AskWhetherTheKeyHasExpired) {
    load(fixture("money.yaml"));
    const std::string given = "{project: search, key: laptop, model: gpt-5}";

    EXPECT_EQ(differences_of(given, "{status: 200}"), std::vector<std::string>{});
    time_ = at_day(2027, 1, 1);
    EXPECT_EQ(differences_of(given, "{status: 401, code: expired_api_key}"),
              std::vector<std::string>{});
}

TEST_F(PolicyTestsOfMoney, ReserveNothingWhereNoBudgetIsAsked) {
    load(fixture("policy.yaml"));

    EXPECT_EQ(differences_of("{project: search, model: gpt-5}", "{status: 200, reserved_usd: 0}"),
              std::vector<std::string>{});
}

}  // namespace
}  // namespace headgate::policy
