#pragma once

#include "policy/keys/project.h"
#include "providers/base/clock.h"
#include "proxy/admin/admin_sources.h"

#include <string>
#include <string_view>
#include <variant>

namespace headgate::proxy {

/// A request to the admin listener, as far as an answer may depend on it.
struct AdminRequest {
    // NOLINTBEGIN(readability-redundant-member-init): for {.method = …}
    std::string_view method;
    std::string_view target;           // path and query
    std::string_view authorization{};  // empty: none
    bool has_body = false;
    providers::SteadyTime now{};
    // NOLINTEND(readability-redundant-member-init)
};

struct AdminAnswer {
    int status = 200;
    std::string_view content_type = "application/json";
    /// Of a 405.
    std::string_view allow{};  // NOLINT(readability-redundant-member-init): for {.body = …}
    std::string body;
    bool is_wrong_key = false;  // it should come with a delay
};

/// The request is well and asks for a reload: the caller begins it and answers with
/// answer_from() what came of it.
struct ReloadAsked {};

/// The one table of the admin API. Never throws for what stands in the request; pure but for what
/// `sources` do. Without a valid admin key nothing tells which paths exist.
std::variant<AdminAnswer, ReloadAsked> route(const AdminRequest& request,
                                             const AdminSources& sources,
                                             policy::KeyHasher& hasher);

AdminAnswer answer_from(const ReloadOutcome& outcome);
AdminAnswer answer_from(const providers::ApiError& error);

}  // namespace headgate::proxy
