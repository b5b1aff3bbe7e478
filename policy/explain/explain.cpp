#include "policy/explain/explain.h"

#include "policy/explain/match_reason.h"
#include "policy/explain/policy_names.h"
#include "policy/routing/attempt_walk.h"
#include "providers/catalog/catalog.h"
#include "providers/contract/api_request.h"

namespace headgate::policy {
namespace {

using providers::Endpoint;
using providers::ErrorCode;
using Milliseconds = std::chrono::milliseconds;

/// Attempts of a question change nothing, so that nothing stands in their way.
class OpenGate final : public AttemptGate {
public:
    bool admit(const PlannedTarget& /*target*/, bool /*is_repeat*/) override { return true; }
};

void refuse(Explanation& explanation, ErrorCode code, std::string message) {
    explanation.served = false;
    explanation.status = providers::traits(code).status;
    explanation.code = providers::to_string(code);
    explanation.message = std::move(message);
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

/// What stands before the plan, in the order of http.md: key, path, endpoint, model. Null, and
/// refused, where the request gets no further.
const Endpoint* admitted_endpoint(const Project* project,
                                  const Question& question,
                                  Explanation& explanation) {
    const Endpoint* const endpoint = endpoint_of(question.endpoint);
    if (project == nullptr) {
        refuse(explanation, ErrorCode::invalid_api_key,
               "The policy has no project \"" + question.project + "\", so no key leads there.");
    } else if (!project->enabled) {
        refuse(explanation, ErrorCode::project_disabled,
               "The project \"" + project->id + "\" is disabled.");
    } else if (!is_family(question.endpoint)) {
        refuse(explanation, ErrorCode::unknown_url,
               "There is no endpoint family \"" + question.endpoint + "\".");
    } else if (endpoint == nullptr) {
        refuse(explanation, ErrorCode::endpoint_not_supported,
               "Headgate relays no operation of the endpoint family \"" + question.endpoint +
                   "\" yet.");
    } else if (!project->may_use_family(endpoint->family)) {
        refuse(explanation, ErrorCode::endpoint_not_allowed,
               "Project " + project->id + " may not use the endpoint family \"" +
                   std::string(endpoint->family) + "\".");
    } else if (!providers::is_model_name(question.model)) {
        refuse(explanation, ErrorCode::invalid_request,
               "Invalid value for 'model': a name has 1 to 256 characters of A-Z, a-z, 0-9 and "
               "._:/@+-, no leading '/' and no '..' segment.");
    } else {
        return endpoint;
    }
    return nullptr;
}

/// The fields that some route asks for: those that serving looks at.
std::vector<HeaderFact> header_facts(const Router& router, const Question& question) {
    std::vector<HeaderFact> facts;
    for (const auto& [name, value] : question.headers) {
        if (std::ranges::binary_search(router.needs().headers, name)) {
            facts.push_back({.name = name, .value = value});
        }
    }
    return facts;
}

/// Up to and with the one that is taken; all where none is.
void list_routes(const Router& router, const Facts& facts, Explanation& explanation) {
    const Route* const taken = router.match(facts);
    for (const auto& route : router.snapshot().routes) {
        const bool is_taken = route.get() == taken;
        explanation.routes.push_back(
            {.name = route->name,
             .matched = is_taken,
             .because = is_taken ? match_reason(*route, facts) : mismatch(*route, facts)});
        if (is_taken) {
            explanation.route = route->name;
            return;
        }
    }
}

SupposedAnswer answer_of(const Question& question, const providers::Provider& provider) {
    const auto found = question.providers.find(provider.name);
    return found == question.providers.end() ? SupposedAnswer{} : found->second;
}

bool is_success(const SupposedAnswer& answer) {
    return answer.kind == SupposedAnswer::Kind::status && answer.status < 300;
}

std::string to_result(const SupposedAnswer& answer) {
    switch (answer.kind) {
        case SupposedAnswer::Kind::status:
            break;
        case SupposedAnswer::Kind::connect:
            return "connect";
        case SupposedAnswer::Kind::timeout:
            return "timeout";
        case SupposedAnswer::Kind::cut:
            return "cut";
    }
    return std::to_string(answer.status);
}

AttemptFailure to_failure(const SupposedAnswer& answer) {
    AttemptFailure failure;
    switch (answer.kind) {
        case SupposedAnswer::Kind::status:
            failure.kind = AttemptFailure::Kind::status;
            failure.status = answer.status;
            failure.is_credential = answer.status == 401;
            failure.is_quota = answer.status == 402;
            break;
        case SupposedAnswer::Kind::connect:
            failure.kind = AttemptFailure::Kind::connect;
            break;
        case SupposedAnswer::Kind::timeout:
            failure.kind = AttemptFailure::Kind::timeout;
            break;
        case SupposedAnswer::Kind::cut:
            failure.kind = AttemptFailure::Kind::cut;
            break;
    }
    return failure;
}

Explanation::AttemptLine attempt_line(const providers::Target& target,
                                      const SupposedAnswer& answer) {
    const std::string_view deployment = providers::deployment_of(*target.provider, target.model);
    return {.provider = target.provider->name,
            .model = std::string(target.model),
            .result = to_result(answer),
            .deployment = deployment == target.model ? std::string{} : std::string(deployment)};
}

void refuse_by(Verdict verdict, int last_status, Explanation& explanation) {
    switch (verdict) {
        case Verdict::pass_error:
            explanation.status = last_status;
            return;
        case Verdict::rate_limited:
            return refuse(explanation, ErrorCode::rate_limit_exceeded,
                          "Every attempt was answered with 429.");
        case Verdict::timed_out:
            return refuse(explanation, ErrorCode::upstream_timeout, "Every attempt timed out.");
        case Verdict::invalid_answer:
            return refuse(explanation, ErrorCode::upstream_invalid_response,
                          "Every attempt brought an answer that is not valid.");
        case Verdict::auth_failed:
            return refuse(explanation, ErrorCode::provider_auth_failed,
                          "The provider refused the operator's credential.");
        case Verdict::quota_exhausted:
            return refuse(explanation, ErrorCode::provider_quota_exhausted,
                          "The operator's account at the provider is used up.");
        case Verdict::unavailable:
            break;
    }
    refuse(explanation, ErrorCode::upstream_unavailable, "No target gave an answer.");
}

/// Walks the plan under the supposed answers, `left` from the deadline. Returns the target that
/// served; null: none did.
const PlannedTarget* play_attempts(const Plan& plan,
                                   const Question& question,
                                   Milliseconds left,
                                   Explanation& explanation) {
    OpenGate gate;
    AttemptWalk walk{plan, Random{question.seed}};
    int last_status = 0;
    std::optional<AttemptWalk::Step> step = walk.first(gate);
    while (step) {
        const providers::Target& target = step->target->target;
        const SupposedAnswer answer = answer_of(question, *target.provider);
        explanation.attempts.push_back(attempt_line(target, answer));
        last_status = answer.status;
        if (is_success(answer)) {
            explanation.served = true;
            explanation.status = answer.status;
            return step->target;
        }
        left -= step->wait;  // what an attempt itself takes is not supposed
        step = walk.next(to_failure(answer), left, gate);
    }
    refuse_by(walk.verdict(), last_status, explanation);
    return nullptr;
}

/// What a million tokens cost there, by the arithmetic that charges them.
void tell_price(const providers::Target& target,
                bool is_served,
                const Question& question,
                Explanation& explanation) {
    const providers::Provider& provider = *target.provider;
    const providers::Model* model = providers::find_model(provider.kind, target.model);
    if (model == nullptr || !model->is_priced) {
        return;
    }
    const providers::Tokens input =
        question.usage ? question.usage->total_input() : providers::Tokens{question.input_tokens};
    const providers::Price& price = providers::price_for(*model, input);
    const auto cost_of = [&](const providers::Usage& usage) {
        return providers::cost(usage, price, provider.price_factor);
    };
    const auto million_of = [&](providers::Tokens providers::Usage::* kind) {
        providers::Usage usage;
        usage.*kind = {1'000'000};
        return cost_of(usage);
    };
    explanation.price = {.input = million_of(&providers::Usage::input),
                         .output = million_of(&providers::Usage::output),
                         .cached_input = million_of(&providers::Usage::cached_input),
                         .source = "catalogue"};
    if (is_served && question.usage) {
        explanation.cost = cost_of(*question.usage);
    }
}

}  // namespace

Explanation explain(const Router& router,
                    TargetHealths& healths,
                    const Question& question,
                    providers::SteadyTime now) {
    Explanation explanation;
    const Project* const project = find_project(router.snapshot(), question.project);
    const Endpoint* const endpoint = admitted_endpoint(project, question, explanation);
    if (endpoint == nullptr) {
        return explanation;
    }
    const std::vector<HeaderFact> headers = header_facts(router, question);
    const Facts facts{.project = project,
                      .endpoint = endpoint,
                      .model = question.model,
                      .stream = question.stream && endpoint->may_stream,
                      .headers = headers,
                      .input_tokens = question.input_tokens,
                      .output_tokens = question.max_output.value_or(0),
                      .budget_used = question.budget_used,
                      .prefix = 0};
    const auto plan =
        router.plan(facts, {.healths = healths, .random = Random{question.seed}, .now = now});
    if (!plan) {
        refuse(explanation, plan.error().code, plan.error().message);
    }
    if (plan || plan.error().code == ErrorCode::model_not_found) {
        list_routes(router, facts, explanation);
    }
    if (!plan) {
        return explanation;
    }
    for (const SkippedTarget& skipped : plan->skipped) {
        explanation.skipped.push_back({.provider = std::string(skipped.provider),
                                       .model = std::string(skipped.model),
                                       .reason = std::string(skipped.reason)});
    }
    const Timeouts& timeouts = plan->route->timeouts;
    const PlannedTarget* const served = play_attempts(
        *plan, question, facts.stream ? timeouts.stream_total : timeouts.total, explanation);
    tell_price((served != nullptr ? *served : plan->targets.front()).target, served != nullptr,
               question, explanation);
    return explanation;
}

}  // namespace headgate::policy
