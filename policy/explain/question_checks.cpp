#include "policy/explain/question_checks.h"

#include "policy/explain/policy_names.h"
#include "policy/keys/identify.h"
#include "providers/contract/api_request.h"

namespace headgate::policy {
namespace {

using providers::ApiError;
using providers::Endpoint;
using providers::ErrorCode;
using providers::Money;
using Problem = std::optional<ApiError>;

ApiError error_of(ErrorCode code, std::string message) {
    return {.code = code, .message = std::move(message), .param = {}, .allow = {}};
}

/// The operation that stands for a family: the first that we relay.
const Endpoint* endpoint_of(std::string_view family) {
    const std::span<const Endpoint> table = providers::endpoint_table();
    const auto found = std::ranges::find_if(table, [family](const Endpoint& endpoint) {
        return endpoint.family == family && endpoint.method == providers::Method::post &&
               endpoint.handling == providers::Handling::relayed;
    });
    return found == table.end() ? nullptr : &*found;
}

bool is_family(std::string_view family) {
    return std::ranges::binary_search(providers::endpoint_families(), family);
}

/// Whether the question's key, if it names one, leads to its project.
Problem identity_problem(const CheckedQuestion& who,
                         const Question& question,
                         providers::WallTime time) {
    if (who.project == nullptr) {
        return error_of(
            ErrorCode::invalid_api_key,
            "The policy has no project \"" + question.project + "\", so no key leads there.");
    }
    const std::string& project = who.project->id;
    if (!question.key.empty() && who.key == nullptr) {
        return error_of(
            ErrorCode::invalid_api_key,
            "The project \"" + project + "\" has no key \"" + question.key + "\" in the policy.");
    }
    return key_problem({.project = who.project, .key = who.key}, time);
}

Problem endpoint_problem(const Project& project,
                         const Endpoint* endpoint,
                         const Question& question) {
    if (!is_family(question.endpoint)) {
        return error_of(ErrorCode::unknown_url,
                        "There is no endpoint family \"" + question.endpoint + "\".");
    }
    if (endpoint == nullptr) {
        return error_of(ErrorCode::endpoint_not_supported,
                        "Headgate relays no operation of the endpoint family \"" +
                            question.endpoint + "\" yet.");
    }
    if (!project.may_use_family(endpoint->family)) {
        return error_of(ErrorCode::endpoint_not_allowed, "Project " + project.id +
                                                             " may not use the endpoint family \"" +
                                                             std::string(endpoint->family) + "\".");
    }
    return std::nullopt;
}

/// The client's own maximum; of a repeated field the last counts, as in serving.
providers::Result<std::optional<Money>> max_cost_of(const Question& question) {
    std::optional<Money> most;
    bool is_valid = true;
    for (const auto& [name, value] : question.headers) {
        if (name == "x-headgate-max-cost-usd") {
            const auto amount = Money::parse(value);
            is_valid = amount && *amount >= Money{};
            most = amount.value_or(Money{});
        }
    }
    if (!is_valid) {
        return std::unexpected{
            error_of(ErrorCode::invalid_request,
                     "x-headgate-max-cost-usd must be an amount of US dollars such as 0.05.")};
    }
    return most;
}

}  // namespace

providers::Result<CheckedQuestion> checked(const Question& question, const World& world) {
    const Snapshot& snapshot = world.router.snapshot();
    CheckedQuestion found;
    found.project = find_project(snapshot, question.project);
    if (found.project != nullptr && !question.key.empty()) {
        found.key = snapshot.keys.find_named(*found.project, question.key);
    }
    if (Problem problem = identity_problem(found, question, world.time)) {
        return std::unexpected{std::move(*problem)};
    }
    found.endpoint = endpoint_of(question.endpoint);
    if (Problem problem = endpoint_problem(*found.project, found.endpoint, question)) {
        return std::unexpected{std::move(*problem)};
    }
    const auto max_cost = max_cost_of(question);
    if (!max_cost) {
        return std::unexpected{max_cost.error()};
    }
    found.max_cost = *max_cost;
    if (!providers::is_model_name(question.model)) {
        return std::unexpected{
            error_of(ErrorCode::invalid_request,
                     "Invalid value for 'model': a name has 1 to 256 characters of A-Z, a-z, 0-9 "
                     "and ._:/@+-, no leading '/' and no '..' segment.")};
    }
    return found;
}

}  // namespace headgate::policy
