#include "policy/store/postgres/connect_options.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>

namespace headgate::policy {
namespace {

struct Default {
    const char* keyword;
    const char* value;
};

/// Seconds but for tcp_user_timeout, which is in milliseconds.
constexpr std::array<Default, 6> kDefaults{{
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "10000"},
    {"target_session_attrs", "read-write"},
    {"fallback_application_name", "headgate"},
}};

constexpr std::string_view kEncodeHint =
    "special characters of a user or password must be percent-encoded";

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t comma = list.find(',');
        parts.emplace_back(list.substr(0, comma));
        if (comma == std::string_view::npos) {
            return parts;
        }
        list.remove_prefix(comma + 1);
    }
}

const std::string* find(const PgOptions& options, std::string_view keyword) {
    const auto found = std::ranges::find(options, keyword, &PgOptions::value_type::first);
    return found == options.end() ? nullptr : &found->second;
}

void set(PgOptions& options, std::string_view keyword, std::string value) {
    const auto found = std::ranges::find(options, keyword, &PgOptions::value_type::first);
    if (found == options.end()) {
        options.emplace_back(keyword, std::move(value));
    } else {
        found->second = std::move(value);
    }
}

/// What libpq would quote in its message when it fails on it, and what a stray '@', '/' or ':' of a
/// password turns into: "user:12/34@host" is host "user", port 12 and database "34@host".
std::optional<std::string> problem_of(const PgOptions& options) {
    for (const std::string_view keyword : {"host", "hostaddr", "dbname", "user"}) {
        const std::string* value = find(options, keyword);
        const bool may_hold_at = keyword == "user";
        if (value != nullptr && !may_hold_at && value->contains('@')) {
            return "the " + std::string{keyword} +
                   " of the PostgreSQL URI holds an '@': " + std::string{kEncodeHint};
        }
    }
    const std::string* port = find(options, "port");
    if (port != nullptr && port->find_first_not_of("0123456789,") != std::string::npos) {
        return "the port of the PostgreSQL URI is not a number: " + std::string{kEncodeHint};
    }
    return std::nullopt;
}

/// One entry a host. A single port is every host's.
std::expected<std::vector<PgOptions>, std::string> one_a_host(const PgOptions& options) {
    std::size_t hosts = 1;
    for (const std::string_view keyword : {"host", "hostaddr"}) {
        if (const std::string* value = find(options, keyword); value != nullptr) {
            hosts = std::max(hosts, split(*value).size());
        }
    }
    std::vector<PgOptions> entries(hosts, options);
    for (const std::string_view keyword : {"host", "hostaddr", "port"}) {
        const std::string* value = find(options, keyword);
        if (value == nullptr) {
            continue;
        }
        const std::vector<std::string> parts = split(*value);
        if (parts.size() != hosts && !(keyword == "port" && parts.size() == 1)) {
            return std::unexpected("the hosts and ports of the PostgreSQL URI differ in number");
        }
        for (std::size_t i = 0; i < hosts; ++i) {
            set(entries[i], keyword, parts[std::min(i, parts.size() - 1)]);
        }
    }
    return entries;
}

}  // namespace

std::expected<std::vector<PgOptions>, std::string> pg_options_from(const std::string& uri) {
    if (uri.contains('\0')) {
        return std::unexpected("the PostgreSQL URI holds a zero byte");
    }
    // libpq's own message would quote the URI, so it is not asked for.
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed{
        PQconninfoParse(uri.c_str(), nullptr), &PQconninfoFree};
    if (!parsed) {
        return std::unexpected("not a PostgreSQL URI: " + std::string{kEncodeHint});
    }
    PgOptions options;
    for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) {
            options.emplace_back(option->keyword, option->val);
        }
    }
    if (std::optional<std::string> problem = problem_of(options)) {
        return std::unexpected(std::move(*problem));
    }
    for (const Default& given : kDefaults) {
        if (find(options, given.keyword) == nullptr) {
            set(options, given.keyword, given.value);
        }
    }
    set(options, "client_encoding", "UTF8");
    return one_a_host(options);
}

}  // namespace headgate::policy
