#pragma once

#include "policy/keys/project.h"
#include "policy/limits/limit_rules.h"
#include "providers/base/money.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// Whose limits and budgets an exchange meets. What it points to lives in the exchange's policy
/// (LimitBook).
struct Subject {
    const ScopeRules* organization = nullptr;  // null: it has no limit and no budget
    const ScopeRules* project = nullptr;       // never null
    const ScopeRules* key = nullptr;           // null: it has no limit of its own
};

/// Whether a budget applies, and whether one applies that refuses: what is in shadow mode refuses
/// nothing, not even what has no price.
bool has_budget(const Subject& subject);
bool has_enforced_budget(const Subject& subject);

/// Whether an entry that matches the model has a bucket of tokens, for which they must be guessed.
bool counts_tokens(const Subject& subject, std::string_view model);

/// What one exchange asks for at admission, at most or by our guess.
struct Demand {
    std::string_view model;   // as the client asked: which entries apply
    std::int64_t tokens = 0;  // guessed input plus the output cap: for tpm, tpd
    std::int64_t images = 0;  // for ipm
    providers::Money worst_case = providers::Money::nanos(0);  // for the budgets
    Day day;  // of the admission: the period that it belongs to
    /// A further reservation of an exchange that was admitted before (a repeat after a time-out):
    /// only the budgets are asked.
    bool only_money = false;
};

/// Why an admission was refused. Of several reasons the one that waiting does not cure goes first:
/// too_large, then budget, then the limit with the longest wait.
struct Refusal {
    enum class Kind : std::uint8_t {
        limit,        // 429 rate_limit_exceeded
        too_large,    // 413 tokens_exceeded: more than the bucket ever holds
        budget,       // 429 insufficient_quota
        unavailable,  // 503 limits_unavailable: the store is away and the policy says `closed`
        loading,      // 503 limits_unavailable: spent sums are not known yet
    };

    Kind kind = Kind::limit;
    const BucketRule* bucket = nullptr;                   // of limit, too_large
    const ScopeRules* scope = nullptr;                    // of bucket or budget
    std::chrono::milliseconds retry_after{0};             // of limit: when it would fit
    providers::Money spent = providers::Money::nanos(0);  // of budget, as are the next two
    providers::Money reserved = providers::Money::nanos(0);
    providers::Money needed = providers::Money::nanos(0);
};

/// What is left of the tightest bucket of a kind of unit: the one with the smallest share left.
struct Headroom {
    std::int64_t limit = 0;
    std::int64_t remaining = 0;
    std::chrono::milliseconds resets_in{0};  // until it is full again
};

/// What an admission came to. Admitted: `refusal` is empty and everything asked for is held, else
/// nothing is.
struct Decision {
    std::optional<Refusal> refusal;
    std::optional<Headroom> requests;  // after this admission; nullopt: no such limit applies
    std::optional<Headroom> tokens;
    /// What would have refused where its mode is `shadow`: kinds of limits, and the budget.
    std::uint8_t shadow_kinds = 0;  // bit 1 << LimitKind
    bool shadow_budget = false;
    /// Of the project's budget, spent plus reserved over the limit, after this; 0 without one.
    double budget_used = 0;
    double organization_used = 0;  // the same of the organization's
};

/// What an admitted exchange has come to. `held` is the Demand that was admitted; further
/// reservations (only_money) are added to held.worst_case.
struct Settled {
    Demand held{};
    std::int64_t tokens = 0;  // what it really used
    std::int64_t images = 0;
    std::int64_t output_tokens = 0;  // of `tokens`: feeds expected_output()
    providers::Money cost = providers::Money::nanos(0);
    /// Nothing has gone to a provider: the request, too, is given back (it counted nothing).
    bool is_withdrawn = false;
};

}  // namespace headgate::policy
