#pragma once

#include "tests/unit/policy/limits/limit_policy.h"
#include "tests/unit/policy/limits/reference_limits.h"

#include <array>
#include <random>

namespace headgate::policy {

/// Draws policies, demands and outcomes. Small amounts, so that everything is hit often.
class RandomLimits {
public:
    static constexpr std::array<std::string_view, 4> kModels{"gpt-5", "gpt-5-mini", "o4", "claude"};
    static constexpr std::size_t kProjects = 3;

    explicit RandomLimits(unsigned seed) : random_{seed} {}

    std::int64_t between(std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>{least, most}(random_);
    }
    bool one_in(std::int64_t n) { return between(1, n) == 1; }

    LimitSettings settings() {
        LimitSettings settings{.organization = scope("", 1), .projects = {}, .keys = {}};
        settings.organization.name_buckets("organization");
        for (std::size_t i = 0; i < kProjects; ++i) {
            settings.projects.push_back(scope("project-" + std::to_string(i), 1));
            settings.keys.push_back(scope(settings.projects[i].id, 2));
            settings.projects[i].name_buckets("project");
            settings.keys[i].name_buckets("key");
        }
        return settings;
    }

    Demand demand(Day day) {
        return {.model = kModels[static_cast<std::size_t>(between(0, 3))],
                .tokens = one_in(4) ? 0 : between(1, one_in(50) ? 5'000 : 400),
                .images = one_in(4) ? between(1, 5) : 0,
                .worst_case = one_in(5) ? providers::Money{} : nanos(between(1, 1'000'000)),
                .day = day};
    }

    /// Mostly cheaper than was reserved; rarely dearer, as only a provider can make it.
    Settled outcome(const Demand& held) {
        Settled settled{.held = held};
        settled.is_withdrawn = one_in(8);
        if (!settled.is_withdrawn) {
            settled.tokens = between(0, one_in(20) ? 3 * held.tokens : held.tokens);
            settled.images = between(0, held.images);
            settled.output_tokens = settled.tokens / 2;
            settled.cost = nanos(between(0, held.worst_case.nanos() * (one_in(20) ? 2 : 1)));
        }
        return settled;
    }

private:
    static providers::Money nanos(std::int64_t n) { return providers::Money::nanos(n); }

    EnforceMode mode() { return one_in(4) ? EnforceMode::shadow : EnforceMode::enforce; }

    LimitSettings::Scope scope(std::string id, std::int64_t most_entries) {
        LimitSettings::Scope scope{
            .id = std::move(id), .limits = {}, .budget = std::nullopt, .names = {}};
        for (std::int64_t i = between(0, most_entries + 1); i > 0; --i) {
            scope.limits.push_back(entry());
        }
        if (!one_in(4)) {
            scope.budget = budget();
        }
        return scope;
    }

    LimitEntry entry() {
        static const std::array<std::vector<std::string>, 4> kGlobs{
            {{"*"}, {"gpt-5*"}, {"o?", "gpt-5"}, {"claude"}}};
        LimitEntry entry{.models = kGlobs[static_cast<std::size_t>(between(0, 3))], .mode = mode()};
        constexpr std::array<std::int64_t, kLimitKinds> most{300, 30'000, 5'000, 1'000'000, 40, 25};
        for (std::size_t kind = 0; kind < kLimitKinds; ++kind) {
            entry.amounts[kind] = one_in(2) ? 0 : between(1, most[kind]);
        }
        return entry;
    }

    BudgetSettings budget() {
        BudgetSettings budget{.limit = nanos(between(0, 300'000'000)),
                              .per = static_cast<BudgetPeriod>(between(0, 3)),
                              .since = std::nullopt,
                              .mode = mode(),
                              .alert_at = {}};
        if (budget.per == BudgetPeriod::total) {
            budget.limit = nanos(between(0, 100'000'000'000));
            budget.since = kMonday + std::chrono::days{between(-400, 400)};
        }
        for (const int percent : {50, 80, 95, 100}) {
            if (one_in(2)) {
                budget.alert_at.push_back(percent);
            }
        }
        return budget;
    }

    std::mt19937_64 random_;
};

}  // namespace headgate::policy
