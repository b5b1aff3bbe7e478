#include "policy/explain/supposed_attempts.h"

#include "policy/routing/attempt_walk.h"

namespace headgate::policy {
namespace {

using providers::ErrorCode;

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

}  // namespace

const PlannedTarget* play_attempts(const Plan& plan,
                                   const Question& question,
                                   bool is_streamed,
                                   SupposedAdmission& admission,
                                   Explanation& explanation) {
    const Timeouts& timeouts = plan.route->timeouts;
    std::chrono::milliseconds left = is_streamed ? timeouts.stream_total : timeouts.total;
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
        const bool may_be_charged = answer.kind == SupposedAnswer::Kind::timeout;
        if (step && may_be_charged && !admission.top_up()) {
            break;  // what it may cost once more does not fit
        }
    }
    refuse_by(walk.verdict(), last_status, explanation);
    return nullptr;
}

}  // namespace headgate::policy
