#include "providers/simulator/fields.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace headgate::providers {
namespace {

std::string shown(double value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return {digits.data(), end.ptr};
}

OpenAiError decimal_error(std::string_view name, double given, double bound, bool is_above) {
    return bad_request("Invalid '" + std::string{name} + "': decimal " +
                           (is_above ? "above maximum value. Expected a value <= "
                                     : "below minimum value. Expected a value >= ") +
                           shown(bound) + ", but got " + shown(given) + " instead.",
                       name, is_above ? "decimal_above_max_value" : "decimal_below_min_value");
}

}  // namespace

void Fields::refuse(OpenAiError error) {
    if (!error_) {
        error_ = std::move(error);
    }
}

std::optional<std::int64_t> Fields::integer(std::string_view name,
                                            std::int64_t least,
                                            std::int64_t most) {
    const JsonView given = object_[name];
    if (given.is_null()) {
        return std::nullopt;
    }
    const auto value = given.integer();
    if (!value) {
        refuse(wrong_type(name, "an integer", given));
        return std::nullopt;
    }
    if (*value < least) {
        refuse(below_minimum(name, least, *value));
        return std::nullopt;
    }
    if (*value > most) {
        refuse(above_maximum(name, most, *value));
        return std::nullopt;
    }
    return value;
}

std::optional<double> Fields::number(std::string_view name, double least, double most) {
    const JsonView given = object_[name];
    if (given.is_null()) {
        return std::nullopt;
    }
    if (!given.is_number()) {
        refuse(wrong_type(name, "a decimal", given));
        return std::nullopt;
    }
    const double value = given.number();
    if (value < least || value > most) {
        refuse(decimal_error(name, value, value > most ? most : least, value > most));
        return std::nullopt;
    }
    return value;
}

bool Fields::boolean(std::string_view name, bool otherwise) {
    const JsonView given = object_[name];
    if (given.is_null()) {
        return otherwise;
    }
    if (!given.is_boolean()) {
        refuse(wrong_type(name, "a boolean", given));
    }
    return given.boolean();
}

std::string_view Fields::text(std::string_view name, std::size_t longest) {
    const JsonView given = object_[name];
    if (!given.is_null() && !given.is_string()) {
        refuse(wrong_type(name, "a string", given));
    }
    if (given.text().size() > longest) {
        refuse(string_too_long(name, longest, given.text().size()));
        return {};
    }
    return given.text();
}

std::string_view Fields::model() {
    constexpr std::size_t kLongestName = 256;
    const std::string_view name = text("model", kLongestName);
    if (name.empty()) {
        refuse(bad_request("you must provide a model parameter", ""));
    }
    return name;
}

std::string_view Fields::tier() {
    constexpr std::array<std::string_view, 6> kTiers = {"default",  "flex", "scale",
                                                        "priority", "fast", "ultrafast"};
    const std::string_view asked = text("service_tier");
    if (asked.empty() || asked == "auto") {
        return "default";
    }
    if (std::ranges::find(kTiers, asked) == kTiers.end()) {
        refuse(unsupported_value("service_tier", asked,
                                 "'auto', 'default', 'flex', 'scale', 'priority', and 'fast'"));
    }
    return asked;
}

std::vector<std::string> Fields::stops() {
    constexpr std::size_t kMostStops = 4;
    const JsonView given = object_["stop"];
    std::vector<std::string> stops;
    if (given.is_string()) {
        stops.emplace_back(given.text());
    } else if (given.is_array()) {
        if (given.size() > kMostStops) {
            refuse(array_too_long("stop", kMostStops, given.size()));
            return {};
        }
        for (std::size_t i = 0; i < given.size(); ++i) {
            if (!given.at(i).is_string()) {
                refuse(wrong_type("stop", "an array of strings", given.at(i)));
            }
            stops.emplace_back(given.at(i).text());
        }
    } else if (!given.is_null()) {
        refuse(wrong_type("stop", "a string or an array of strings", given));
    }
    std::erase_if(stops, [](const std::string& stop) { return stop.empty(); });
    return stops;
}

}  // namespace headgate::providers
