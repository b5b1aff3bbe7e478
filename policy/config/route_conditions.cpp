#include "policy/config/route_conditions.h"

#include "policy/config/glob_sets.h"
#include "policy/config/header_fields.h"
#include "policy/config/map_reader.h"
#include "providers/contract/endpoint.h"

#include <limits>

namespace headgate::policy {
namespace {

constexpr KnownName kConditionNames[] = {{"project"}, {"endpoint"},    {"stream"},
                                         {"header"},  {"budget_used"}, {"input_tokens"}};

struct Operator {
    std::string_view spelled;
    Comparison::Is is;
};
/// Longer ones first: `<=` begins with `<`.
constexpr Operator kOperators[] = {
    {"<=", Comparison::Is::at_most}, {">=", Comparison::Is::at_least},
    {"==", Comparison::Is::equal},   {"<", Comparison::Is::less},
    {">", Comparison::Is::more},     {"=", Comparison::Is::equal}};

template <class Parse>
Parsed<Comparison> parse_comparison(std::string_view text,
                                    Parse&& parse_number,
                                    std::string_view example) {
    for (const Operator& each : kOperators) {
        if (!text.starts_with(each.spelled)) {
            continue;
        }
        std::string_view number = text.substr(each.spelled.size());
        number.remove_prefix(std::min(number.find_first_not_of(' '), number.size()));
        if (const auto value = parse_number(number)) {
            return Comparison{each.is, static_cast<double>(*value), std::string(text)};
        }
        break;
    }
    return std::unexpected("must be one of < <= = >= > and a number, such as \"" +
                           std::string(example) + "\"");
}

/// A pattern of a header's value.
Parsed<std::string> parse_value_glob(std::string_view text) {
    const bool is_visible = std::ranges::all_of(text, [](char c) { return ' ' <= c && c <= '~'; });
    if (text.empty() || text.size() > 256 || !is_visible || text.front() == ' ' ||
        text.back() == ' ') {
        return std::unexpected(
            std::string("must be a value or a pattern such as bulk*, of at most 256 visible ASCII "
                        "characters"));
    }
    return std::string(text);
}

/// False, and reported, where the list of a condition is empty: nothing would meet it.
bool is_not_empty(Reading& reading, const Setting& setting) {
    if (setting.node->kind == YamlNode::Kind::sequence && setting.node->items.empty()) {
        reading.error(setting, "is an empty list, which nothing meets; leave the condition out");
        return false;
    }
    return true;
}

bool read_projects(Reading& reading, const Setting& setting, RouteNames& names, Conditions& when) {
    bool is_complete = is_not_empty(reading, setting);
    for (const Setting& item : read_list(setting)) {
        const Project* project = names.project(reading, item);
        if (project == nullptr) {
            is_complete = false;
            continue;
        }
        when.projects.push_back(project);
    }
    std::ranges::sort(when.projects);
    const auto repeated = std::ranges::unique(when.projects);
    when.projects.erase(repeated.begin(), repeated.end());
    return is_complete;
}

void read_endpoints(Reading& reading, const Setting& setting, Conditions& when) {
    if (!is_not_empty(reading, setting)) {
        return;
    }
    for (const Setting& item : read_list(setting)) {
        when.endpoints.push_back(
            read_choice(reading, item, providers::endpoint_families()).value_or(item.node->text));
    }
    std::ranges::sort(when.endpoints);
    const auto repeated = std::ranges::unique(when.endpoints);
    when.endpoints.erase(repeated.begin(), repeated.end());
}

void read_headers(Reading& reading, const Setting& setting, Conditions& when) {
    for (const FieldSetting& field : read_fields(reading, setting)) {
        if (is_credential_field(field.name)) {
            reading.error({field.key, field.setting.path},
                          "is a credential and can be no condition; use `project`");
            continue;
        }
        when.headers.push_back({field.name, read_scalar(reading, field.setting, parse_value_glob)
                                                .value_or(field.setting.node->text)});
    }
}

/// The numbers that meet a comparison.
struct Interval {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    bool has_low = true;  // `low` itself is among them
    bool has_high = true;
};

Interval interval_of(const Comparison& comparison) {
    switch (comparison.is) {
        case Comparison::Is::less:
            return {.high = comparison.value, .has_high = false};
        case Comparison::Is::at_most:
            return {.high = comparison.value};
        case Comparison::Is::equal:
            return {.low = comparison.value, .high = comparison.value};
        case Comparison::Is::at_least:
            return {.low = comparison.value};
        case Comparison::Is::more:
            return {.low = comparison.value, .has_low = false};
    }
    std::unreachable();
}

bool implies(const std::optional<Comparison>& strict, const std::optional<Comparison>& loose) {
    if (!loose) {
        return true;
    }
    if (!strict) {
        return false;
    }
    const Interval inner = interval_of(*strict);
    const Interval outer = interval_of(*loose);
    const bool is_low_inside =
        outer.low < inner.low || (outer.low == inner.low && (outer.has_low || !inner.has_low));
    const bool is_high_inside = inner.high < outer.high ||
                                (inner.high == outer.high && (outer.has_high || !inner.has_high));
    return is_low_inside && is_high_inside;
}

/// Both sorted; an empty list is one of all there is.
template <class T>
bool is_subset(const std::vector<T>& strict, const std::vector<T>& loose) {
    return loose.empty() || (!strict.empty() && std::ranges::includes(loose, strict));
}

bool implies(const std::vector<HeaderCondition>& strict, const HeaderCondition& loose) {
    return std::ranges::any_of(strict, [&loose](const HeaderCondition& each) {
        return each.name == loose.name && glob_covers(loose.glob, each.glob);
    });
}

}  // namespace

Parsed<Comparison> parse_budget_comparison(std::string_view text) {
    return parse_comparison(text, parse_percent, ">= 80%");
}

Parsed<Comparison> parse_count_comparison(std::string_view text) {
    return parse_comparison(text, parse_count, "<= 32k");
}

bool read_conditions(Reading& reading, const Setting& block, RouteNames& names, Conditions& when) {
    const MapReader map{reading, block, kConditionNames};
    bool is_complete = true;
    if (const std::optional<Setting> projects = map.find("project")) {
        is_complete = read_projects(reading, *projects, names, when);
    }
    if (const std::optional<Setting> endpoints = map.find("endpoint")) {
        read_endpoints(reading, *endpoints, when);
    }
    map.read("stream", parse_flag, when.stream);
    if (const std::optional<Setting> headers = map.find("header")) {
        read_headers(reading, *headers, when);
    }
    map.read("budget_used", parse_budget_comparison, when.budget_used);
    map.read("input_tokens", parse_count_comparison, when.input_tokens);
    return is_complete;
}

bool implies(const Conditions& strict, const Conditions& loose) {
    return is_subset(strict.projects, loose.projects) &&
           is_subset(strict.endpoints, loose.endpoints) &&
           (!loose.stream || strict.stream == loose.stream) &&
           implies(strict.budget_used, loose.budget_used) &&
           implies(strict.input_tokens, loose.input_tokens) &&
           std::ranges::all_of(loose.headers, [&strict](const HeaderCondition& each) {
               return implies(strict.headers, each);
           });
}

}  // namespace headgate::policy
