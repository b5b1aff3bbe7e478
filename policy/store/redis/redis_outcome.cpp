#include "policy/store/redis/redis_outcome.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace headgate::policy {

namespace {

using Outcome = RedisLimits::Outcome;

/// Redis understood, and will not or cannot just now.
constexpr std::array<std::string_view, 14> kUnwilling{
    "READONLY", "LOADING",    "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY",      "OOM",
    "MISCONF",  "NOREPLICAS", "NOAUTH",     "WRONGPASS",   "NOPERM",   "UNBLOCKED", "UNKILLABLE"};

constexpr std::size_t kMostText = 200;

/// "MOVED 3999 127.0.0.1:6381" → the address; nullopt where it is none.
std::optional<std::string> address_in(std::string_view text) {
    const std::size_t space = text.rfind(' ');
    if (space == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view address = text.substr(space + 1);
    const std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos || address.size() > 260) {
        return std::nullopt;
    }
    std::uint16_t port = 0;
    const std::string_view digits = address.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) {
        return std::nullopt;
    }
    return std::string(address);
}

/// Redis 6 wraps what a command inside a script was answered: "ERR Error running script (call to
/// f_…): @user_script:42: @user_script: 42: -OOM command not allowed …"
bool has_code(const RespValue& error, std::string_view code) {
    if (error.is_error(code)) {
        return true;
    }
    return error.text.find(": -" + std::string(code) + " ") != std::string::npos;
}

std::string fit_to_show(std::string_view text) {
    std::string shown{text.substr(0, kMostText)};
    std::ranges::replace_if(shown, [](char c) { return c < ' ' || c > '~'; }, '?');
    return shown;
}

}  // namespace

RedisOutcome outcome_of(const RespValue& error) {
    if (error.is_error("NOSCRIPT")) {
        return {.outcome = Outcome::load_script, .address = {}, .problem = {}};
    }
    const bool must_ask = error.is_error("ASK");
    if (must_ask || error.is_error("MOVED")) {
        if (std::optional<std::string> address = address_in(error.text)) {
            return {.outcome = Outcome::elsewhere,
                    .address = *std::move(address),
                    .must_ask = must_ask,
                    .problem = {}};
        }
    }
    const bool is_unwilling = std::ranges::any_of(
        kUnwilling, [&error](std::string_view code) { return has_code(error, code); });
    return {.outcome = is_unwilling ? Outcome::unwilling : Outcome::faulty,
            .address = {},
            .problem = fit_to_show(error.text)};
}

}  // namespace headgate::policy
