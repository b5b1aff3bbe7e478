#include "providers/contract/retry_after.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace headgate::providers {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr std::int64_t kLongestMs = Milliseconds{std::chrono::days{30}}.count();
constexpr std::int64_t kBillion = 1'000'000'000;

__extension__ using Wide = __int128;  // billionths of nanoseconds: days of them pass 64 bits

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t";
    const std::size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

/// Takes a text apart from the left. Every function that takes something returns false where it is
/// not there, decimal() a negative number.
class Taker {
public:
    explicit Taker(std::string_view text) : rest_{text} {}

    bool is_empty() const { return rest_.empty(); }
    char front() const { return rest_.empty() ? '\0' : rest_.front(); }

    bool take(std::string_view word) {
        if (!rest_.starts_with(word)) {
            return false;
        }
        rest_.remove_prefix(word.size());
        return true;
    }

    /// Exactly `count` digits.
    bool digits(std::size_t count, int& value) {
        value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (i >= rest_.size() || !is_digit(rest_[i])) {
                return false;
            }
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return true;
    }

    /// One of `names`; `index` is its place in their list.
    template <std::size_t Size>
    bool one_of(const std::array<std::string_view, Size>& names, int& index) {
        for (std::size_t i = 0; i < Size; ++i) {
            if (take(names[i])) {
                index = static_cast<int>(i);
                return true;
            }
        }
        return false;
    }

    /// A decimal without sign or exponent, in billionths; what is behind the ninth place rounds up.
    /// Saturates far above every limit of ours.
    Wide decimal() {
        constexpr std::int64_t kMostWhole = 1'000'000'000'000;
        if (!is_digit(front())) {
            return -1;
        }
        std::int64_t whole = 0;
        for (; is_digit(front()); rest_.remove_prefix(1)) {
            whole = std::min(whole * 10 + (front() - '0'), kMostWhole);
        }
        if (front() != '.') {
            return static_cast<Wide>(whole) * kBillion;
        }
        rest_.remove_prefix(1);
        if (!is_digit(front())) {
            return -1;
        }
        std::int64_t fraction = 0;
        bool is_cut = false;
        for (std::int64_t place = kBillion / 10; is_digit(front()); rest_.remove_prefix(1)) {
            fraction += (front() - '0') * place;
            is_cut = is_cut || (place == 0 && front() != '0');
            place /= 10;
        }
        return static_cast<Wide>(whole) * kBillion + fraction + (is_cut ? 1 : 0);
    }

private:
    std::string_view rest_;
};

/// `wait` is in billionths of a nanosecond. Rounded up, so that nobody comes back too early; at
/// most 30 days.
Milliseconds rounded_up(Wide wait) {
    constexpr Wide in_ms = static_cast<Wide>(kBillion) * 1'000'000;
    const Wide ms = wait / in_ms + (wait % in_ms > 0 ? 1 : 0);
    return Milliseconds{static_cast<std::int64_t>(std::min<Wide>(ms, kLongestMs))};
}

std::optional<Milliseconds> decimal_wait(std::string_view value, std::int64_t unit_ns) {
    Taker taker{trimmed(value)};
    const Wide number = taker.decimal();
    return number < 0 || !taker.is_empty() ? std::nullopt
                                           : std::optional{rounded_up(number * unit_ns)};
}

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 7> kLongDays{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};

struct Date {
    int year = 0;
    int month = 0;  // from 0
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
};

bool take_clock(Taker& taker, Date& date) {
    return taker.digits(2, date.hour) && taker.take(":") && taker.digits(2, date.minute) &&
           taker.take(":") && taker.digits(2, date.second);
}

/// "Sun, 06 Nov 1994 08:49:37 GMT", behind the day's name.
bool take_imf_fixdate(Taker taker, Date& date) {
    return taker.take(", ") && taker.digits(2, date.day) && taker.take(" ") &&
           taker.one_of(kMonths, date.month) && taker.take(" ") && taker.digits(4, date.year) &&
           taker.take(" ") && take_clock(taker, date) && taker.take(" GMT") && taker.is_empty();
}

/// "Sunday, 06-Nov-94 08:49:37 GMT", behind the day's name. RFC 9110 §5.6.7: two digits that seem
/// more than 50 years ahead are the most recent year in the past with them.
bool take_rfc850(Taker taker, int this_year, Date& date) {
    if (!taker.take(", ") || !taker.digits(2, date.day) || !taker.take("-") ||
        !taker.one_of(kMonths, date.month) || !taker.take("-") || !taker.digits(2, date.year)) {
        return false;
    }
    date.year += this_year - this_year % 100;
    if (date.year > this_year + 50) {
        date.year -= 100;
    } else if (date.year <= this_year - 50) {
        date.year += 100;
    }
    return taker.take(" ") && take_clock(taker, date) && taker.take(" GMT") && taker.is_empty();
}

/// "Sun Nov  6 08:49:37 1994", behind the day's name.
bool take_asctime(Taker taker, Date& date) {
    return taker.take(" ") && taker.one_of(kMonths, date.month) && taker.take(" ") &&
           taker.digits(taker.take(" ") ? 1 : 2, date.day) && taker.take(" ") &&
           take_clock(taker, date) && taker.take(" ") && taker.digits(4, date.year) &&
           taker.is_empty();
}

/// Seconds since the epoch; nullopt for a day or an hour that does not exist. A leap second counts
/// as the second behind it.
std::optional<std::chrono::sys_seconds> instant_of(const Date& date) {
    const std::chrono::year_month_day day{std::chrono::year{date.year},
                                          std::chrono::month{static_cast<unsigned>(date.month + 1)},
                                          std::chrono::day{static_cast<unsigned>(date.day)}};
    if (!day.ok() || date.hour > 23 || date.minute > 59 || date.second > 60) {
        return std::nullopt;
    }
    return std::chrono::sys_days{day} + std::chrono::hours{date.hour} +
           std::chrono::minutes{date.minute} + std::chrono::seconds{date.second};
}

std::optional<std::chrono::sys_seconds> http_date(std::string_view text, WallTime now) {
    const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
    Date date;
    Taker taker{text};
    int weekday = 0;                         // told by the date, too: nobody checks it
    if (taker.one_of(kLongDays, weekday)) {  // first: each begins with a short name
        return take_rfc850(taker, static_cast<int>(today.year()), date) ? instant_of(date)
                                                                        : std::nullopt;
    }
    if (!taker.one_of(kDays, weekday)) {
        return std::nullopt;
    }
    return take_imf_fixdate(taker, date) || take_asctime(taker, date) ? instant_of(date)
                                                                      : std::nullopt;
}

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMillisecond = 1'000'000;

/// As Go's time.ParseDuration takes them; a longer name before one that it begins with.
constexpr std::array<std::string_view, 8> kUnits{"ns", "us", "\u00b5s", "\u03bcs", "ms",
                                                 "s",  "m",  "h"};  // micro sign, Greek mu
constexpr std::array<std::int64_t, 8> kUnitNanos{
    1, 1'000, 1'000, 1'000, kMillisecond, kSecond, 60 * kSecond, 3'600 * kSecond};

}  // namespace

std::optional<Milliseconds> parse_retry_after(std::string_view value, WallTime now) {
    const std::string_view text = trimmed(value);
    if (!text.empty() && is_digit(text.front())) {
        return decimal_wait(text, kSecond);
    }
    const std::optional<std::chrono::sys_seconds> instant = http_date(text, now);
    if (!instant) {
        return std::nullopt;
    }
    // A year of four digits leaves the range of WallTime: compare in milliseconds.
    const auto then = std::chrono::time_point_cast<Milliseconds>(*instant).time_since_epoch();
    const auto here = std::chrono::floor<Milliseconds>(now).time_since_epoch();
    return Milliseconds{std::clamp<std::int64_t>((then - here).count(), 0, kLongestMs)};
}

std::optional<Milliseconds> parse_retry_after_ms(std::string_view value) {
    return decimal_wait(value, kMillisecond);
}

std::optional<Milliseconds> parse_go_duration(std::string_view value) {
    const std::string_view text = trimmed(value);
    if (text == "0") {
        return Milliseconds{0};
    }
    Taker taker{text};
    // Far above 30 days, and far from what a sum of two can overflow.
    constexpr Wide longest = static_cast<Wide>(kBillion) * kBillion * kBillion * kBillion;
    Wide sum = 0;
    do {
        const Wide number = taker.decimal();
        int unit = 0;
        if (number < 0 || !taker.one_of(kUnits, unit)) {
            return std::nullopt;
        }
        sum = std::min(sum + number * kUnitNanos[static_cast<std::size_t>(unit)], longest);
    } while (!taker.is_empty());
    return rounded_up(sum);
}

}  // namespace headgate::providers
