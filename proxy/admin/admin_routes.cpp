#include "proxy/admin/admin_routes.h"

#include "proxy/admin/admin_key.h"
#include "proxy/admin/explain_query.h"
#include "proxy/admin/ledger_query.h"
#include "proxy/admin/money_json.h"
#include "proxy/admin/query.h"
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

Reply tell_health(const AdminRequest&, const AdminSources&, const std::string&) {
    return answer_with(R"({"status":"ok"})");
}

Reply tell_readiness(const AdminRequest&, const AdminSources& sources, const std::string&) {
    const Readiness readiness = sources.readiness();
    AdminAnswer answer = answer_with(to_json(readiness));
    answer.status = readiness.reasons.empty() ? 200 : 503;
    return answer;
}

Reply tell_metrics(const AdminRequest&, const AdminSources& sources, const std::string&) {
    AdminAnswer answer = answer_with(sources.metrics());
    answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return answer;
}

Reply tell_targets(const AdminRequest& request, const AdminSources& sources, const std::string&) {
    return answer_with(targets_json(sources.targets(request.now), request.now));
}

Reply tell_explanation(const AdminRequest& request,
                       const AdminSources& sources,
                       const std::string&) {
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

Reply tell_policy(const AdminRequest&, const AdminSources& sources, const std::string&) {
    return answer_with(sources.policy_json());
}

Reply tell_projects(const AdminRequest&, const AdminSources& sources, const std::string&) {
    return answer_with(projects_json(sources.projects()));
}

AdminAnswer no_such_project() {
    return {.status = 404,
            .body = providers::to_json(
                {ErrorCode::invalid_request, "The policy has no such project.", "project", {}})};
}

Reply tell_budget(const AdminRequest&, const AdminSources& sources, const std::string& project) {
    const auto budget = sources.budget(project);
    return budget ? answer_with(budget_json(project, *budget)) : no_such_project();
}

Reply tell_limits(const AdminRequest&, const AdminSources& sources, const std::string& project) {
    const auto limits = sources.limits(project);
    return limits ? answer_with(limits_json(*limits)) : no_such_project();
}

/// Why the records do not tell; the store's own words are for the log.
AdminAnswer without_records(const policy::StoreError& error, const AdminSources& sources) {
    sources.log_error("the record store did not answer the admin API: " + error.text);
    return refuse(ErrorCode::records_unavailable,
                  error.kind == policy::StoreError::Kind::away
                      ? "The record store is away: try again."
                      : "The record store does not answer this: see the log.");
}

Reply tell_ledger(const AdminRequest& request, const AdminSources& sources, const std::string&) {
    const auto query = ledger_query_from(split(request.target).query);
    if (!query) {
        return answer_from(query.error());
    }
    const auto page = sources.ledger(*query);
    return page ? answer_with(ledger_json(*page)) : without_records(page.error(), sources);
}

Reply tell_row(const AdminRequest&, const AdminSources& sources, const std::string& id) {
    const policy::Stored<std::optional<std::string>> row =
        is_row_id(id) ? sources.ledger_row(id) : std::optional<std::string>{};
    if (!row) {
        return without_records(row.error(), sources);
    }
    if (!*row) {
        return AdminAnswer{
            .status = 404,
            .body = providers::to_json(
                {ErrorCode::invalid_request, "The ledger has no row of that id.", "id", {}})};
    }
    return answer_with(std::move(**row));
}

Reply ask_for_reload(const AdminRequest& request, const AdminSources&, const std::string&) {
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
    Reply (*answer)(const AdminRequest& request,
                    const AdminSources& sources,
                    const std::string& argument);
};

/// A path has one method; `{}` stands for one segment, the argument. A scraper may send whatever
/// query it likes to what needs no key.
constexpr std::array kRoutes{
    Route{"GET", "/healthz", false, true, tell_health},
    Route{"GET", "/readyz", false, true, tell_readiness},
    Route{"GET", "/metrics", false, true, tell_metrics},
    Route{"GET", "/headgate/v1/targets", true, false, tell_targets},
    Route{"GET", "/headgate/v1/explain", true, true, tell_explanation},
    Route{"GET", "/headgate/v1/policy", true, false, tell_policy},
    Route{"GET", "/headgate/v1/projects", true, false, tell_projects},
    Route{"GET", "/headgate/v1/projects/{}/budget", true, false, tell_budget},
    Route{"GET", "/headgate/v1/projects/{}/limits", true, false, tell_limits},
    Route{"GET", "/headgate/v1/ledger", true, true, tell_ledger},
    Route{"GET", "/headgate/v1/ledger/{}", true, false, tell_row},
    Route{"POST", "/headgate/v1/reload", true, false, ask_for_reload},
};

/// The argument of a path that has the route's form; empty where the form takes none.
std::optional<std::string> argument_of(std::string_view form, std::string_view path) {
    const std::size_t hole = form.find("{}");
    if (hole == std::string_view::npos) {
        return form == path ? std::optional{std::string{}} : std::nullopt;
    }
    const std::string_view tail = form.substr(hole + 2);
    if (path.size() <= hole + tail.size() || !path.starts_with(form.substr(0, hole)) ||
        !path.ends_with(tail)) {
        return std::nullopt;
    }
    const std::string_view segment = path.substr(hole, path.size() - hole - tail.size());
    return segment.contains('/') ? std::nullopt : percent_decoded(segment);
}

}  // namespace

Reply route(const AdminRequest& request, const AdminSources& sources, policy::KeyHasher& hasher) {
    const Asked asked = split(request.target);
    std::optional<std::string> argument;
    const auto* const found = std::ranges::find_if(kRoutes, [&](const Route& candidate) {
        argument = argument_of(candidate.path, asked.path);
        return argument.has_value();
    });
    const bool is_known = found != kRoutes.end();
    std::string actor;
    if (!is_known || found->needs_key) {
        auto admitted = check_admin_key(sources.admin_keys(), hasher, request.authorization);
        if (!admitted) {
            AdminAnswer answer = answer_from(admitted.error());
            answer.is_wrong_key = true;
            return answer;
        }
        actor = std::move(*admitted);
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
    Reply reply = found->answer(request, sources, *argument);
    if (std::holds_alternative<ReloadAsked>(reply)) {
        sources.audit(actor, "reload");
    }
    return reply;
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
