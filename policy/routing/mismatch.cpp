#include "policy/routing/conditions.h"
#include "policy/routing/names.h"
#include "policy/routing/router.h"

#include <charconv>

namespace headgate::policy {
namespace {

std::string model_mismatch(const Route& route, std::string_view model) {
    const bool is_taken = std::ranges::any_of(route.models, [model](const std::string& glob) {
        return providers::glob_matches(glob, model);
    });
    return is_taken ? "" : "model: not one of " + first_names(route.models);
}

std::string project_mismatch(const Conditions& when, const Project* project) {
    if (when.projects.empty() || std::ranges::find(when.projects, project) != when.projects.end()) {
        return {};
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < when.projects.size() && i <= kNamesShown; ++i) {
        names.push_back(when.projects[i]->id);
    }
    return "project: not one of " + first_names(names);
}

std::string endpoint_mismatch(const Conditions& when, std::string_view family) {
    if (when.endpoints.empty() ||
        std::ranges::find(when.endpoints, family) != when.endpoints.end()) {
        return {};
    }
    return "endpoint: not one of " + first_names(when.endpoints);
}

std::string stream_mismatch(const Conditions& when, bool stream) {
    if (!when.stream || *when.stream == stream) {
        return {};
    }
    return *when.stream ? "stream: not true" : "stream: not false";
}

std::string header_mismatch(const Conditions& when, const Facts& facts) {
    const auto missing = std::ranges::find_if_not(
        when.headers,
        [&facts](const HeaderCondition& condition) { return holds(condition, facts); });
    if (missing == when.headers.end()) {
        return {};
    }
    const bool was_sent = std::ranges::any_of(facts.headers, [missing](const HeaderFact& header) {
        return header.name == missing->name;
    });
    return "header " + missing->name + (was_sent ? ": not " : ": absent, not ") + missing->glob;
}

/// "85" or "12.5": the shortest that tells six digits.
std::string decimal(double number) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                   std::chars_format::general, 6);
    return {buffer.data(), end.ptr};
}

std::string number_mismatch(const Conditions& when, const Facts& facts) {
    if (when.budget_used && !when.budget_used->holds(facts.budget_used)) {
        return "budget_used: " + decimal(facts.budget_used * 100) + "% is not " +
               when.budget_used->text;
    }
    if (when.input_tokens && !when.input_tokens->holds(static_cast<double>(facts.input_tokens))) {
        return "input_tokens: " + std::to_string(facts.input_tokens) + " is not " +
               when.input_tokens->text;
    }
    return {};
}

}  // namespace

std::string mismatch(const Route& route, const Facts& facts) {
    std::string why = model_mismatch(route, facts.model);
    if (why.empty()) {
        why = project_mismatch(route.when, facts.project);
    }
    if (why.empty()) {
        why = endpoint_mismatch(route.when, facts.endpoint->family);
    }
    if (why.empty()) {
        why = stream_mismatch(route.when, facts.stream);
    }
    if (why.empty()) {
        why = header_mismatch(route.when, facts);
    }
    return why.empty() ? number_mismatch(route.when, facts) : why;
}

}  // namespace headgate::policy
