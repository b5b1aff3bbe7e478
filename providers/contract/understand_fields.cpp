#include "providers/contract/understand_fields.h"

#include <algorithm>
#include <limits>

namespace headgate::providers {
namespace {

constexpr unsigned bit(Operation operation) {
    return 1U << static_cast<unsigned>(operation);
}

constexpr unsigned kChat = bit(Operation::chat_completions);
constexpr unsigned kCompletions = bit(Operation::completions);
constexpr unsigned kResponses = bit(Operation::responses);
constexpr unsigned kImages = bit(Operation::image_generations);
constexpr unsigned kInputs = kResponses | bit(Operation::embeddings) | bit(Operation::moderations);
constexpr unsigned kEvery = std::numeric_limits<unsigned>::max();

constexpr FieldRule kRules[] = {
    {"model", Field::model, kEvery},
    {"messages", Field::prompt, kChat},
    {"input", Field::prompt, kInputs},
    {"prompt", Field::prompt, kCompletions | kImages},
    {"prompt", Field::remote_content, kResponses},  // the name of a stored one
    {"conversation", Field::remote_content, kResponses},
    {"web_search_options", Field::web_search, kChat},
    {"data_sources", Field::remote_content, kChat},  // Azure's "On your data"
    {"stream", Field::stream, kChat | kCompletions | kResponses | kImages},
    {"stream_options", Field::stream_options, kChat | kCompletions},
    {"max_tokens", Field::max_tokens, kChat | kCompletions},
    {"max_completion_tokens", Field::max_completion_tokens, kChat},
    {"max_output_tokens", Field::max_output_tokens, kResponses},
    {"n", Field::n, kChat | kCompletions | kImages},
    {"best_of", Field::best_of, kChat | kCompletions},  // compatible servers: in chat, too
    {"temperature", Field::temperature, kChat | kCompletions | kResponses},
    {"seed", Field::seed, kChat | kCompletions},
    {"service_tier", Field::service_tier, kChat | kCompletions | kResponses},
    {"user", Field::user, kEvery},
    {"store", Field::store, kChat | kResponses},
    {"previous_response_id", Field::previous_response_id, kResponses},
    {"background", Field::background, kResponses},
    {"tools", Field::tools, kChat | kResponses},
    {"modalities", Field::modalities, kChat},
    {"prediction", Field::prediction, kChat},
    {"size", Field::size, kImages},
    {"quality", Field::quality, kImages},
    {"output_format", Field::output_format, kImages},
    {"frame_count", Field::frame_count, kImages},
    {"partial_images", Field::partial_images, kImages},
};

}  // namespace

const FieldRule* field_rule(std::string_view key, const Endpoint& endpoint) {
    const unsigned operation = bit(endpoint.operation);
    const FieldRule* const rule = std::ranges::find_if(kRules, [&](const FieldRule& candidate) {
        return candidate.name == key && (candidate.operations & operation) != 0;
    });
    if (rule == std::end(kRules)) {
        return nullptr;
    }
    return rule->field == Field::stream && !endpoint.may_stream ? nullptr : rule;
}

}  // namespace headgate::providers
