#pragma once

#include "policy/config/loader.h"
#include "policy/explain/explain.h"
#include "policy/explain/quiet_healths.h"
#include "policy/limits/accounts.h"
#include "policy/limits/limit_rules.h"
#include "tests/unit/policy/config/policy_file.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace headgate::policy {

inline std::string fixture(const std::string& name) {
    return std::string(HEADGATE_FIXTURES "/") + name;
}

inline std::unique_ptr<Snapshot> loaded(const std::string& path) {
    LoadResult result = load_policy(path, options_with({}, false));
    EXPECT_NE(result.snapshot, nullptr) << told(result);
    return std::move(result.snapshot);
}

inline providers::WallTime at_day(int year, unsigned month, unsigned day) {
    return std::chrono::sys_days{std::chrono::year{year} / static_cast<int>(month) /
                                 static_cast<int>(day)};
}

/// A policy of fixtures/, and what asks it.
class AskedPolicy : public ::testing::Test {
protected:
    void load(const std::string& path) {
        snapshot_ = loaded(path);
        ASSERT_NE(snapshot_, nullptr);
        router_.emplace(*snapshot_);
        limits_.emplace(*snapshot_, accounts_);
    }

    static Question question(const std::string& model = "gpt-5") {
        Question question;
        question.project = "search";
        question.model = model;
        return question;
    }

    World world() {
        return {.router = *router_,
                .healths = healths_,
                .limits = *limits_,
                .now = providers::SteadyTime{std::chrono::hours{1}},
                .time = time_,
                .used = {},
                .bucket = {}};
    }

    Explanation explained(const Question& question) { return explain(world(), question); }

    std::unique_ptr<Snapshot> snapshot_;
    Accounts accounts_;
    std::optional<Router> router_;
    std::optional<LimitBook> limits_;
    QuietHealths healths_;
    providers::WallTime time_ = at_day(2026, 11, 16);
};

/// fixtures/policy.yaml: it has no limits and no budgets.
class ExamplePolicy : public AskedPolicy {
protected:
    void SetUp() override { load(fixture("policy.yaml")); }
};

/// "openai/gpt-5=429 azure-eu/gpt-5=200"
inline std::string attempts_of(const Explanation& explanation) {
    std::string text;
    for (const auto& attempt : explanation.attempts) {
        text += (text.empty() ? "" : " ") + attempt.provider + "/" + attempt.model + "=" +
                attempt.result;
    }
    return text;
}

}  // namespace headgate::policy
