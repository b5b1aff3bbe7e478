#pragma once

#include "providers/contract/api_error.h"
#include "providers/contract/api_request.h"
#include "providers/contract/target.h"

namespace headgate::policy {

// Why a request cannot be bounded, told to its client.

providers::ApiError no_price(const providers::Target& target);
/// `tool`: at most 64 bytes of it are shown. `param`: where it stands in the request.
providers::ApiError no_tool_price(std::string_view tool, std::string_view param);
providers::ApiError no_input_bound(const providers::Target& target);
providers::ApiError no_output_bound(const providers::Target& target,
                                    const providers::ApiRequest& request);
providers::ApiError no_picture_bound(const providers::ApiRequest& request);
providers::ApiError beyond_counting(const providers::Target& target);

}  // namespace headgate::policy
