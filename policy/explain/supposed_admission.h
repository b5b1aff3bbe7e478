#pragma once

#include "policy/budget/worst_case.h"
#include "policy/explain/explain.h"
#include "policy/explain/supposed_scopes.h"
#include "policy/limits/memory_limits.h"
#include "providers/contract/token_estimate.h"

#include <optional>

namespace headgate::policy {

/// What is asked for at admission.
struct Asking {
    const Question& question;
    const Project& project;
    const Key* key = nullptr;
    const providers::Endpoint& endpoint;
    const Plan& plan;
    std::optional<providers::Money> max_cost;  // x-headgate-max-cost-usd
};

/// Step 7 for a question, in the order of serving: the price, the client's own maximum, then all
/// limits and budgets at once, with a lower output cap where a budget is tight and says so.
///
/// What differs, since a question has no body: its input_tokens are our guess of the input and its
/// bound, where serving bounds the input by its bytes, several times its tokens; and nothing is
/// asked for but one answer of text (no choices, hosted tools, sound, service tier), or one
/// picture.
class SupposedAdmission {
public:
    /// Both must outlive it.
    SupposedAdmission(const World& world, const Asking& asking);

    /// Tells limits, budgets and reservation. The error refuses the request; without one it is held
    /// in this object's own counters.
    std::optional<providers::ApiError> admit(Explanation& explanation);

    /// Before a further attempt behind one that the provider may charge: whether one worst case
    /// more fits.
    bool top_up();

private:
    using Problem = std::optional<providers::ApiError>;

    WorstCaseInput asked(std::optional<std::int64_t> cap, bool must_be_priced) const;
    bool is_priced() const;
    Problem bound_cost();
    Problem exceeded_cost() const;
    void make_demand();
    std::int64_t guess_tokens() const;
    Problem reserve();
    bool lower_cap(const Refusal& refusal);
    Problem problem_of(const Refusal& refusal) const;

    void tell_limits(Explanation& explanation) const;
    void tell_budgets(Explanation& explanation) const;
    void tell_reservation(Explanation& explanation) const;

    const World& world_;
    const Asking& asking_;
    SupposedScopes scopes_;
    MemoryLimits limits_{1, {}};
    providers::ApiRequest request_;
    providers::TokenEstimate input_;
    WorstCase worst_;
    bool has_bound_ = false;  // worst_ is what a budget would hold
    std::optional<std::int64_t> lowered_cap_;
    Demand demand_;
};

}  // namespace headgate::policy
