#pragma once

#include <string>
#include <string_view>

namespace headgate::policy {

/// What stands for a literal secret.
inline constexpr std::string_view kRedacted = "<redacted>";

/// The text of a secret as it may be shown: by rule 2 of without_secrets(). Nothing stays nothing.
std::string redacted_secret(std::string_view text);

/// Any other text: by rule 3.
std::string redacted_urls(std::string_view text);

/// Whether a URL in `text` holds a password, or a parameter that asks for a secret, in plain text.
/// A user alone is none.
bool has_plain_password(std::string_view text);

/// Whether the value looks like a credential whatever its name: `Bearer …`, `sk-…`.
bool looks_like_credential(std::string_view text);

}  // namespace headgate::policy
