#pragma once

#include "policy/ledger/record_store.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headgate::policy {

/// A row, the sum of some rows, or a day that was rolled up, as a store reads it.
struct UsageLine {
    std::string_view project;
    std::string_view model;
    std::string_view key;
    std::string_view provider;
    std::string_view tags;  // "team=a,feature=b"; empty where they are not kept
    std::int64_t requests = 0;
    std::int64_t input_tokens = 0;
    std::int64_t cached_input_tokens = 0;
    std::int64_t output_tokens = 0;
    std::int64_t images = 0;
    std::int64_t cost_nanos = 0;
};

/// Adds lines up by what a UsageQuery asks for, exactly: a sum that leaves 64 bits is an error, not
/// a wrong number. `query` must outlive it.
class UsageFold {
public:
    explicit UsageFold(const UsageQuery& query) : query_{query} {}

    /// False: a sum is out of range; the fold is of no further use.
    bool add(const UsageLine& line);

    /// The sums, ordered by group. Leaves the fold empty.
    std::vector<UsageSum> take();

    /// What add() answered false for, in words.
    static StoreError out_of_range();

private:
    std::string_view dimension(const UsageLine& line, UsageBy by) const;

    const UsageQuery& query_;
    std::string group_;  // of the line at hand: each value with its length before it
    std::unordered_map<std::string, UsageSum> sums_;
};

}  // namespace headgate::policy
