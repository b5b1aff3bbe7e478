#include "proxy/admin/admin_sources.h"

#include "proxy/admin/json_out.h"

namespace headgate::proxy {
namespace {

std::string array(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const std::string& text : texts) {
        out += (out.size() == 1 ? "" : ",") + quoted(text);
    }
    return out + "]";
}

std::string object(const policy::Problem& problem) {
    const bool is_error = problem.severity == policy::Problem::Severity::error;
    return R"({"file":)" + quoted(problem.file) + R"(,"line":)" + std::to_string(problem.line) +
           R"(,"column":)" + std::to_string(problem.column) + R"(,"severity":)" +
           (is_error ? R"("error")" : R"("warning")") + R"(,"message":)" + quoted(problem.message) +
           R"(,"hint":)" + quoted_or_null(problem.hint) + "}";
}

}  // namespace

std::string to_json(const Readiness& readiness) {
    return std::string{R"({"ready":)"} + (readiness.reasons.empty() ? "true" : "false") +
           R"(,"warnings":)" + array(readiness.warnings) + R"(,"reasons":)" +
           array(readiness.reasons) + R"(,"generation":)" + std::to_string(readiness.generation) +
           "}";
}

std::string to_json(const ReloadOutcome& outcome) {
    if (outcome.is_loaded) {
        return R"({"generation":)" + std::to_string(outcome.generation) + "}";
    }
    std::string out =
        R"({"error":{"message":"The policy has problems and was not loaded; the active one )"
        R"(stays.","type":"invalid_request_error","param":null,"code":"invalid_policy"},)"
        R"("problems":[)";
    for (const policy::Problem& problem : outcome.problems) {
        out += (out.back() == '[' ? "" : ",") + object(problem);
    }
    return out + "]}";
}

}  // namespace headgate::proxy
