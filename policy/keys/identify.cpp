#include "policy/keys/identify.h"

namespace headgate::policy {
namespace {

using providers::ApiError;
using providers::ErrorCode;

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_bearer(std::string_view scheme) {
    constexpr std::string_view bearer = "bearer";
    return std::ranges::equal(scheme, bearer, [](char a, char b) { return (a | 0x20) == b; });
}

/// The token behind `Bearer`; empty where there is another scheme or nothing.
std::string_view bearer_token(std::string_view authorization) {
    const std::string_view value = trimmed(authorization);
    const std::size_t end_of_scheme = value.find_first_of(" \t");
    if (end_of_scheme == std::string_view::npos || !is_bearer(value.substr(0, end_of_scheme))) {
        return {};
    }
    return trimmed(value.substr(end_of_scheme));
}

std::unexpected<ApiError> refusal(ErrorCode code, std::string message) {
    return std::unexpected(
        ApiError{.code = code, .message = std::move(message), .param = {}, .allow = {}});
}

/// The one credential of the request, or why there is none. An empty header counts as absent.
providers::Result<std::string_view> credential_of(const Credentials& credentials) {
    const std::string_view authorization = trimmed(credentials.authorization.value_or(""));
    const std::string_view bearer = bearer_token(authorization);
    const std::string_view api_key = trimmed(credentials.api_key.value_or(""));
    if (!authorization.empty() && !api_key.empty() && bearer != api_key) {
        return refusal(ErrorCode::invalid_api_key,
                       "The request carries two different credentials: send one API key, either "
                       "as `Authorization: Bearer` or as `api-key`.");
    }
    const std::string_view key = api_key.empty() ? bearer : api_key;
    if (key.empty()) {
        return refusal(ErrorCode::missing_api_key,
                       "The request carries no API key: send it as `Authorization: Bearer "
                       "YOUR_KEY`.");
    }
    return key;
}

}  // namespace

namespace {

/// Whom a digest identifies; nobody: no key.
Identity find(const KeySources& sources, const KeyDigest& digest) {
    if (const Key* key = sources.policy.find(digest)) {
        return {.project = key->project, .key = key};
    }
    const StoredKeys::Entry* entry =
        sources.stored == nullptr ? nullptr : sources.stored->find(digest);
    if (entry == nullptr) {
        return {};
    }
    const auto project = sources.projects->find(entry->project);
    return project == sources.projects->end()
               ? Identity{}
               : Identity{.project = project->second, .key = &entry->key};
}

}  // namespace

providers::Result<Identity> identify(const KeySources& sources,
                                     KeyHasher& hasher,
                                     const Credentials& credentials) {
    const providers::Result<std::string_view> credential = credential_of(credentials);
    if (!credential) {
        return std::unexpected(credential.error());
    }
    const Identity found = find(sources, hasher.digest(*credential));
    if (found.key == nullptr) {
        return refusal(ErrorCode::invalid_api_key, "The API key is not known here.");
    }
    return found;
}

std::optional<ApiError> key_problem(const Identity& who, providers::WallTime now) {
    const std::string& project = who.project->id;
    if (who.key != nullptr && who.key->expires && now >= *who.key->expires) {
        return refusal(ErrorCode::expired_api_key, "The API key \"" + who.key->name +
                                                       "\" of project \"" + project +
                                                       "\" has expired: ask for a new one.")
            .error();
    }
    if (!who.project->enabled) {
        return refusal(ErrorCode::project_disabled, "The project \"" + project + "\" is disabled.")
            .error();
    }
    return std::nullopt;
}

}  // namespace headgate::policy
