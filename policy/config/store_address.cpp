#include "policy/config/store_address.h"

#include "policy/config/authority.h"

namespace headgate::policy {
namespace {

constexpr std::size_t kMaxUrlBytes = 2048;
constexpr std::size_t kMaxUnixPath = 107;  // sun_path with its NUL
constexpr std::string_view kTcp = "redis://";
constexpr std::string_view kTls = "rediss://";
constexpr std::string_view kUnix = "redis+unix://";
constexpr std::string_view kDatabaseQuery = "?db=";

std::unexpected<std::string> refused(std::string what) {
    return std::unexpected(std::move(what));
}

/// What a URL never holds as it is; quotes and blanks would also end what is redacted of it.
std::string character_problem(std::string_view text) {
    const bool is_url = std::ranges::all_of(text, [](char c) {
        return '!' <= c && c <= '~' && !std::string_view("\"'<>\\^`{|}").contains(c);
    });
    if (!is_url || text.contains('#')) {
        return "holds a character that must be percent-encoded in a URL, such as %20 for a blank, "
               "%23 for # or %27 for '";
    }
    return text.size() > kMaxUrlBytes ? "must be at most 2048 bytes long" : "";
}

/// "user:password@" cut off the front of `rest`, which follows the scheme.
struct Credential {
    std::string user;
    std::string password;
};

Parsed<Credential> take_credential(std::string_view& rest) {
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    const std::size_t at = authority.rfind('@');
    if (at == std::string_view::npos) {
        // A `/` of a password that was not encoded looks like the end of the authority.
        return rest.substr(0, rest.find('?')).contains('@')
                   ? Parsed<Credential>{refused("must have `/` in a user or password written %2F")}
                   : Credential{};
    }
    const std::string_view text = authority.substr(0, at);
    if (text.contains('@')) {
        return refused("must have `@` in a user or password written %40");
    }
    const std::size_t colon = std::min(text.find(':'), text.size());
    const auto user = percent_decoded(text.substr(0, colon));
    const auto password = percent_decoded(text.substr(std::min(colon + 1, text.size())));
    if (!user || !password || !parse_text(*user) || password->contains('\0')) {
        return refused("has a user or password that is not percent-encoded as %XX");
    }
    rest.remove_prefix(at + 1);
    return Credential{.user = *user, .password = *password};
}

Parsed<int> parse_database(std::string_view text) {
    const Parsed<std::int64_t> number = parse_count_between(text, 0, 9'999);
    if (text.find_first_not_of("0123456789") != std::string_view::npos || !number) {
        return refused("must have a database from 0 to 9999");
    }
    return static_cast<int>(*number);
}

/// Empty: fine.
std::string place_problem(std::string_view rest, RedisAddress& redis) {
    const std::size_t path_begin = std::min(rest.find_first_of("/?"), rest.size());
    Parsed<Authority> place = parse_authority(rest.substr(0, path_begin));
    if (!place) {
        return std::move(place.error());
    }
    redis.host = std::move(place->host);
    redis.port = place->port.value_or(redis.port);
    const std::string_view path = rest.substr(path_begin);
    if (path.empty() || path == "/") {
        return {};
    }
    const Parsed<int> database = path.front() == '/'
                                     ? parse_database(path.substr(1))
                                     : Parsed<int>{refused("must not have a query (`?`)")};
    redis.database = database.value_or(0);
    return database ? "" : database.error();
}

std::string socket_problem(std::string_view rest, RedisAddress& redis) {
    const std::size_t query = std::min(rest.find('?'), rest.size());
    const auto path = percent_decoded(rest.substr(0, query));
    if (!path || !path->starts_with('/') || path->size() < 2 || path->size() > kMaxUnixPath ||
        !parse_text(*path)) {
        return "must name a socket as redis+unix:///path, at most 107 bytes long";
    }
    redis.unix_path = *path;
    const std::string_view database = rest.substr(query);
    if (database.empty()) {
        return {};
    }
    const Parsed<int> number =
        database.starts_with(kDatabaseQuery)
            ? parse_database(database.substr(kDatabaseQuery.size()))
            : Parsed<int>{refused("may have `?db=0` behind the path of the socket, nothing else")};
    redis.database = number.value_or(0);
    return number ? "" : number.error();
}

/// Of a PostgreSQL's hosts, of which each may be left out or be the encoded path of a socket's
/// directory. Empty: fine.
std::string hosts_problem(std::string_view hosts) {
    while (!hosts.empty()) {
        const std::size_t end = std::min(hosts.find(','), hosts.size());
        const std::string_view host = hosts.substr(0, end);
        const std::size_t colon = std::min(host.find(':'), host.size());
        const bool is_plain = !host.empty() && colon > 0 && !host.starts_with('%');
        // Where there is no plain host, any stands for it, so that the port is judged.
        const std::string port_only = "localhost" + std::string(host.substr(colon));
        const Parsed<Authority> place = parse_authority(is_plain ? host : port_only);
        if (!place) {
            return place.error();
        }
        hosts.remove_prefix(std::min(end + 1, hosts.size()));
    }
    return {};
}

}  // namespace

bool is_redis_url(std::string_view text) {
    return text.starts_with(kTcp) || text.starts_with(kTls) || text.starts_with(kUnix);
}

bool is_postgresql_url(std::string_view text) {
    return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

Parsed<RedisAddress> parse_redis_url(std::string_view text) {
    if (!is_redis_url(text)) {
        return refused("must be memory, redis://host:6379/0, rediss:// or redis+unix:///path");
    }
    if (std::string problem = character_problem(text); !problem.empty()) {
        return refused(std::move(problem));
    }
    RedisAddress redis;
    redis.is_tls = text.starts_with(kTls);
    std::string_view rest = text.substr(text.find("://") + 3);
    Parsed<Credential> credential = take_credential(rest);
    if (!credential) {
        return refused(std::move(credential.error()));
    }
    if (credential->password.empty() && !credential->user.empty()) {
        return refused("has a user without a password; a password alone is written :PASSWORD@");
    }
    redis.user = std::move(credential->user);
    redis.password = providers::Secret{std::move(credential->password)};
    std::string problem =
        text.starts_with(kUnix) ? socket_problem(rest, redis) : place_problem(rest, redis);
    if (!problem.empty()) {
        return refused(std::move(problem));
    }
    return redis;
}

Parsed<providers::Secret> parse_postgresql_url(std::string_view text) {
    if (std::string problem = character_problem(text); !problem.empty()) {
        return refused(std::move(problem));
    }
    std::string_view rest = text.substr(text.find("://") + 3);
    const Parsed<Credential> credential = take_credential(rest);
    if (!credential) {
        return refused(credential.error());
    }
    if (!percent_decoded(rest)) {
        return refused("has a `%` that does not begin a %XX");
    }
    const std::size_t query = std::min(rest.find('?'), rest.size());
    const std::string_view place = rest.substr(0, query);
    const std::size_t path = std::min(place.find('/'), place.size());
    if (place.substr(std::min(path + 1, place.size())).contains('/')) {
        return refused("must have one database behind the host, as in postgresql://host/db");
    }
    if (std::string problem = hosts_problem(place.substr(0, path)); !problem.empty()) {
        return refused(std::move(problem));
    }
    std::string_view options = rest.substr(std::min(query + 1, rest.size()));
    while (!options.empty()) {
        const std::size_t end = std::min(options.find('&'), options.size());
        const std::size_t equal = options.substr(0, end).find('=');
        if (equal == 0 || equal == std::string_view::npos) {
            return refused("must have options as in ?sslmode=verify-full&connect_timeout=5");
        }
        options.remove_prefix(std::min(end + 1, options.size()));
    }
    return providers::Secret{std::string(text)};
}

std::string RedisAddress::to_string() const {
    if (!unix_path.empty()) {
        return std::string(kUnix) + unix_path +
               (database == 0 ? "" : std::string(kDatabaseQuery) + std::to_string(database));
    }
    const std::string place = host.contains(':') ? "[" + host + "]" : host;
    return std::string(is_tls ? kTls : kTcp) + place + ":" + std::to_string(port) + "/" +
           std::to_string(database);
}

}  // namespace headgate::policy
