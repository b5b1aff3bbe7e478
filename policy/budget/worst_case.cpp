#include "policy/budget/worst_case.h"

#include "policy/budget/request_bound.h"
#include "policy/budget/target_bound.h"
#include "providers/catalog/picture_tokens.h"

#include <algorithm>
#include <limits>

namespace headgate::policy {
namespace {

using providers::ApiRequest;
using providers::Money;
using providers::Result;
using providers::Usage;

constexpr std::int64_t kMostOutput = std::numeric_limits<std::int32_t>::max();

/// The Responses API refuses a lower cap than 16.
std::int64_t least_cap(const ApiRequest& request) {
    return request.endpoint->operation == providers::Operation::responses ? 16 : 1;
}

Result<WorstCase> dearest(const WorstCaseInput& input,
                          const RequestBound& request,
                          std::optional<std::int64_t> cap) {
    WorstCase worst;
    for (const PlannedTarget& planned : input.plan.targets) {
        Result<WorstCase> one = TargetBound{input, request, planned}.with_cap(cap);
        if (!one) {
            return one;
        }
        if (worst.dearest == nullptr || one->cost > worst.cost) {
            worst = *one;
        }
    }
    return worst;
}

/// The output cap where nobody lowers it: asked for, or the highest limit of a target.
std::int64_t present_cap(const WorstCaseInput& input, const RequestBound& request) {
    std::optional<std::int64_t> cap = input.output_cap;
    cap = cap ? cap : request.request().output_cap();
    cap = cap ? cap : input.project.max_output;
    if (cap) {
        return *cap;
    }
    std::int64_t highest = 0;
    for (const PlannedTarget& planned : input.plan.targets) {
        const auto limit = TargetBound{input, request, planned}.output_limit();
        highest = std::max(highest, limit.value_or(kMostOutput));
    }
    return highest;
}

}  // namespace

Result<WorstCase> worst_case(const WorstCaseInput& input) {
    return dearest(input, RequestBound{input.request, input.estimate}, input.output_cap);
}

std::optional<std::int64_t> affordable_cap(const WorstCaseInput& input, Money money) {
    const RequestBound request{input.request, input.estimate};
    if (request.meter() != Meter::tokens) {
        return std::nullopt;
    }
    const auto fits = [&](std::int64_t cap) {
        const Result<WorstCase> worst = dearest(input, request, cap);
        return worst && worst->cost <= money;
    };
    std::int64_t high = present_cap(input, request);
    std::int64_t low = std::min(least_cap(input.request), high);
    if (!fits(low)) {
        return std::nullopt;
    }
    if (fits(high)) {
        return high;
    }
    // The cost never falls with the cap: `low` fits and `high` does not.
    while (high - low > 1) {
        const std::int64_t middle = low + (high - low) / 2;
        (fits(middle) ? low : high) = middle;
    }
    return low;
}

std::optional<std::int64_t> project_cap(const ApiRequest& request, const Project& project) {
    const bool has_cap = meter_of(*request.endpoint) == Meter::tokens;
    return has_cap && !request.output_cap() ? project.max_output : std::nullopt;
}

Usage with_picture_tokens(const Usage& usage,
                          const ApiRequest& request,
                          const providers::Target& target,
                          const TargetPrice& price) {
    const auto& asked = request.picture;
    const auto one = providers::picture_tokens(target.model, asked.size, asked.quality);
    const bool is_told = usage.images == 0 || usage.total_output().count != 0;
    if (is_told || !one || price.standard(usage.total_input()).per_image) {
        return usage;
    }
    Usage counted = usage;
    counted.image_output = {usage.images * one->count};
    counted.is_estimated = true;
    return counted;
}

}  // namespace headgate::policy
