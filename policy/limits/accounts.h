#pragma once

#include "policy/keys/budget_settings.h"
#include "policy/limits/bucket.h"
#include "providers/base/clock.h"
#include "providers/base/money.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace headgate::policy {

/// One bucket's counter. Guarded by its Account's mutex.
struct BucketCell {
    Bucket bucket;
};

/// The money of one day of admission.
struct DayMoney {
    Day day;
    std::int64_t spent = 0;     // nanodollars
    std::int64_t reserved = 0;  // of exchanges that run
};

struct SpentReserved {
    providers::Money spent;
    providers::Money reserved;
};

/// What a threshold of `alert_at` was passed by; told once a threshold and period.
struct BudgetAlert {
    std::string project;  // empty: the organization
    int threshold = 0;    // percent
    BudgetSpan period{};
    BudgetPeriod per = BudgetPeriod::month;
    providers::Money limit;
    providers::Money spent;
    providers::Money reserved;
};

/// The counters of the organization or of one project in this process: buckets by name, money by
/// day, the average output by model. They belong to the process, not to a policy, and survive
/// reloads. Thread-safe by `mutex`; where two accounts are locked, the organization's is the first.
class Account {
public:
    explicit Account(std::string id) : id_{std::move(id)} {}

    const std::string& id() const { return id_; }
    std::mutex& mutex() { return mutex_; }

    // All below: with the mutex held.

    /// The counter of that name; made where there is none. Its address stays.
    BucketCell& cell(const std::string& name);

    /// Spent and reserved in the days of `span`; at most the largest Money. Constant time, but for
    /// the first call with another span than before.
    SpentReserved sum(const BudgetSpan& span);
    /// Adds to a day's sums; either may be negative. Never wraps: a sum stops at the ends of
    /// Money's range, and what is reserved at 0.
    void add(Day day, std::int64_t spent, std::int64_t reserved);
    const std::vector<DayMoney>& days() const { return days_; }

    /// The moving average of the project's output from that model. It begins at 1,000, and each
    /// answer takes a fifth of it. Models beyond 256 are not remembered.
    std::int64_t expected_output(std::string_view model) const;
    void note_output(std::string_view model, std::int64_t tokens);

    /// The highest threshold that `used` has passed in this period and that was not told yet; from
    /// now on it and all below it count as told. An edit of the budget's limit tells none again.
    std::optional<int> next_alert(const BudgetSettings& budget,
                                  const BudgetSpan& span,
                                  const SpentReserved& used);

private:
    __extension__ using Wide = __int128;  // a sum of days that each reach the end of 64 bits

    /// Lets outputs_ be searched without a string being made.
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const noexcept {
            return std::hash<std::string_view>{}(name);
        }
    };

    /// Up to which percent the thresholds of a period have been told.
    struct Alerted {
        BudgetSpan span{};
        int percent = 0;
    };

    DayMoney& money_of(Day day);

    std::string id_;
    std::mutex mutex_;
    std::unordered_map<std::string, std::unique_ptr<BucketCell>> cells_;
    std::vector<DayMoney> days_;  // ascending
    // Exact sums of the days of cached_span_, kept up by add(), so that a request adds nothing up.
    std::optional<BudgetSpan> cached_span_;
    Wide cached_spent_ = 0;
    Wide cached_reserved_ = 0;
    std::unordered_map<std::string, double, NameHash, std::equal_to<>> outputs_;
    // Several, because around midnight two periods settle in turns, and a clock may jump back.
    std::array<Alerted, 4> alerted_{};
    std::size_t oldest_alerted_ = 0;  // is overwritten next
};

/// All accounts of a process, by project id; "" is the organization's. Thread-safe.
class Accounts {
public:
    std::shared_ptr<Account> of(std::string_view id);
    std::vector<std::shared_ptr<Account>> all() const;

    /// What the ledger knows from before this process: adds to the project's day and to the
    /// organization's.
    void restore(std::string_view project, Day day, providers::Money spent);

private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<Account>> accounts_;
};

}  // namespace headgate::policy
