#pragma once

#include "policy/keys/project.h"
#include "providers/contract/endpoint.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace headgate::policy {

/// A header field of the request that some route asks for.
struct HeaderFact {
    std::string_view name;  // lower case
    std::string_view value;
};

/// All that the choice of a route and the order of its targets may depend on, but the targets'
/// health, chance and the clock. Views must live as long as the plan.
struct Facts {
    const Project* project = nullptr;
    const providers::Endpoint* endpoint = nullptr;
    std::string_view model;  // as the client asked
    bool stream = false;
    std::span<const HeaderFact> headers;
    std::int64_t input_tokens = 0;   // our guess; asked for where Router::needs().input_tokens
    std::int64_t output_tokens = 0;  // the output cap or a guess, for `cheapest`
    double budget_used = 0;          // of the project's budget, 0…1 and above
    std::uint64_t prefix = 0;        // digest of the prompt's beginning; 0: too short for affinity
};

}  // namespace headgate::policy
