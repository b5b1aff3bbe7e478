#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::policy {

/// The `webhook-signature` of a message as Standard Webhooks 1.0 has it: "v1," and the base64 of
/// HMAC-SHA256 over "ID.TIMESTAMP.BODY". `secret` is "whsec_" and base64, or any other text, whose
/// bytes are then the key. `timestamp` is in seconds since 1970.
std::string webhook_signature(std::string_view secret,
                              std::string_view id,
                              std::int64_t timestamp,
                              std::string_view body);

}  // namespace headgate::policy
