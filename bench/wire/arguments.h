#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace headgate::bench {

/// A command line of `--name value` pairs. Everything wrong with it throws
/// std::invalid_argument with a text fit to show.
class Arguments {
public:
    /// `known` holds the allowed names without dashes; any other is refused.
    Arguments(std::span<char* const> words, std::span<const std::string_view> known);

    std::string text(std::string_view name, std::string_view otherwise) const;
    std::size_t count(std::string_view name, std::size_t otherwise) const;
    /// "50ms", "2s", "100us" or "0".
    std::chrono::microseconds duration(std::string_view name,
                                       std::chrono::microseconds otherwise) const;

private:
    std::map<std::string, std::string, std::less<>> values_;
};

/// The duration that `text` tells; throws std::invalid_argument.
std::chrono::microseconds parse_duration(std::string_view text);

}  // namespace headgate::bench
