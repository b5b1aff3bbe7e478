#pragma once

#include "providers/contract/endpoint.h"

#include <cstdint>
#include <string_view>

namespace headgate::providers {

/// What understand() reads of a request body's outermost object.
enum class Field : std::uint8_t {
    model,
    prompt,
    remote_content,  // present: the model reads what the body does not hold
    web_search,      // present: the provider searches
    stream,
    stream_options,
    max_tokens,
    max_completion_tokens,
    max_output_tokens,
    n,
    best_of,
    temperature,
    seed,
    service_tier,
    user,
    store,
    previous_response_id,
    background,
    tools,
    modalities,
    prediction,
    size,
    quality,
    output_format,
    frame_count,
    partial_images,
};

/// A field that we read, and the operations that have it. In all others it passes unread.
struct FieldRule {
    std::string_view name;
    Field field;
    unsigned operations;  // a bit each
};

/// The rule for `key` in a request to `endpoint`; null where it passes unread.
const FieldRule* field_rule(std::string_view key, const Endpoint& endpoint);

}  // namespace headgate::providers
