#include "policy/limits/demand.h"

#include <algorithm>
#include <array>

namespace headgate::policy {
namespace {

bool any_scope(const Subject& subject, auto&& holds) {
    const std::array scopes{subject.organization, subject.project, subject.key};
    return std::ranges::any_of(
        scopes, [&](const ScopeRules* scope) { return scope != nullptr && holds(*scope); });
}

bool has_token_bucket(const EntryRules& entry) {
    return std::ranges::any_of(entry.buckets, [](const BucketRule& bucket) {
        return bucket.kind == LimitKind::tpm || bucket.kind == LimitKind::tpd;
    });
}

}  // namespace

bool has_budget(const Subject& subject) {
    return any_scope(subject, [](const ScopeRules& scope) { return scope.budget != nullptr; });
}

bool has_enforced_budget(const Subject& subject) {
    return any_scope(subject, [](const ScopeRules& scope) {
        return scope.budget != nullptr && scope.budget->mode == EnforceMode::enforce;
    });
}

bool counts_tokens(const Subject& subject, std::string_view model) {
    return any_scope(subject, [model](const ScopeRules& scope) {
        return std::ranges::any_of(scope.entries, [model](const EntryRules& entry) {
            return has_token_bucket(entry) && entry.matches(model);
        });
    });
}

}  // namespace headgate::policy
