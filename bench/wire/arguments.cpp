#include "bench/wire/arguments.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <stdexcept>

namespace headgate::bench {
namespace {

constexpr std::uint32_t kLargestNumber = 100'000'000;

/// The leading decimal number of `text`, which then begins behind it.
std::uint32_t take_number(std::string_view& text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number > kLargestNumber) {
        throw std::invalid_argument("not a number: " + std::string(text));
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

}  // namespace

Arguments::Arguments(std::span<char* const> words, std::span<const std::string_view> known) {
    for (std::size_t i = 0; i < words.size(); i += 2) {
        const std::string_view word = words[i];
        const std::string_view name = word.substr(std::min<std::size_t>(2, word.size()));
        if (!word.starts_with("--") || std::ranges::find(known, name) == known.end()) {
            throw std::invalid_argument("unknown option " + std::string(word));
        }
        if (i + 1 == words.size()) {
            throw std::invalid_argument(std::string(word) + " needs a value");
        }
        values_[std::string(name)] = words[i + 1];
    }
}

std::string Arguments::text(std::string_view name, std::string_view otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string(otherwise) : found->second;
}

std::size_t Arguments::count(std::string_view name, std::size_t otherwise) const {
    const auto found = values_.find(name);
    if (found == values_.end()) {
        return otherwise;
    }
    std::string_view rest = found->second;
    const std::size_t number = take_number(rest);
    if (!rest.empty()) {
        throw std::invalid_argument("not a count: " + found->second);
    }
    return number;
}

std::chrono::microseconds Arguments::duration(std::string_view name,
                                              std::chrono::microseconds otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : parse_duration(found->second);
}

std::chrono::microseconds parse_duration(std::string_view text) {
    std::string_view rest = text;
    const std::chrono::microseconds::rep number = take_number(rest);
    if (rest == "us" || (rest.empty() && number == 0)) {
        return std::chrono::microseconds(number);
    }
    if (rest == "ms") {
        return std::chrono::microseconds(number * 1'000);
    }
    if (rest == "s") {
        return std::chrono::microseconds(number * 1'000'000);
    }
    throw std::invalid_argument("not a duration like 50ms: " + std::string(text));
}

}  // namespace headgate::bench
