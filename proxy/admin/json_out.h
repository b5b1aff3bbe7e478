#pragma once

#include <string>
#include <string_view>

namespace headgate::proxy {

/// `text` as a JSON string, with its quotes.
std::string quoted(std::string_view text);

/// The same, and null where it is empty.
std::string quoted_or_null(std::string_view text);

}  // namespace headgate::proxy
