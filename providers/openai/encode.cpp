#include "providers/openai/encode.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace headgate::providers::openai {
namespace {

struct Edit {
    ByteRange range;
    std::string_view with;
    bool is_copied = false;  // `with` does not outlive the encoding
};

/// In the order of the text; those of one place in the order in which they came.
class Edits {
public:
    void add(const Edit& edit) {
        auto* const end = edit_.data() + count_++;
        auto* const place = std::upper_bound(
            edit_.data(), end, edit,
            [](const Edit& a, const Edit& b) { return a.range.begin < b.range.begin; });
        std::move_backward(place, end, end + 1);
        *place = edit;
    }

    SplicedText applied_to(Bytes body) const {
        SplicedText text{body};
        for (const Edit& edit : std::span{edit_.data(), count_}) {
            edit.is_copied ? text.replace_by_copy(edit.range, edit.with)
                           : text.replace(edit.range, edit.with);
        }
        return text;
    }

private:
    std::array<Edit, SplicedText::kMaxEdits> edit_{};  // model, usage, and two for the output cap
    std::size_t count_ = 0;
};

Edit insertion(std::size_t at, std::string_view with) {
    return {.range = {at, at}, .with = with};
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
        return Edit{.range = request.include_usage_value, .with = "true"};
    }
    if (!request.stream_options.empty()) {
        return insertion(request.stream_options.end - 1, request.stream_options_is_empty
                                                             ? R"("include_usage":true)"
                                                             : R"(,"include_usage":true)");
    }
    if (!request.stream_options_null.empty()) {
        return Edit{.range = request.stream_options_null, .with = R"({"include_usage":true})"};
    }
    return insertion(request.body.rfind('}'), request.is_empty_object
                                                  ? R"("stream_options":{"include_usage":true})"
                                                  : R"(,"stream_options":{"include_usage":true})");
}

/// The name only: the quotes around it stay.
Edit model_edit(const ApiRequest& request, std::string_view model) {
    return {.range = {request.model_value.begin + 1, request.model_value.end - 1}, .with = model};
}

/// An output cap that the operation has: how one is added, and what the request says of it.
struct CapField {
    std::string_view addition;
    std::optional<std::int64_t> value;
    ByteRange literal;
};

/// The one that is added where none stands comes first; the second has no addition where the
/// operation has but one.
std::array<CapField, 2> cap_fields(const ApiRequest& request, bool has_old_name) {
    const CapField old{R"(,"max_tokens":)", request.max_tokens, request.max_tokens_value};
    const CapField current{R"(,"max_completion_tokens":)", request.max_completion_tokens,
                           request.max_completion_tokens_value};
    const CapField output{R"(,"max_output_tokens":)", request.max_output_tokens,
                          request.max_output_tokens_value};
    switch (request.endpoint->operation) {
        case Operation::chat_completions:
            return has_old_name ? std::array{old, current} : std::array{current, old};
        case Operation::completions:
            return {old, {}};
        case Operation::responses:
            return {output, {}};
        default:
            return {};
    }
}

/// `digits` is the cap that is imposed.
void add_cap_edits(const ApiRequest& request,
                   bool has_old_name,
                   std::string_view digits,
                   Edits& edits) {
    const std::array<CapField, 2> fields = cap_fields(request, has_old_name);
    for (const CapField& field : fields) {
        if (field.value > request.imposed_cap) {
            edits.add({.range = field.literal, .with = digits, .is_copied = true});
        }
    }
    const CapField& first = fields[0];
    if (first.addition.empty() || request.output_cap()) {
        return;
    }
    if (!first.literal.empty()) {
        edits.add({.range = first.literal, .with = digits, .is_copied = true});
        return;
    }
    const std::size_t end = request.body.rfind('}');
    edits.add(insertion(end, first.addition));
    edits.add({.range = {end, end}, .with = digits, .is_copied = true});
}

SplicedText spliced(const ApiRequest& request, const BodyEdits& wanted) {
    Edits edits;
    if (wanted.model != request.model) {
        edits.add(model_edit(request, wanted.model));
    }
    if (const auto usage = wanted.may_ask_usage ? usage_edit(request) : std::nullopt) {
        edits.add(*usage);
    }
    if (!request.imposed_cap) {
        return edits.applied_to(request.body);
    }
    const std::string digits = std::to_string(*request.imposed_cap);
    add_cap_edits(request, wanted.has_old_cap_name, digits, edits);
    return edits.applied_to(request.body);
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
    return encode_to(
        std::move(path), request,
        {.model = target.model,
         .has_old_cap_name = target.provider->kind == ProviderKind::openai_compatible});
}

}  // namespace headgate::providers::openai
