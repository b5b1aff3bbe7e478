#include "providers/simulator/json_writer.h"
#include "providers/simulator/schema_keywords.h"
#include "providers/simulator/schema_value.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace headgate::providers {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

/// What a number may be. An open end is excluded itself.
struct Range {
    double least = -kNone;
    double most = kNone;
    bool is_least_open = false;
    bool is_most_open = false;
    double step = 0;  // multipleOf, 0 for none

    bool has(double value) const {
        return (is_least_open ? value > least : value >= least) &&
               (is_most_open ? value < most : value <= most);
    }

    void narrow(JsonView schema) {
        const auto raise = [this](JsonView bound, bool is_open) {
            if (bound.is_number() && bound.number() >= least) {
                is_least_open = is_open || (is_least_open && bound.number() == least);
                least = bound.number();
            }
        };
        const auto lower = [this](JsonView bound, bool is_open) {
            if (bound.is_number() && bound.number() <= most) {
                is_most_open = is_open || (is_most_open && bound.number() == most);
                most = bound.number();
            }
        };
        raise(schema["minimum"], false);
        raise(schema["exclusiveMinimum"], true);
        lower(schema["maximum"], false);
        lower(schema["exclusiveMaximum"], true);
        step = std::max(step, schema["multipleOf"].number());
    }
};

/// A multiple of `step` in the range, near its lower end; out of it where there is none.
double multiple_in(const Range& range, double step, Random& random) {
    const bool has_least = range.least != -kNone;
    const bool has_most = range.most != kNone;
    if (!has_least && has_most) {
        double top = std::floor(range.most / step) * step;
        return range.has(top) ? top : top - step;
    }
    double value = has_least ? std::ceil(range.least / step) * step : step;
    if (!range.has(value)) {
        value += step;
    }
    const double wished = value + static_cast<double>(random.below(16)) * step;
    return range.has(wished) ? wished : value;
}

double decimal_in(const Range& range, Random& random) {
    if (range.least == range.most) {
        return range.least;
    }
    constexpr double kSpan = 100;
    const double least = range.least != -kNone ? range.least
                         : range.most != kNone ? range.most - kSpan
                                               : 0.0;
    const double most = range.most != kNone ? range.most : least + kSpan;
    const double value = std::lerp(least, most, 0.25 + random.fraction() / 2);
    const double rounded = std::round(value * 100) / 100;  // reads better, if it is inside
    return range.has(rounded) ? rounded : value;
}

}  // namespace

JsonView keyword(const std::vector<JsonView>& all, std::string_view name) {
    for (const JsonView schema : all) {
        if (const JsonView value = schema[name]; !value.is_absent()) {
            return value;
        }
    }
    return {};
}

std::size_t least_count(const std::vector<JsonView>& all, std::string_view name) {
    double bound = 0;
    for (const JsonView schema : all) {
        bound = std::max(bound, schema[name].number());
    }
    return static_cast<std::size_t>(std::min(bound, static_cast<double>(kLargestValue + 1)));
}

std::size_t most_count(const std::vector<JsonView>& all, std::string_view name) {
    auto bound = static_cast<double>(kLargestValue);
    for (const JsonView schema : all) {
        if (const JsonView value = schema[name]; value.is_number()) {
            bound = std::clamp(value.number(), 0.0, bound);
        }
    }
    return static_cast<std::size_t>(bound);
}

bool SchemaValue::write_number(const Schemas& all, bool is_whole) {
    constexpr double kMostExact = 9007199254740992;  // 2^53
    Range range;
    for (const JsonView schema : all) {
        range.narrow(schema);
    }
    const bool needs_steps = is_whole || range.step > 0;
    double step = range.step > 0 ? range.step : 1;
    if (is_whole && step != std::floor(step)) {
        // 0.5 and the like: whole multiples of the step are integers at the latest at this one.
        double whole = step;
        for (int i = 0; i < 1000 && whole != std::floor(whole); ++i) {
            whole += step;
        }
        step = whole;
    }
    const double value =
        needs_steps ? multiple_in(range, step, random_) : decimal_in(range, random_);
    if (!std::isfinite(value) || !range.has(value)) {
        return false;
    }
    if (value == std::floor(value) && std::abs(value) <= kMostExact) {
        JsonWriter{out_}.integer(static_cast<std::int64_t>(value));
        return true;
    }
    if (is_whole) {
        return false;
    }
    JsonWriter{out_}.number(value);
    return true;
}

bool SchemaValue::write_string(const Schemas& all) {
    struct Format {
        std::string_view name;
        std::string_view text;
    };
    constexpr std::array kFormats = {
        Format{"date-time", "2025-06-15T09:30:00Z"},
        Format{"date", "2025-06-15"},
        Format{"time", "09:30:00Z"},
        Format{"duration", "P3DT4H"},
        Format{"email", "river@example.com"},
        Format{"hostname", "www.example.com"},
        Format{"ipv4", "192.0.2.17"},
        Format{"ipv6", "2001:db8::17"},
        Format{"uuid", "3f2b8c1e-5a77-4d06-9c43-b1a5e0f4d2c8"},
        Format{"uri", "https://www.example.com/garden"},
    };
    const std::size_t least = least_count(all, "minLength");
    const std::size_t most = most_count(all, "maxLength");
    if (least > most || !spend(least)) {
        return false;
    }
    std::string text;
    const auto* format = std::ranges::find(kFormats, keyword(all, "format").text(), &Format::name);
    if (const JsonView pattern = keyword(all, "pattern"); pattern.is_string()) {
        auto matching = text_matching(pattern.text(), random_);
        if (!matching || matching->size() < least || matching->size() > most) {
            return false;
        }
        text = std::move(*matching);
    } else if (format != kFormats.end()) {
        text = format->text;
    } else {
        text = words(random_, 2);
        while (text.size() < least) {
            text += ' ';
            text += random_.word();
        }
        text.resize(std::min(text.size(), most));
    }
    JsonWriter{out_}.text(text);
    return true;
}

}  // namespace headgate::providers
