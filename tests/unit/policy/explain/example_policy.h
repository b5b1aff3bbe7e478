#pragma once

#include "policy/config/loader.h"
#include "policy/explain/explain.h"
#include "policy/explain/quiet_healths.h"
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

/// fixtures/policy.yaml, and what asks it.
class ExamplePolicy : public ::testing::Test {
protected:
    void SetUp() override {
        snapshot_ = loaded(fixture("policy.yaml"));
        ASSERT_NE(snapshot_, nullptr);
        router_.emplace(*snapshot_);
    }

    static Question question(const std::string& model = "gpt-5") {
        Question question;
        question.project = "search";
        question.model = model;
        return question;
    }

    Explanation explained(const Question& question) {
        return explain(*router_, healths_, question, {});
    }

    std::unique_ptr<Snapshot> snapshot_;
    std::optional<Router> router_;
    QuietHealths healths_;
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
