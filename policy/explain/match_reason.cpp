#include "policy/explain/match_reason.h"

namespace headgate::policy {
namespace {

/// The conditions that the route has, with what fulfilled them.
std::string conditions_met(const Conditions& when, const Facts& facts) {
    std::string text;
    const auto add = [&text](const std::string& condition) {
        text += (text.empty() ? "" : ", ") + condition;
    };
    if (!when.projects.empty()) {
        add("project " + facts.project->id);
    }
    if (!when.endpoints.empty()) {
        add("endpoint " + std::string(facts.endpoint->family));
    }
    if (when.stream) {
        add(*when.stream ? "streamed" : "not streamed");
    }
    for (const HeaderCondition& header : when.headers) {
        add("header " + header.name + " = " + header.glob);
    }
    if (when.budget_used) {
        add("budget used " + when.budget_used->text);
    }
    if (when.input_tokens) {
        add("input tokens " + when.input_tokens->text);
    }
    return text;
}

}  // namespace

std::string match_reason(const Route& route, const Facts& facts) {
    const std::string model(facts.model);
    if (route.is_implicit) {
        return "the policy has no routes: every provider that serves " + model;
    }
    const auto glob = std::ranges::find_if(route.models, [&facts](const std::string& each) {
        return providers::glob_matches(each, facts.model);
    });
    std::string text = "model " + model;
    if (glob != route.models.end() && *glob != model) {
        text += " matches " + *glob;
    }
    const std::string when = conditions_met(route.when, facts);
    return when.empty() ? text : text + "; when: " + when;
}

}  // namespace headgate::policy
