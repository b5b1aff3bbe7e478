#include "policy/routing/conditions.h"

namespace headgate::policy {

bool holds(const HeaderCondition& condition, const Facts& facts) {
    return std::ranges::any_of(facts.headers, [&condition](const HeaderFact& header) {
        return header.name == condition.name &&
               providers::glob_matches(condition.glob, header.value);
    });
}

bool measured_conditions_hold(const Conditions& when, const Facts& facts) {
    if (when.budget_used && !when.budget_used->holds(facts.budget_used)) {
        return false;
    }
    if (when.input_tokens && !when.input_tokens->holds(static_cast<double>(facts.input_tokens))) {
        return false;
    }
    return std::ranges::all_of(when.headers, [&facts](const HeaderCondition& condition) {
        return holds(condition, facts);
    });
}

}  // namespace headgate::policy
