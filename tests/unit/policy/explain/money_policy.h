#pragma once

#include "tests/unit/policy/explain/example_policy.h"

namespace headgate::policy {

inline providers::Money usd(std::string_view decimal) {
    return *providers::Money::parse(decimal);
}

/// fixtures/money.yaml: with an organization, so that every project has a budget.
class MoneyPolicy : public AskedPolicy {
protected:
    void SetUp() override { load(fixture("money.yaml")); }

    static Question asked_by(const std::string& project, const std::string& model = "gpt-5") {
        Question asked = question(model);
        asked.project = project;
        return asked;
    }
};

/// "project gpt-5* tpm: 32100 of 300000 in 300000\n" of every bucket.
inline std::string limits_of(const Explanation& explanation) {
    std::string text;
    for (const auto& line : explanation.limits) {
        text += std::string(to_string(line.scope)) + " " + line.model + " " +
                std::string(to_string(line.kind)) + ": " + std::to_string(line.takes) + " of " +
                std::to_string(line.remaining) + " in " + std::to_string(line.limit) + "\n";
    }
    return text;
}

/// "429 insufficient_quota"
inline std::string outcome_of(const Explanation& explanation) {
    return std::to_string(explanation.status) + " " + explanation.code;
}

}  // namespace headgate::policy
