#pragma once

#include "policy/keys/budget_settings.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace headgate::policy {

/// What the workers of one process have booked in their life, by scope and day of admission, in
/// nanodollars. Each worker tells its own part, so a report leaves it untold: the account's sum
/// without it is what the instance spent before. No cost is counted twice, and none is missing,
/// whenever who tells. One a process; thread-safe.
class UntoldMoney {
public:
    using Amount = std::atomic<std::int64_t>;

    /// Adding and subtracting is the holder's. `scope` is a project's id; empty: the organization.
    std::shared_ptr<Amount> of(std::string_view scope, Day day);
    std::int64_t amount(std::string_view scope, Day day) const;

private:
    void prune();

    mutable std::mutex mutex_;
    std::map<std::pair<std::string, Day>, std::shared_ptr<Amount>> amounts_;
    std::size_t prune_at_ = 1024;
};

}  // namespace headgate::policy
