#pragma once

#include "policy/config/scalars.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::policy {

/// Where a URL leads: its authority without user and password.
struct Authority {
    std::string host;  // in lower case, without brackets
    std::optional<std::uint16_t> port;
};

/// Takes "host", "host:port", "[v6]" or "[v6]:port" apart. Refused: hosts that are numbers but no
/// dotted IPv4 address, link-local and reserved addresses, ports outside 1 to 65535.
Parsed<Authority> parse_authority(std::string_view text);

/// `text` in lower case (ASCII).
std::string lower_case(std::string_view text);

/// `text` with its `%XX` resolved; nullopt where one is broken.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace headgate::policy
