#pragma once

#include "policy/keys/project.h"
#include "policy/limits/demand.h"
#include "providers/contract/provider.h"
#include "tests/unit/policy/limits/reference_money.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::policy {

/// The settings of one policy of a random test.
struct LimitSettings {
    struct Scope {
        std::string id;
        std::vector<LimitEntry> limits;
        std::optional<BudgetSettings> budget;
        /// What the bucket of an entry and a kind is known by; entries of the same globs are
        /// counted.
        std::vector<std::array<std::string, kLimitKinds>> names;

        void name_buckets(const std::string& prefix) {
            std::map<std::string, int> times;
            names.assign(limits.size(), {});
            for (std::size_t i = 0; i < limits.size(); ++i) {
                for (const LimitKind kind : kAllLimitKinds) {
                    if (limits[i].amount(kind) > 0) {
                        std::string name = prefix + " " + id + " " + limits[i].label() + "/";
                        name += to_string(kind);
                        name += " " + std::to_string(++times[name]);
                        names[i][static_cast<std::size_t>(kind)] = std::move(name);
                    }
                }
            }
        }
    };

    Scope organization;  // its id is empty
    std::vector<Scope> projects;
    std::vector<Scope> keys;  // keys[i] is of projects[i]
};

/// Limits and budgets once more, as plainly as can be said: everything is looked up by name and
/// added up anew, nothing is kept but what was used. Whether something fits by a hair's breadth is
/// left to the tested side; all else is told.
class ReferenceLimits {
public:
    explicit ReferenceLimits(std::int64_t share) : share_{static_cast<double>(share)} {}

    /// Who asks: a project of the settings, with or without its key.
    struct Who {
        const LimitSettings* settings = nullptr;
        std::size_t project = 0;
        bool has_key = false;
    };

    /// One thing that refuses, or that may: so close to the limit that rounding decides.
    struct Reason {
        Refusal::Kind kind = Refusal::Kind::limit;
        std::string name;  // the bucket's; the account's of a budget
        LimitKind limit_kind = LimitKind::rpm;
        double wait_ms = 0;
        bool is_shadow = false;
        bool is_sure = true;
    };

    /// An account and a percent.
    using Alert = std::pair<std::string, int>;

    std::vector<Reason> ask(const Who& who, const Demand& demand, std::int64_t now_ms) const {
        std::vector<Reason> reasons;
        for (const Met& bucket : met(who, demand)) {
            const double amount = amount_of(bucket.kind, demand);
            Reason reason{.name = std::string(bucket.name), .limit_kind = bucket.kind};
            reason.is_shadow = bucket.is_shadow;
            const double level = used(bucket, now_ms);
            const double excess = level + std::min(amount, bucket.limit) - bucket.limit;
            // Slots and empty buckets are counted in whole numbers.
            const bool is_whole = level == 0 || bucket.kind == LimitKind::concurrent;
            const double hair = is_whole ? 0 : 1e-6;
            if (amount > bucket.whole_limit) {
                reason.kind = Refusal::Kind::too_large;
                reasons.push_back(reason);
            } else if (amount > 0 && (excess > hair || std::abs(excess) < hair)) {
                reason.is_sure = excess > hair;
                reason.wait_ms = bucket.kind == LimitKind::concurrent
                                     ? 1'000
                                     : excess * period_ms(bucket.kind) / bucket.limit;
                reasons.push_back(reason);
            }
        }
        for (const auto& [account, budget] : budgets(who)) {
            const auto [spent, reserved] = money_.sum(account, *budget, demand.day);
            if (spent + reserved + demand.worst_case.nanos() > budget->limit.nanos()) {
                Reason reason{.kind = Refusal::Kind::budget, .name = account};
                reason.is_shadow = budget->mode == EnforceMode::shadow;
                reasons.push_back(reason);
            }
        }
        return reasons;
    }

    /// What follows from the decision: alerts, in order.
    std::vector<Alert> admit(const Who& who,
                             const Demand& demand,
                             std::int64_t now_ms,
                             bool is_admitted) {
        if (is_admitted) {
            for (const Met& bucket : met(who, demand)) {
                change(bucket, amount_of(bucket.kind, demand), now_ms);
            }
            add_money(who, demand.day, 0, demand.worst_case.nanos());
        }
        return new_alerts(who, demand.day);
    }

    std::vector<Alert> settle(const Who& who, const Settled& settled, std::int64_t now_ms) {
        for (const Met& bucket : met(who, settled.held)) {
            double by = -amount_of(bucket.kind, settled.held);
            if (!settled.is_withdrawn) {
                switch (bucket.kind) {
                    case LimitKind::rpm:
                    case LimitKind::rpd:
                        by = 0;
                        break;
                    case LimitKind::tpm:
                    case LimitKind::tpd:
                        by += static_cast<double>(settled.tokens);
                        break;
                    case LimitKind::ipm:
                        by += static_cast<double>(settled.images);
                        break;
                    case LimitKind::concurrent:
                        break;
                }
            }
            if (by != 0) {  // else nothing drains at this policy's rate, either
                change(bucket, by, now_ms);
            }
        }
        add_money(who, settled.held.day, settled.cost.nanos(), -settled.held.worst_case.nanos());
        return new_alerts(who, settled.held.day);
    }

    /// Limit and remaining of every enforced bucket of requests or of tokens that the demand meets.
    std::vector<std::pair<double, double>> left(const Who& who,
                                                const Demand& demand,
                                                std::int64_t now_ms,
                                                bool of_tokens) const {
        std::vector<std::pair<double, double>> left;
        for (const Met& bucket : met(who, demand)) {
            const bool is_tokens = bucket.kind == LimitKind::tpm || bucket.kind == LimitKind::tpd;
            const bool is_requests = bucket.kind == LimitKind::rpm || bucket.kind == LimitKind::rpd;
            if ((of_tokens ? is_tokens : is_requests) && !bucket.is_shadow) {
                left.emplace_back(bucket.limit, bucket.limit - used(bucket, now_ms));
            }
        }
        return left;
    }

    const ReferenceMoney& money() const { return money_; }

private:
    struct Level {
        double used = 0;
        std::int64_t at_ms = 0;
    };
    struct Met {
        std::string_view name;  // in the settings
        LimitKind kind = LimitKind::rpm;
        double limit = 0;
        double whole_limit = 0;
        bool is_shadow = false;
    };
    using Budget = std::pair<std::string, const BudgetSettings*>;

    static double period_ms(LimitKind kind) {
        return kind == LimitKind::rpd || kind == LimitKind::tpd ? 86'400'000.0 : 60'000.0;
    }

    static double amount_of(LimitKind kind, const Demand& demand) {
        switch (kind) {
            case LimitKind::tpm:
            case LimitKind::tpd:
                return static_cast<double>(demand.tokens);
            case LimitKind::ipm:
                return static_cast<double>(demand.images);
            default:
                return 1;
        }
    }

    /// Every bucket of the entries that match.
    std::vector<Met> met(const Who& who, const Demand& demand) const {
        std::vector<Met> all;
        const auto add = [&](const LimitSettings::Scope& scope) {
            for (std::size_t i = 0; i < scope.limits.size(); ++i) {
                const LimitEntry& entry = scope.limits[i];
                const bool matches = std::ranges::any_of(entry.models, [&](const auto& glob) {
                    return providers::glob_matches(glob, demand.model);
                });
                for (const LimitKind kind : kAllLimitKinds) {
                    const auto whole = static_cast<double>(entry.amount(kind));
                    if (matches && whole > 0 && !demand.only_money) {
                        all.push_back({scope.names[i][static_cast<std::size_t>(kind)], kind,
                                       std::max(1.0, std::floor(whole / share_)), whole,
                                       entry.mode == EnforceMode::shadow});
                    }
                }
            }
        };
        add(who.settings->organization);
        add(who.settings->projects[who.project]);
        if (who.has_key) {
            add(who.settings->keys[who.project]);
        }
        return all;
    }

    static std::vector<Budget> budgets(const Who& who) {
        std::vector<Budget> budgets;
        for (const LimitSettings::Scope* scope :
             {&who.settings->organization, &who.settings->projects[who.project]}) {
            if (scope->budget) {
                budgets.emplace_back(scope->id, &*scope->budget);
            }
        }
        return budgets;
    }

    double used(const Met& bucket, std::int64_t now_ms) const {
        const auto known = levels_.find(bucket.name);
        if (known == levels_.end()) {
            return 0;
        }
        const auto& [used, at_ms] = known->second;
        if (bucket.kind == LimitKind::concurrent || now_ms <= at_ms) {
            return used;
        }
        const double drained =
            static_cast<double>(now_ms - at_ms) * bucket.limit / period_ms(bucket.kind);
        return std::max(0.0, used - drained);
    }

    void change(const Met& bucket, double by, std::int64_t now_ms) {
        const double after = std::max(0.0, used(bucket, now_ms) + by);
        Level& level = levels_[std::string(bucket.name)];
        level = {.used = after, .at_ms = std::max(level.at_ms, now_ms)};
    }

    void add_money(const Who& who, Day day, std::int64_t spent, std::int64_t reserved) {
        money_.add("", day, spent, reserved);
        money_.add(who.settings->projects[who.project].id, day, spent, reserved);
    }

    std::vector<Alert> new_alerts(const Who& who, Day day) {
        std::vector<Alert> alerts;
        for (const auto& [account, budget] : budgets(who)) {
            if (const int reached = money_.new_alert(account, *budget, day); reached != 0) {
                alerts.emplace_back(account, reached);
            }
        }
        return alerts;
    }

    double share_;
    std::map<std::string, Level, std::less<>> levels_;
    ReferenceMoney money_;
};

}  // namespace headgate::policy
