#pragma once

#include "policy/config/problem.h"
#include "policy/explain/explain.h"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace headgate::policy {

/// `expect` of a policy test: what is absent is not looked at. Attempts and skipped targets are
/// "provider/model".
struct Expectation {
    std::optional<int> status;
    std::optional<std::string> code;  // "" stands for `null`: no error of ours
    std::optional<std::string> route;
    std::optional<std::vector<std::string>> attempts;
    std::optional<std::vector<std::string>> skipped;
    std::optional<providers::Money> cost_usd;
    /// What the budget has to hold, also where it does not; 0 where no budget is asked.
    std::optional<providers::Money> reserved_usd;
};

struct PolicyTest {
    std::string name;
    int line = 0;
    Question given;
    Expectation expect;
};

/// Reads a policy-tests.yaml. All problems at once, as of a policy; names that the policy does not
/// have (projects, providers) are problems too.
struct PolicyTests {
    std::vector<PolicyTest> tests;
    std::vector<Problem> problems;
};
PolicyTests load_policy_tests(const std::string& path, const Snapshot& snapshot);

/// Empty: as expected. Else every difference in words: "route: flagship, expected tight". All
/// targets are well, all buckets full; `limits` is of the router's Snapshot, `time` that of the
/// request: it tells which keys have expired.
std::vector<std::string> differences(const Router& router,
                                     const LimitBook& limits,
                                     const PolicyTest& test,
                                     providers::WallTime time);

}  // namespace headgate::policy
