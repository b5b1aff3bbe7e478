#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace headgate::providers {

/// What we do with an operation of OpenAI's API today.
enum class Handling : std::uint8_t {
    relayed,      // understood, charged, forwarded
    local,        // answered from the policy (models)
    unsupported,  // in OpenAI's table, not built yet: 404 endpoint_not_supported
    removed,      // shut down by OpenAI: 404 endpoint_removed with what replaces it
};

enum class Method : std::uint8_t { get, post, put, patch, del, head, options, other };

/// What identifies a request's and an answer's shape. `other` is every endpoint that is not
/// relayed or local.
enum class Operation : std::uint8_t {
    chat_completions,
    completions,
    embeddings,
    moderations,
    responses,
    image_generations,
    models_list,
    models_retrieve,
    other,
};

/// One row of the endpoint table (data/endpoints.yaml, from OpenAI's SDK and OpenAPI document). A
/// path of its `removed` list is gone for every method: one row, with Method::other and no family.
struct Endpoint {
    Method method;
    std::string_view path;    // "/v1/chat/completions/{completion_id}"
    std::string_view family;  // "chat": what `projects.*.endpoints` names
    Operation operation;
    Handling handling;
    bool json_body;              // carries a JSON body
    bool may_stream;             // `stream: true` chooses SSE
    std::string_view meter;      // "tokens", "input_tokens", "images", ...; empty: nothing charged
    std::string_view sunset;     // "2026-09-24" or empty
    std::string_view successor;  // "/v1/responses" or empty
};

/// All rows, in the order of the data file.
std::span<const Endpoint> endpoint_table();

/// All family names, sorted, each once: what a policy may write under `endpoints`.
std::span<const std::string_view> endpoint_families();

/// Where a method and a path lead. A path whose rows are all `removed` leads there with any method.
/// Exactly one of `endpoint` and the two failures holds:
/// `endpoint` null and `allow` empty: unknown path (404); `allow` set: wrong method (405).
struct Classified {
    const Endpoint* endpoint = nullptr;
    std::string_view argument;  // the last `{…}` of the path, percent-encoded as it came
    std::string_view allow;     // "GET, POST"; static storage
};

/// `path` is the request target without its query. Azure's spellings (`/openai/v1/…`,
/// `/openai/deployments/…`) belong to a later capability and are unknown paths for now.
Classified classify(Method method, std::string_view path);

std::string_view to_string(Method method);
std::string_view to_string(Operation operation);

}  // namespace headgate::providers
