#include "proxy/cli/time_option.h"

#include "proxy/admin/time_text.h"

namespace headgate::proxy {

std::expected<std::optional<providers::WallTime>, std::string> read_time_option(
    std::string_view option, const std::string& text) {
    if (text.empty()) {
        return std::nullopt;
    }
    const auto time = parse_time(text);
    if (!time) {
        return std::unexpected{std::string{option} + " \"" + text +
                               "\" must be a date such as 2026-11-25 or a time such as "
                               "2026-11-25T14:00:00Z"};
    }
    return time;
}

}  // namespace headgate::proxy
