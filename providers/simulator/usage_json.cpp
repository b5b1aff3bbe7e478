#include "providers/simulator/usage_json.h"

#include "providers/simulator/json_writer.h"

namespace headgate::providers {

std::string chat_usage(const TokenCount& count) {
    std::string out;
    JsonWriter json{out};
    json.begin_object();
    json.key("prompt_tokens").integer(count.prompt);
    json.key("completion_tokens").integer(count.completion);
    json.key("total_tokens").integer(count.prompt + count.completion);
    json.key("prompt_tokens_details").begin_object();
    json.key("cached_tokens").integer(count.cached()).key("audio_tokens").integer(0).end_object();
    json.key("completion_tokens_details").begin_object();
    json.key("reasoning_tokens").integer(count.reasoning).key("audio_tokens").integer(0);
    json.key("accepted_prediction_tokens").integer(0);
    json.key("rejected_prediction_tokens").integer(0).end_object();
    json.end_object();
    return out;
}

std::string responses_usage(const TokenCount& count) {
    std::string out;
    JsonWriter json{out};
    json.begin_object();
    json.key("input_tokens").integer(count.prompt);
    json.key("input_tokens_details").begin_object();
    json.key("cached_tokens").integer(count.cached());
    json.key("cache_write_tokens").integer(0).end_object();
    json.key("output_tokens").integer(count.completion);
    json.key("output_tokens_details").begin_object();
    json.key("reasoning_tokens").integer(count.reasoning).end_object();
    json.key("total_tokens").integer(count.prompt + count.completion);
    json.end_object();
    return out;
}

std::int64_t reasoning_tokens(std::string_view effort) {
    if (effort == "low") {
        return 16;
    }
    if (effort == "medium") {
        return 32;
    }
    if (effort == "high") {
        return 64;
    }
    return effort == "xhigh" || effort == "max" ? 128 : 0;
}

}  // namespace headgate::providers
