#pragma once

#include "policy/budget/request_bound.h"
#include "policy/budget/worst_case.h"

#include <cstdint>
#include <optional>

namespace headgate::policy {

/// The worst case of a request at one target of its plan. The three arguments must outlive it.
class TargetBound {
public:
    TargetBound(const WorstCaseInput& input,
                const RequestBound& request,
                const PlannedTarget& planned);

    /// `cap` instead of the request's and the project's output cap. Errors: worst_case()'s.
    providers::Result<WorstCase> with_cap(std::optional<std::int64_t> cap);

    /// The model's output limit; nullopt: unknown.
    std::optional<std::int64_t> output_limit() const;

private:
    using Problem = std::optional<providers::ApiError>;

    Problem fill(std::optional<std::int64_t> cap);
    Problem missing_price() const;
    Problem bind_input();
    Problem bind_output(std::optional<std::int64_t> cap);
    Problem bind_pictures();
    bool charges(std::int64_t Consumption::* kind) const;

    const WorstCaseInput& input_;
    const RequestBound& request_;
    const providers::Target& target_;
    TargetPrice price_;
    Consumption most_;
    WorstCase worst_;
};

}  // namespace headgate::policy
