#include "providers/openai/encode.h"

#include <optional>
#include <string_view>
#include <utility>

namespace headgate::providers::openai {
namespace {

struct Edit {
    ByteRange range;
    std::string_view with;
};

Edit insertion(std::size_t at, std::string_view with) {
    return {{at, at}, with};
}

/// A member that stands twice counts in its last place at the providers, and it is the last that
/// the request tells: that one is changed. A new one goes in last, so that it counts in any case.
std::optional<Edit> usage_edit(const ApiRequest& request) {
    const Operation operation = request.endpoint->operation;
    const bool has_option =
        operation == Operation::chat_completions || operation == Operation::completions;
    if (!has_option || !request.stream || request.include_usage) {
        return std::nullopt;
    }
    if (!request.include_usage_value.empty()) {
        return Edit{request.include_usage_value, "true"};
    }
    if (!request.stream_options.empty()) {
        return insertion(request.stream_options.end - 1, request.stream_options_is_empty
                                                             ? R"("include_usage":true)"
                                                             : R"(,"include_usage":true)");
    }
    if (!request.stream_options_null.empty()) {
        return Edit{request.stream_options_null, R"({"include_usage":true})"};
    }
    return insertion(request.body.rfind('}'), request.is_empty_object
                                                  ? R"("stream_options":{"include_usage":true})"
                                                  : R"(,"stream_options":{"include_usage":true})");
}

/// The name only: the quotes around it stay.
Edit model_edit(const ApiRequest& request, std::string_view model) {
    return {{request.model_value.begin + 1, request.model_value.end - 1}, model};
}

SplicedText spliced(const ApiRequest& request, const BodyEdits& edits) {
    SplicedText body{request.body};
    std::optional<Edit> first;
    if (edits.model != request.model) {
        first = model_edit(request, edits.model);
    }
    std::optional<Edit> second = edits.may_ask_usage ? usage_edit(request) : std::nullopt;
    if (first && second && second->range.begin < first->range.begin) {
        std::swap(first, second);
    }
    for (const std::optional<Edit>& edit : {first, second}) {
        if (edit) {
            body.replace(edit->range, edit->with);
        }
    }
    return body;
}

}  // namespace

std::string_view path_behind_version(const Endpoint& endpoint) {
    constexpr std::string_view kVersion = "/v1";
    std::string_view path = endpoint.path;
    if (path.starts_with(kVersion)) {
        path.remove_prefix(kVersion.size());
    }
    return path;
}

Result<UpstreamRequest> encode_to(std::string path,
                                  const ApiRequest& request,
                                  const BodyEdits& edits) {
    if (edits.model != request.model && !is_model_name(edits.model)) {
        return std::unexpected(ApiError{.code = ErrorCode::internal_error,
                                        .message = "The target's model name is not valid.",
                                        .param = {},
                                        .allow = {}});
    }
    UpstreamRequest upstream;
    upstream.method = to_string(request.endpoint->method);
    upstream.path = std::move(path);
    upstream.expects_stream = request.stream && request.endpoint->may_stream;
    if (upstream.expects_stream) {
        upstream.accept = "text/event-stream";
    }
    upstream.body = spliced(request, edits);
    return upstream;
}

Result<UpstreamRequest> encode(const ApiRequest& request, const Target& target) {
    std::string path = target.provider->base_url.base_path;
    path.append(path_behind_version(*request.endpoint));
    return encode_to(std::move(path), request, {.model = target.model});
}

}  // namespace headgate::providers::openai
