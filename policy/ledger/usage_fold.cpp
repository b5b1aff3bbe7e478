#include "policy/ledger/usage_fold.h"

#include "policy/ledger/record_columns.h"

#include <algorithm>
#include <utility>

namespace headgate::policy {
namespace {

bool add_to(std::int64_t& sum, std::int64_t more) {
    return !__builtin_add_overflow(sum, more, &sum);
}

bool add_to(providers::Money& sum, std::int64_t nanos) {
    std::int64_t total = 0;
    if (__builtin_add_overflow(sum.nanos(), nanos, &total)) {
        return false;
    }
    sum = providers::Money::nanos(total);
    return true;
}

/// The length first, so that no two lists of values look the same.
void append_part(std::string& group, std::string_view value) {
    const std::size_t size = value.size();
    group.append(reinterpret_cast<const char*>(&size), sizeof size);
    group += value;
}

}  // namespace

std::string_view UsageFold::dimension(const UsageLine& line, UsageBy by) const {
    switch (by) {
        case UsageBy::project:
            return line.project;
        case UsageBy::model:
            return line.model;
        case UsageBy::key:
            return line.key;
        case UsageBy::provider:
            return line.provider;
        case UsageBy::tag:
            return tag_value(line.tags, query_.tag);
    }
    return {};
}

bool UsageFold::add(const UsageLine& line) {
    group_.clear();
    for (const UsageBy by : query_.by) {
        append_part(group_, dimension(line, by));
    }
    const auto [found, is_new] = sums_.try_emplace(group_);
    UsageSum& sum = found->second;
    if (is_new) {
        for (const UsageBy by : query_.by) {
            sum.group.emplace_back(dimension(line, by));
        }
    }
    return add_to(sum.requests, line.requests) && add_to(sum.input_tokens, line.input_tokens) &&
           add_to(sum.cached_input_tokens, line.cached_input_tokens) &&
           add_to(sum.output_tokens, line.output_tokens) && add_to(sum.images, line.images) &&
           add_to(sum.cost, line.cost_nanos);
}

std::vector<UsageSum> UsageFold::take() {
    std::vector<UsageSum> sums;
    sums.reserve(sums_.size());
    for (auto& [group, sum] : sums_) {
        sums.push_back(std::move(sum));
    }
    sums_.clear();
    std::ranges::sort(sums, {}, &UsageSum::group);
    return sums;
}

StoreError UsageFold::out_of_range() {
    return {StoreError::Kind::refused,
            "a sum of usage leaves the range of 64 bits: ask for a shorter time"};
}

}  // namespace headgate::policy
