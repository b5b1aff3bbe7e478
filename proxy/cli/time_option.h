#pragma once

#include "providers/base/clock.h"

#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::proxy {

/// A time of the command line (parse_time()); empty: none was given. The error is a text that
/// names the option.
std::expected<std::optional<providers::WallTime>, std::string> read_time_option(
    std::string_view option, const std::string& text);

}  // namespace headgate::proxy
