#pragma once

#include "providers/contract/api_request.h"
#include "providers/contract/endpoint.h"

#include <gtest/gtest.h>

#include <string_view>

namespace headgate::providers {

inline constexpr std::string_view kChatPath = "/v1/chat/completions";

/// The endpoint that a POST to `path` reaches, which the table must have.
inline const Endpoint& posted(std::string_view path) {
    const Endpoint* const endpoint = classify(Method::post, path).endpoint;
    EXPECT_NE(endpoint, nullptr) << path;
    return *endpoint;
}

/// A request that must be understood; an empty one, and a failed test, where it is not. `body`
/// must outlive what the test reads of the request's views.
inline ApiRequest understood(std::string_view path, std::string_view body) {
    const Result<ApiRequest> request = understand(posted(path), body);
    EXPECT_TRUE(request.has_value()) << body << ": " << request.error().message;
    return request.value_or(ApiRequest{});
}

}  // namespace headgate::providers
