#include "policy/explain/policy_tests.h"
#include "policy/explain/text_table.h"
#include "policy/limits/accounts.h"
#include "policy/limits/limit_rules.h"
#include "proxy/cli/commands.h"
#include "proxy/cli/problems.h"

#include <iostream>

namespace headgate::proxy {
namespace {

using policy::PolicyTest;

/// All tests of all files; nullopt where one is faulty: all problems are then on stderr.
std::optional<std::vector<PolicyTest>> load_tests(const std::vector<std::string>& files,
                                                  const policy::Snapshot& snapshot) {
    std::vector<PolicyTest> tests;
    bool all_valid = true;
    for (const std::string& file : files) {
        policy::PolicyTests loaded = policy::load_policy_tests(file, snapshot);
        for (const policy::Problem& problem : loaded.problems) {
            print_problem(std::cerr, problem);
        }
        if (loaded.tests.empty()) {
            std::cerr << "headgate: " << file << " is not a valid file of policy tests\n";
            all_valid = false;
        }
        std::ranges::move(loaded.tests, std::back_inserter(tests));
    }
    return all_valid ? std::optional{std::move(tests)} : std::nullopt;
}

bool run_test(const policy::Router& router,
              const policy::LimitBook& limits,
              const PolicyTest& test) {
    const std::vector<std::string> found =
        policy::differences(router, limits, test, std::chrono::system_clock::now());
    std::string line = (found.empty() ? "ok   " : "FAIL ") + test.name;
    for (const std::string& difference : found) {
        line += (&difference == found.data() ? ": " : "; ") + difference;
    }
    std::cout << policy::printable(line) << '\n';
    return found.empty();
}

}  // namespace

int test(const std::string& config, const std::vector<std::string>& files) {
    const std::unique_ptr<policy::Snapshot> snapshot = load_without_secrets(config);
    if (!snapshot) {
        return 1;
    }
    const std::optional<std::vector<PolicyTest>> tests = load_tests(files, *snapshot);
    if (!tests) {
        return 1;
    }
    const policy::Router router{*snapshot};
    policy::Accounts accounts;  // nothing is ever counted there
    const policy::LimitBook limits{*snapshot, accounts};
    const auto passed = std::ranges::count_if(
        *tests, [&](const PolicyTest& each) { return run_test(router, limits, each); });
    const auto failed = std::ssize(*tests) - passed;
    std::cout << passed << " passed, " << failed << " failed\n" << std::flush;
    return failed == 0 && std::cout ? 0 : 1;
}

}  // namespace headgate::proxy
