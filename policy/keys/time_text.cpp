#include "policy/keys/time_text.h"

namespace headgate::policy {
namespace {

std::string padded(unsigned number, std::size_t width) {
    std::string digits = std::to_string(number);
    return std::string(width - std::min(width, digits.size()), '0') + digits;
}

std::string two(auto time) {
    return padded(static_cast<unsigned>(time.count()), 2);
}

}  // namespace

std::string day_text(Day day) {
    const std::chrono::year_month_day date{day};
    return padded(static_cast<unsigned>(static_cast<int>(date.year())), 4) + '-' +
           padded(static_cast<unsigned>(date.month()), 2) + '-' +
           padded(static_cast<unsigned>(date.day()), 2);
}

std::string moment_text(providers::WallTime time) {
    const auto second = std::chrono::floor<std::chrono::seconds>(time);
    const Day day = day_of(time);
    const std::chrono::hh_mm_ss clock{second - day};
    return day_text(day) + 'T' + two(clock.hours()) + ':' + two(clock.minutes()) + ':' +
           two(clock.seconds()) + 'Z';
}

}  // namespace headgate::policy
