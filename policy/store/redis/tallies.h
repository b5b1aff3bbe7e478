#pragma once

#include "policy/keys/budget_settings.h"
#include "policy/limits/accounts.h"
#include "policy/limits/limit_rules.h"
#include "policy/store/redis/untold_money.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headgate::policy {

/// The largest number that scripts count exactly in doubles.
inline constexpr std::int64_t kMostExact = std::int64_t{1} << 53;

/// Where something stands in the call that is being built.
struct CallPlace {
    std::uint64_t call = 0;  // 0: in none
    std::size_t index = 0;
};

/// What a worker knows of one bucket: what it holds and what it has yet to tell.
struct BucketTally {
    std::string field;        // "b" and the bucket's name
    std::string slots_field;  // where this worker's slots stand
    LimitKind kind = LimitKind::rpm;
    std::int64_t limit = 0;  // of the latest rule
    EnforceMode mode = EnforceMode::enforce;
    std::int64_t slots = 0;       // of `concurrent`
    std::int64_t correction = 0;  // to be told
    bool is_dirty = false;
    CallPlace place;
};

struct ScopeTally;

/// … of the money of one scope and day.
struct DayTally {
    ScopeTally* scope = nullptr;
    Day day;
    std::string field;                            // "m<scope>/<day>"
    std::string held_field;                       // where what this worker holds stands
    std::string contribution_field;               // … and what its instance spent
    std::int64_t held = 0;                        // by exchanges that run
    std::int64_t booked = 0;                      // by this worker in its life
    std::shared_ptr<UntoldMoney::Amount> untold;  // … by all workers of the process
    bool tells_booked = false;                    // it has changed
    bool folds = false;                           // it is to become part of the instance's base
    bool is_dirty = false;
    CallPlace place;
};

struct ScopeTally {
    std::string field;  // "x<scope>"
    std::shared_ptr<Account> account;
    std::vector<std::unique_ptr<DayTally>> days;
    CallPlace place;

    /// What this instance has spent on that day beside what its workers tell themselves.
    std::int64_t base_of(const DayTally& day) const;
};

/// All tallies of one shard. Addresses stay until prune().
class Tallies {
public:
    Tallies(std::string instance, std::size_t worker, std::shared_ptr<UntoldMoney> untold)
        : instance_{std::move(instance)},
          worker_{std::to_string(worker)},
          untold_{std::move(untold)} {}

    BucketTally& bucket(const BucketRule& rule);
    DayTally& day(const ScopeRules& scope, Day day);

    /// It has something to tell.
    void mark(BucketTally& bucket);
    void mark(DayTally& day);
    /// Everything that may hold something has.
    void mark_all();

    // What has something to tell, oldest first. Whoever tells it takes it out.
    std::vector<BucketTally*> dirty_buckets;
    std::vector<DayTally*> dirty_days;

    bool is_dirty() const { return !dirty_buckets.empty() || !dirty_days.empty(); }

    /// Forgets what holds nothing, where much has gathered. Only while nothing refers to tallies.
    void prune();

private:
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const noexcept {
            return std::hash<std::string_view>{}(name);
        }
    };
    template <class Tally>
    using ByName = std::unordered_map<std::string, Tally, NameHash, std::equal_to<>>;

    void fold_before(ScopeTally& scope, Day day);
    void prune_days();

    std::string instance_;
    std::string worker_;
    std::shared_ptr<UntoldMoney> untold_;
    ByName<BucketTally> buckets_;
    ByName<ScopeTally> scopes_;
    std::size_t days_ = 0;
    std::size_t prune_at_ = 4096;
};

}  // namespace headgate::policy
