#pragma once

#include "policy/config/scalars.h"
#include "policy/config/snapshot.h"

#include <string_view>

namespace headgate::policy {

// The errors of both are texts fit to show, and never hold a part of the URL.

/// Whether `text` begins as the URL of a Redis does.
bool is_redis_url(std::string_view text);

/// Whether `text` begins as the connection URI of a PostgreSQL does.
bool is_postgresql_url(std::string_view text);

/// `redis://[[user]:password@]host[:6379][/0]`, `rediss://` for TLS, or
/// `redis+unix://[[user]:password@]/path[?db=0]`. User and password are percent-decoded. A host is
/// what parse_authority() takes.
Parsed<RedisAddress> parse_redis_url(std::string_view text);

/// `postgresql://[user[:password]@][host[:port][,…]][/database][?name=value&…]`, or `postgres://`,
/// as libpq takes it: this looks for what would not be a URI, libpq judges the rest.
Parsed<providers::Secret> parse_postgresql_url(std::string_view text);

}  // namespace headgate::policy
