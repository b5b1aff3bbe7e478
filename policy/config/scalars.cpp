#include "policy/config/scalars.h"

#include <limits>

namespace headgate::policy {
namespace {

constexpr std::size_t kMaxTextBytes = 4096;

std::unexpected<std::string> must_be(std::string what) {
    return std::unexpected("must be " + std::move(what));
}

struct Unit {
    std::string_view suffix;
    std::int64_t factor;
};

constexpr Unit kDurationUnits[] = {
    {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit kSizeUnits[] = {{"", 1},
                               {"B", 1},
                               {"KB", 1'000},
                               {"MB", 1'000'000},
                               {"GB", 1'000'000'000},
                               {"KiB", std::int64_t{1} << 10},
                               {"MiB", std::int64_t{1} << 20},
                               {"GiB", std::int64_t{1} << 30}};
constexpr Unit kCountUnits[] = {{"", 1}, {"k", 1'000}, {"M", 1'000'000}};

bool is_digit(char c) {
    return '0' <= c && c <= '9';
}

/// Digits only: from_chars would also take a sign.
std::optional<std::int64_t> whole_number(std::string_view digits, int base = 10) {
    if (digits.empty() || digits.front() == '-') {
        return std::nullopt;
    }
    std::int64_t number = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number, base);
    if (error != std::errc{} || stop != end) {
        return std::nullopt;
    }
    return number;
}

/// A whole number with one of `units`, at most `largest`.
std::optional<std::int64_t> with_unit(std::string_view text,
                                      std::span<const Unit> units,
                                      std::int64_t largest) {
    const auto* const first_letter = std::ranges::find_if_not(text, is_digit);
    const auto digits = static_cast<std::size_t>(first_letter - text.begin());
    const std::optional<std::int64_t> number = whole_number(text.substr(0, digits));
    const auto unit = std::ranges::find(units, text.substr(digits), &Unit::suffix);
    if (!number || unit == units.end() || *number > largest / unit->factor) {
        return std::nullopt;
    }
    return *number * unit->factor;
}

std::optional<double> decimal_number(std::string_view text) {
    if (text.empty() || !(is_digit(text.front()) || text.front() == '.')) {
        return std::nullopt;  // from_chars knows "inf", "nan" and signs
    }
    double number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end) {
        return std::nullopt;
    }
    return number;
}

bool has_control_character(std::string_view text) {
    return std::ranges::any_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_name_char(char c) {
    return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || is_digit(c) || c == '_' ||
           c == '.' || c == '-';
}

}  // namespace

Parsed<std::chrono::milliseconds> parse_duration(std::string_view text) {
    constexpr std::int64_t largest = std::int64_t{3650} * 86'400'000;
    if (const auto ms = with_unit(text, kDurationUnits, largest)) {
        return std::chrono::milliseconds{*ms};
    }
    return must_be("a duration such as 200ms, 30s, 10m, 1h or 1d");
}

Parsed<std::size_t> parse_size(std::string_view text) {
    if (const auto bytes = with_unit(text, kSizeUnits, std::int64_t{1} << 50)) {
        return static_cast<std::size_t>(*bytes);
    }
    return must_be("a size such as 16KiB or 32MiB");
}

Parsed<std::int64_t> parse_count(std::string_view text) {
    constexpr std::int64_t largest = std::int64_t{1} << 53;
    std::optional<std::int64_t> count;
    if (text.starts_with("0x")) {
        count = whole_number(text.substr(2), 16);
    } else if (text.starts_with("0o")) {
        count = whole_number(text.substr(2), 8);
    } else {
        count = with_unit(text.starts_with('+') ? text.substr(1) : text, kCountUnits, largest);
    }
    if (!count || *count > largest) {
        return must_be("a whole number such as 50, 300k or 2M");
    }
    return *count;
}

Parsed<std::int64_t> parse_count_between(std::string_view text,
                                         std::int64_t smallest,
                                         std::int64_t largest) {
    const Parsed<std::int64_t> count = parse_count(text);
    if (!count || *count < smallest || *count > largest) {
        return must_be("a whole number from " + std::to_string(smallest) + " to " +
                       std::to_string(largest));
    }
    return *count;
}

Parsed<std::chrono::milliseconds> parse_timeout(std::string_view text) {
    const Parsed<std::chrono::milliseconds> timeout = parse_duration(text);
    if (timeout && *timeout == std::chrono::milliseconds{0}) {
        return must_be("longer than 0, such as 10s");
    }
    return timeout;
}

Parsed<double> parse_percent(std::string_view text) {
    if (text.ends_with('%')) {
        const std::string_view number = text.substr(0, text.size() - 1);
        const bool is_plain = number.find_first_not_of("0123456789.") == std::string_view::npos;
        const std::size_t point = number.find('.');
        const std::size_t places = point == std::string_view::npos ? 0 : number.size() - point - 1;
        const std::optional<double> percent = decimal_number(number);
        if (is_plain && places <= 6 && percent && *percent <= 100.0) {
            return *percent / 100.0;
        }
    }
    return must_be("a percentage such as 80%");
}

Parsed<double> parse_rate(std::string_view text) {
    const std::optional<double> rate = decimal_number(text);
    if (!rate || *rate > 1.0) {
        return must_be("a number from 0 to 1 such as 0.1");
    }
    return *rate;
}

Parsed<bool> parse_flag(std::string_view text) {
    constexpr std::array<std::string_view, 3> yes = {"true", "True", "TRUE"};
    constexpr std::array<std::string_view, 3> no = {"false", "False", "FALSE"};
    if (std::ranges::find(yes, text) != yes.end()) {
        return true;
    }
    if (std::ranges::find(no, text) != no.end()) {
        return false;
    }
    return must_be("true or false");
}

Parsed<providers::WallTime> parse_date(std::string_view text) {
    using namespace std::chrono;
    if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
        const auto years = whole_number(text.substr(0, 4));
        const auto months = whole_number(text.substr(5, 2));
        const auto days = whole_number(text.substr(8, 2));
        if (years && months && days && *years >= 1970) {
            const year_month_day date{year{static_cast<int>(*years)},
                                      month{static_cast<unsigned>(*months)},
                                      day{static_cast<unsigned>(*days)}};
            if (date.ok()) {
                return *years > 2261 ? providers::WallTime::max()
                                     : providers::WallTime{sys_days{date}};
            }
        }
    }
    return must_be("a date such as 2027-01-01");
}

Parsed<std::string> parse_text(std::string_view text) {
    if (has_control_character(text) || text.size() > kMaxTextBytes) {
        return must_be("one line of text, at most 4096 bytes long");
    }
    return std::string(text);
}

Parsed<std::string> parse_header_token(std::string_view text) {
    const bool is_token = std::ranges::all_of(text, [](char c) { return '!' <= c && c <= '~'; });
    if (!is_token || text.size() > kMaxTextBytes) {
        return must_be(
            "printable ASCII without blanks, at most 4096 bytes long: it goes into a "
            "header");
    }
    return std::string(text);
}

Parsed<std::string> parse_model_glob(std::string_view text) {
    const bool is_glob = std::ranges::all_of(
        text, [](char c) { return is_name_char(c) || std::string_view(":/@+*?").contains(c); });
    if (text.empty() || text.size() > 256 || !is_glob) {
        return must_be("a model's name or a pattern such as gpt-5*");
    }
    // Comparing two patterns costs the product of their lengths, and a policy may have thousands.
    constexpr std::ptrdiff_t most_stars = 16;
    if (std::ranges::count(text, '*') > most_stars) {
        return must_be("a pattern with at most 16 `*`");
    }
    return std::string(text);
}

Parsed<std::string> parse_plain_name(std::string_view text) {
    if (!is_plain_name(text)) {
        return must_be("a name of 1 to 64 letters, digits, `_`, `.` and `-`");
    }
    return std::string(text);
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, is_name_char);
}

}  // namespace headgate::policy
