#pragma once

#include "providers/simulator/openai_error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {

/// Reads the members of a request and remembers the first that a provider would refuse, so that a
/// reader is a list of fields and asks once, at its end. A refused or absent field reads as
/// absent. Private to this folder.
class Fields {
public:
    explicit Fields(JsonView object) : object_{object} {}

    JsonView operator[](std::string_view name) const { return object_[name]; }

    std::optional<std::int64_t> integer(std::string_view name,
                                        std::int64_t least,
                                        std::int64_t most);
    std::optional<double> number(std::string_view name, double least, double most);
    bool boolean(std::string_view name, bool otherwise = false);
    std::string_view text(std::string_view name, std::size_t longest = std::string_view::npos);
    /// `model`, which nearly every operation wants: any name of at most 256 bytes.
    std::string_view model();
    /// `service_tier` as an answer tells it: "auto" and none become "default".
    std::string_view tier();
    /// `stop`: null, a string, or up to 4 strings.
    std::vector<std::string> stops();

    /// Only the first is kept.
    void refuse(OpenAiError error);
    const std::optional<OpenAiError>& error() const { return error_; }

private:
    JsonView object_;
    std::optional<OpenAiError> error_;
};

/// The largest output cap: a 32-bit signed integer.
constexpr std::int64_t kLargestCap = 2'147'483'647;

}  // namespace headgate::providers
