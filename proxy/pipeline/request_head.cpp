#include "policy/config/scalars.h"
#include "policy/keys/identify.h"
#include "proxy/pipeline/exchange.h"

#include <charconv>

namespace headgate::proxy {
namespace {

using providers::ErrorCode;

constexpr std::size_t kMaxClientRequestId = 128;
constexpr std::size_t kMaxIdempotencyKey = 256;
constexpr std::size_t kMaxForwarded = 256;
constexpr std::size_t kMaxTags = 8;

/// "application/json", parameters allowed.
bool is_json_type(std::string_view value) {
    const std::string_view type = value.substr(0, value.find(';'));
    return equals_lower(type.substr(0, type.find_last_not_of(" \t") + 1), "application/json");
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(first);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

bool is_visible_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

/// The SDKs' "600" or "2.5": seconds.
std::optional<std::chrono::milliseconds> parse_seconds(std::string_view value) {
    double seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error != std::errc{} || end != value.data() + value.size() || !(seconds > 0) ||
        seconds > 86'400) {
        return std::nullopt;
    }
    return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

/// W3C Trace Context, version 00: the only form that is passed on.
bool is_traceparent(std::string_view value) {
    if (value.size() != 55 || !value.starts_with("00-") || value[35] != '-' || value[52] != '-') {
        return false;
    }
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    const std::string_view trace = value.substr(3, 32);
    const std::string_view parent = value.substr(36, 16);
    return std::ranges::all_of(trace, is_hex) && std::ranges::all_of(parent, is_hex) &&
           std::ranges::all_of(value.substr(53), is_hex) &&
           trace.find_first_not_of('0') != std::string_view::npos &&
           parent.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

/// Step 1: takes from scratch what later steps need. The only step that sees the head's fields but
/// for identify(), which follows without a suspension.
void Exchange::read_head(Bytes rest) {
    const RequestHead& head = worker_.scratch().request;
    facts_.is_get = head.method == providers::Method::get;
    facts_.is_head = head.method == providers::Method::head;
    facts_.is_http_1_0 = head.minor_version == 0;
    facts_.keeps_alive = head.keeps_alive;
    facts_.expects_continue = head.expects_continue;
    facts_.is_probe_live = facts_.is_get && head.path == "/healthz";
    facts_.is_probe_ready = facts_.is_get && head.path == "/readyz";
    facts_.where = providers::classify(head.method, head.path);
    const providers::Endpoint* endpoint = facts_.where.endpoint;
    if (endpoint == nullptr || endpoint->handling != providers::Handling::relayed) {
        facts_.path = head.path;
        if (!facts_.where.argument.empty()) {
            facts_.where.argument = std::string_view{facts_.path}.substr(
                static_cast<std::size_t>(facts_.where.argument.data() - head.path.data()));
        }
    }
    const LoadedPolicy& policy = view_->policy();
    const bool asks_for_more =
        policy.forwards_client_headers || !policy.router.needs().headers.empty();
    for (const HeadField& field : head.fields) {
        note_field(field.name, field.value);
        if (asks_for_more) {
            note_asked_field(field.name, field.value);
        }
    }
    if (!forwarded_for_.empty()) {
        row_.client = policy::client_address(snapshot_.protect, client_.peer(), forwarded_for_);
    }
    if (head.is_chunked) {
        body_reader_ = BodyReader::chunked();
    } else if (head.content_length) {
        body_reader_ = BodyReader::of_length(*head.content_length);
        is_body_too_large_ = *head.content_length > snapshot_.protect.json_limit();
    }
    take_body(rest);
    body_bytes_ = body_.size();
    client_.keep_for_later(rest);
}

/// Fields that this policy asks for: its routes' conditions, and what a provider may have as the
/// client sent it.
void Exchange::note_asked_field(std::string_view name, std::string_view value) {
    const LoadedPolicy& policy = view_->policy();
    for (const std::string& asked : policy.router.needs().headers) {
        if (equals_lower(name, asked)) {
            facts_.routing.emplace_back(asked, value);
        }
    }
    if (!policy.forwards_client_headers || value.size() > kMaxForwarded || !is_field_value(value)) {
        return;
    }
    if (equals_lower(name, "openai-organization")) {
        facts_.organization = value;
    } else if (equals_lower(name, "openai-project")) {
        facts_.openai_project = value;
    } else if (equals_lower(name, "openai-beta")) {
        facts_.beta = value;
    }
}

/// Keeps what a field tells, where it is one of those that we read.
void Exchange::note_field(std::string_view name, std::string_view value) {
    // By length first: most fields are none of these.
    switch (name.size()) {
        case 11:
            if (equals_lower(name, "traceparent") && is_traceparent(value)) {
                facts_.traceparent = value;
            }
            break;
        case 12:
            if (equals_lower(name, "content-type")) {
                facts_.is_json = is_json_type(value);
            } else if (equals_lower(name, "x-request-id") && value.size() <= kMaxClientRequestId &&
                       is_visible_ascii(value)) {
                facts_.client_request_id = value;
            }
            break;
        case 15:
            if (equals_lower(name, "x-forwarded-for") &&
                !snapshot_.protect.trusted_proxies.empty()) {
                forwarded_for_ += forwarded_for_.empty() ? "" : ",";
                forwarded_for_ += value;
            } else if (equals_lower(name, "idempotency-key") &&
                       value.size() <= kMaxIdempotencyKey && is_visible_ascii(value)) {
                facts_.idempotency_key = value;
            } else if (equals_lower(name, "x-headgate-tags")) {
                note_tags(value);
            }
            break;
        case 16:
            if (equals_lower(name, "content-encoding")) {
                facts_.is_coded = facts_.is_coded || !equals_lower(value, "identity");
            }
            break;
        default:
            note_limit(name, value);
            break;
    }
}

/// Joined without the blanks that may stand around them.
void Exchange::note_tags(std::string_view value) {
    std::string tags;
    std::size_t count = 0;
    while (!value.empty() && !facts_.has_bad_tags) {
        const std::size_t comma = value.find(',');
        const std::string_view tag = trimmed(value.substr(0, comma));
        value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
        const std::size_t equals = tag.find('=');
        facts_.has_bad_tags = ++count > kMaxTags || equals == std::string_view::npos ||
                              !policy::is_plain_name(tag.substr(0, equals)) ||
                              !policy::is_plain_name(tag.substr(equals + 1));
        tags += tags.empty() ? "" : ",";
        tags += tag;
    }
    facts_.has_bad_tags = facts_.has_bad_tags || tags.empty() || !facts_.tags.empty();
    facts_.tags = facts_.has_bad_tags ? std::string{} : std::move(tags);
}

/// What the client limits itself to: our own fields, and the patience that the SDKs tell.
void Exchange::note_limit(std::string_view name, std::string_view value) {
    switch (name.size()) {
        case 18:
            if (equals_lower(name, "x-headgate-timeout")) {
                const auto timeout = policy::parse_timeout(value);
                facts_.has_bad_timeout = !timeout;
                if (timeout) {
                    facts_.timeout = *timeout;
                }
            }
            break;
        case 19:
            if (equals_lower(name, "x-stainless-timeout") && !facts_.patience) {
                facts_.patience = parse_seconds(value);
            }
            break;
        case 23:
            if (equals_lower(name, "x-headgate-max-cost-usd")) {
                const auto most = providers::Money::parse(value);
                facts_.has_bad_max_cost = !most || most->nanos() < 0;
                facts_.max_cost = most.value_or(providers::Money{});
            }
            break;
        case 24:
            if (equals_lower(name, "x-stainless-read-timeout")) {
                facts_.patience = parse_seconds(value);
            }
            break;
        case 25:
            facts_.wants_summary =
                facts_.wants_summary ||
                (equals_lower(name, "x-headgate-stream-summary") && value == "1");
            break;
        default:
            break;
    }
}

/// Step 2.
bool Exchange::identify() {
    policy::Credentials credentials;
    for (const HeadField& field : worker_.scratch().request.fields) {
        std::optional<std::string_view>* credential =
            equals_lower(field.name, "authorization") ? &credentials.authorization
            : equals_lower(field.name, "api-key")     ? &credentials.api_key
                                                      : nullptr;
        if (credential == nullptr) {
            continue;
        }
        if (*credential && **credential != field.value) {
            return refuse(ErrorCode::invalid_api_key,
                          "The request carries two different credentials: send one.");
        }
        *credential = field.value;
    }
    auto found =
        policy::identify({snapshot_.keys, worker_.stored_keys().get(), &view_->policy().projects},
                         worker_.hasher(), credentials);
    if (!found) {
        error_ = std::move(found.error());
        return false;
    }
    identity_ = *found;
    if (identity_.key->project == nullptr) {
        stored_keys_ = worker_.stored_keys();  // the key lies there
    }
    row_.project = identity_.project->id;
    row_.key = identity_.key->name;
    policy::Ledger& ledger = *this;
    reservation_.emplace(ledger, row_);
    if (auto problem = policy::key_problem(identity_, row_.time)) {
        error_ = std::move(*problem);
        return false;
    }
    worker_.note_use(*identity_.key, row_.time);
    return true;
}

/// Step 3: the path, the endpoint, and what its body must be.
bool Exchange::classify() {
    const providers::Classified& where = facts_.where;
    if (where.endpoint == nullptr && where.allow.empty()) {
        return refuse(ErrorCode::unknown_url,
                      "Unknown request URL. Check that base_url ends in /v1 and the path is one of "
                      "OpenAI's API.");
    }
    if (where.endpoint == nullptr) {
        error_ = providers::ApiError{ErrorCode::method_not_allowed,
                                     "This path takes " + std::string{where.allow} + ".",
                                     {},
                                     where.allow};
        return false;
    }
    row_.endpoint = where.endpoint->family;
    return may_use_endpoint(*where.endpoint) && has_right_form(*where.endpoint);
}

bool Exchange::may_use_endpoint(const providers::Endpoint& endpoint) {
    if (endpoint.handling == providers::Handling::unsupported) {
        return refuse(ErrorCode::endpoint_not_supported,
                      "Headgate does not serve " + std::string{endpoint.path} + " yet.");
    }
    if (endpoint.handling == providers::Handling::removed) {
        const std::string successor{endpoint.successor};
        return refuse(ErrorCode::endpoint_removed,
                      std::string{endpoint.path} + " was removed from OpenAI's API." +
                          (successor.empty() ? "" : " Use " + successor + " instead."));
    }
    if (!identity_.project->may_use_family(endpoint.family)) {
        return refuse(ErrorCode::endpoint_not_allowed, "Project " + identity_.project->id +
                                                           " may not use the endpoint family \"" +
                                                           std::string{endpoint.family} + "\".");
    }
    return true;
}

/// What can be told of a request by its head: our own fields, and the body's type.
bool Exchange::has_right_form(const providers::Endpoint& endpoint) {
    if (facts_.has_bad_timeout) {
        return refuse(ErrorCode::invalid_request,
                      "x-headgate-timeout must be a duration such as 20s or 1500ms.");
    }
    if (facts_.has_bad_max_cost) {
        return refuse(ErrorCode::invalid_request,
                      "x-headgate-max-cost-usd must be an amount of US dollars such as 0.05.");
    }
    if (facts_.has_bad_tags) {
        return refuse(ErrorCode::invalid_request,
                      "x-headgate-tags must be at most 8 of NAME=VALUE, joined by commas, of 1 to "
                      "64 letters, digits, `_`, `.` and `-` each.");
    }
    if (endpoint.json_body && facts_.is_coded) {
        return refuse(ErrorCode::unsupported_media_type,
                      "A request body must not be compressed: send it without Content-Encoding.");
    }
    if (endpoint.json_body && !facts_.is_json) {
        return refuse(ErrorCode::unsupported_media_type,
                      "This endpoint takes Content-Type: application/json.");
    }
    return true;
}

}  // namespace headgate::proxy
