#include "proxy/admin/admin_routes.h"

#include "proxy/admin/admin_key.h"
#include "proxy/admin/explain_query.h"
#include "proxy/admin/targets_json.h"

#include <algorithm>
#include <array>

namespace headgate::proxy {
namespace {

using providers::ApiError;
using providers::ErrorCode;
using Reply = std::variant<AdminAnswer, ReloadAsked>;

struct Asked {
    std::string_view path;
    std::string_view query;
};

Asked split(std::string_view target) {
    const std::size_t mark = std::min(target.find('?'), target.size());
    return {target.substr(0, mark), target.substr(std::min(mark + 1, target.size()))};
}

AdminAnswer answer_with(std::string body) {
    return {.body = std::move(body)};
}

AdminAnswer refuse(ErrorCode code, std::string message, std::string_view allow = {}) {
    return answer_from(
        ApiError{.code = code, .message = std::move(message), .param = {}, .allow = allow});
}

Reply tell_health(const AdminRequest&, const AdminSources&) {
    return answer_with(R"({"status":"ok"})");
}

Reply tell_readiness(const AdminRequest&, const AdminSources& sources) {
    const Readiness readiness = sources.readiness();
    AdminAnswer answer = answer_with(to_json(readiness));
    answer.status = readiness.reasons.empty() ? 200 : 503;
    return answer;
}

Reply tell_metrics(const AdminRequest&, const AdminSources& sources) {
    AdminAnswer answer = answer_with(sources.metrics());
    answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return answer;
}

Reply tell_targets(const AdminRequest& request, const AdminSources& sources) {
    return answer_with(targets_json(sources.targets(request.now), request.now));
}

Reply tell_explanation(const AdminRequest& request, const AdminSources& sources) {
    const auto question = question_from(split(request.target).query);
    if (!question) {
        return answer_from(question.error());
    }
    const auto explanation = sources.explain(*question);
    if (!explanation) {
        return answer_from(explanation.error());
    }
    return answer_with(policy::to_json(*explanation));
}

Reply tell_policy(const AdminRequest&, const AdminSources& sources) {
    return answer_with(sources.policy_json());
}

Reply ask_for_reload(const AdminRequest& request, const AdminSources&) {
    if (request.has_body) {
        return refuse(ErrorCode::invalid_request,
                      "A reload takes no body: the policy comes from its file.");
    }
    return ReloadAsked{};
}

struct Route {
    std::string_view method;
    std::string_view path;
    bool needs_key;
    bool takes_query;
    Reply (*answer)(const AdminRequest& request, const AdminSources& sources);
};

/// A path has one method. A scraper may send whatever query it likes to what needs no key.
constexpr std::array kRoutes{
    Route{"GET", "/healthz", false, true, tell_health},
    Route{"GET", "/readyz", false, true, tell_readiness},
    Route{"GET", "/metrics", false, true, tell_metrics},
    Route{"GET", "/headgate/v1/targets", true, false, tell_targets},
    Route{"GET", "/headgate/v1/explain", true, true, tell_explanation},
    Route{"GET", "/headgate/v1/policy", true, false, tell_policy},
    Route{"POST", "/headgate/v1/reload", true, false, ask_for_reload},
};

}  // namespace

Reply route(const AdminRequest& request, const AdminSources& sources, policy::KeyHasher& hasher) {
    const Asked asked = split(request.target);
    const auto* const found = std::ranges::find(kRoutes, asked.path, &Route::path);
    const bool is_known = found != kRoutes.end();
    if (!is_known || found->needs_key) {
        const auto admitted = check_admin_key(sources.admin_keys(), hasher, request.authorization);
        if (!admitted) {
            AdminAnswer answer = answer_from(admitted.error());
            answer.is_wrong_key = true;
            return answer;
        }
    }
    if (!is_known) {
        return refuse(ErrorCode::unknown_url, "The admin listener has no such path.");
    }
    if (request.method != found->method) {
        return refuse(ErrorCode::method_not_allowed,
                      "This path takes " + std::string{found->method} + ".", found->method);
    }
    if (!found->takes_query && !asked.query.empty()) {
        return refuse(ErrorCode::invalid_request, "This path takes no parameters.");
    }
    return found->answer(request, sources);
}

AdminAnswer answer_from(const ReloadOutcome& outcome) {
    AdminAnswer answer = answer_with(to_json(outcome));
    answer.status = outcome.is_loaded ? 200 : 422;
    return answer;
}

AdminAnswer answer_from(const ApiError& error) {
    AdminAnswer answer = answer_with(providers::to_json(error));
    answer.status = error.status();
    answer.allow = error.allow;
    return answer;
}

}  // namespace headgate::proxy
