#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace headgate::policy {

/// libpq's keywords and values, of one host.
using PgOptions = std::vector<std::pair<std::string, std::string>>;

/// Reads libpq's URI (or its keyword=value form) and adds what a gateway needs and the URI does not
/// set: keepalives and tcp_user_timeout, so that a server that is gone is noticed, and
/// target_session_attrs=read-write, so that after a fail-over the primary is found. A URI of
/// several hosts gives one entry a host, to be tried in order.
///
/// The error is one line that quotes nothing of the URI: where a password is not percent-encoded,
/// any part of it may be a piece of the password.
std::expected<std::vector<PgOptions>, std::string> pg_options_from(const std::string& uri);

}  // namespace headgate::policy
