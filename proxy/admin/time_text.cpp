#include "proxy/admin/time_text.h"

#include <charconv>
#include <chrono>
#include <cstdint>

namespace headgate::proxy {
namespace {

/// Takes `digits` decimal digits off the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
    int value = 0;
    if (text.size() < digits) {
        return std::nullopt;
    }
    for (const char c : text.substr(0, digits)) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        value = value * 10 + (c - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, std::string_view mark) {
    if (!text.starts_with(mark)) {
        return false;
    }
    text.remove_prefix(mark.size());
    return true;
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
    const auto year = take_number(text, 4);
    const auto month = year && take(text, "-") ? take_number(text, 2) : std::nullopt;
    const auto day = month && take(text, "-") ? take_number(text, 2) : std::nullopt;
    if (!day || *year < 1970 || *year > 2200) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    return date.ok() ? std::optional{std::chrono::sys_days{date}} : std::nullopt;
}

/// "14:03:07"; nullopt also for a leap second, which no clock of ours has.
std::optional<std::chrono::seconds> take_clock(std::string_view& text) {
    const auto hour = take_number(text, 2);
    const auto minute = hour && take(text, ":") ? take_number(text, 2) : std::nullopt;
    const auto second = minute && take(text, ":") ? take_number(text, 2) : std::nullopt;
    if (!second || *hour > 23 || *minute > 59 || *second > 59) {
        return std::nullopt;
    }
    return std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
           std::chrono::seconds{*second};
}

/// ".123", up to nine places; nothing is 0.
std::optional<std::chrono::nanoseconds> take_fraction(std::string_view& text) {
    if (!take(text, ".")) {
        return std::chrono::nanoseconds{0};
    }
    std::int64_t nanos = 0;
    std::size_t places = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9' && places < 9) {
        nanos = nanos * 10 + (text.front() - '0');
        text.remove_prefix(1);
        ++places;
    }
    if (places == 0) {
        return std::nullopt;
    }
    for (; places < 9; ++places) {
        nanos *= 10;
    }
    return std::chrono::nanoseconds{nanos};
}

/// "Z" or "+02:00".
std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
    if (take(text, "Z") || take(text, "z")) {
        return std::chrono::minutes{0};
    }
    const bool is_east = text.starts_with('+');
    if (!take(text, "+") && !take(text, "-")) {
        return std::nullopt;
    }
    const auto hours = take_number(text, 2);
    const auto minutes = hours && take(text, ":") ? take_number(text, 2) : std::nullopt;
    if (!minutes || *hours > 23 || *minutes > 59) {
        return std::nullopt;
    }
    const auto offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
    return is_east ? offset : -offset;
}

}  // namespace

std::optional<providers::WallTime> parse_time(std::string_view text) {
    const auto date = take_date(text);
    if (!date) {
        return std::nullopt;
    }
    if (text.empty()) {
        return *date;
    }
    if (!take(text, "T") && !take(text, "t") && !take(text, " ")) {
        return std::nullopt;
    }
    const auto clock = take_clock(text);
    const auto fraction = clock ? take_fraction(text) : std::nullopt;
    const auto offset = fraction ? take_offset(text) : std::nullopt;
    if (!offset || !text.empty()) {
        return std::nullopt;
    }
    return std::chrono::time_point_cast<providers::WallTime::duration>(*date + *clock + *fraction -
                                                                       *offset);
}

}  // namespace headgate::proxy
