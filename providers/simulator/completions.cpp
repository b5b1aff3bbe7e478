#include "providers/contract/api_error.h"
#include "providers/simulator/chat.h"
#include "providers/simulator/content_filter.h"
#include "providers/simulator/fields.h"
#include "providers/simulator/json_writer.h"
#include "providers/simulator/prompts.h"

#include <algorithm>

namespace headgate::providers {
namespace {

constexpr std::size_t kMostPrompts = 2048;
constexpr std::int64_t kMostChoices = 128;
constexpr std::int64_t kMostLogprobs = 5;

/// A legacy completion before it is written.
struct Completion {
    std::string id;
    std::int64_t created = 0;
    std::string_view model;
    std::vector<Reply> choices;
    TokenCount count;
    std::optional<std::int64_t> logprobs;
    bool include_usage = false;
    std::size_t filtered_prompts = 0;  // that Azure's content filter reports on
};

/// What the request asks of each prompt.
struct Wishes {
    ReplyOrder order;
    std::int64_t n = 1;
    std::int64_t best_of = 1;
    std::optional<std::int64_t> cap;
    std::uint64_t seed = 0;
    bool echo = false;
};

Wishes read_wishes(Fields& fields, bool is_stream, Completion& completion) {
    Wishes wishes;
    wishes.n = fields.integer("n", 1, kMostChoices).value_or(1);
    wishes.best_of = fields.integer("best_of", 1, kMostChoices).value_or(wishes.n);
    wishes.echo = fields.boolean("echo");
    wishes.cap = fields.integer("max_tokens", 0, kLargestCap);
    wishes.order.stops = fields.stops();
    const auto seed = fields.integer("seed", INT64_MIN, INT64_MAX);
    wishes.seed = static_cast<std::uint64_t>(seed.value_or(0));
    completion.logprobs = fields.integer("logprobs", 0, kMostLogprobs);
    completion.include_usage = fields["stream_options"]["include_usage"].boolean();
    fields.number("temperature", 0, 2);
    fields.number("top_p", 0, 1);
    fields.number("presence_penalty", -2, 2);
    fields.number("frequency_penalty", -2, 2);
    if (wishes.best_of < wishes.n) {
        fields.refuse(
            bad_request("You requested that the server return more choices than it will "
                        "generate (HINT: 'best_of' must be at least 'n').",
                        "best_of"));
    }
    if (is_stream && wishes.best_of > wishes.n) {
        fields.refuse(
            bad_request("Results cannot be streamed when 'best_of' is above 'n'.", "best_of"));
    }
    if (!is_stream && !fields["stream_options"].is_null()) {
        fields.refuse(
            bad_request("The 'stream_options' parameter is only allowed when 'stream' is "
                        "enabled.",
                        "stream_options"));
    }
    return wishes;
}

/// Bounds the work: the number of choices, and what `echo` repeats in each.
std::optional<OpenAiError> excess(const std::vector<Prompt>& prompts, const Wishes& wishes) {
    const auto replies = prompts.size() * static_cast<std::size_t>(wishes.best_of);
    if (replies > kMostPrompts) {
        return array_too_long("prompt", kMostPrompts / static_cast<std::size_t>(wishes.best_of),
                              prompts.size());
    }
    std::int64_t echoed = 0;
    for (const Prompt& prompt : prompts) {
        const auto bytes = static_cast<std::int64_t>(prompt.text.size());
        echoed += std::max(prompt.tokens, bytes / 16) * wishes.n;
    }
    if (wishes.echo && echoed > Call::kMostTokens) {
        return bad_request("This model's maximum context length is " +
                               std::to_string(Call::kMostTokens) +
                               " tokens. Please reduce the length of the prompt.",
                           "prompt", "context_length_exceeded");
    }
    return std::nullopt;
}

/// Adds the choices for one prompt. What `best_of` tried and did not return is charged too.
OrError<void> complete(const Prompt& prompt, Wishes& wishes, Random& ids, Completion& completion) {
    completion.count.prompt += prompt.tokens;
    Random seeds{prompt.hash ^ wishes.seed};
    for (std::int64_t i = 0; i < wishes.best_of; ++i) {
        wishes.order.seed = seeds.next();
        auto reply = compose(wishes.order, ids);
        if (!reply) {
            return std::unexpected{reply.error()};
        }
        completion.count.completion += reply->tokens();
        if (i >= wishes.n) {
            continue;
        }
        if (const std::string& said = reply->content.text; !said.empty()) {
            reply->content = Speech{" " + said};  // a completion goes on from its prompt
        }
        if (wishes.echo) {
            reply->content = Speech{prompt.text + reply->content.text};
        }
        completion.choices.push_back(std::move(*reply));
    }
    return {};
}

void write_logprobs(JsonWriter& json,
                    const Completion& completion,
                    const Speech& speech,
                    std::size_t first,
                    std::size_t last) {
    json.key("logprobs");
    if (!completion.logprobs) {
        json.null();
        return;
    }
    json.begin_object().key("tokens").begin_array();
    for (std::size_t i = first; i < last; ++i) {
        json.text(speech.token(i));
    }
    json.end_array().key("token_logprobs").begin_array();
    for (std::size_t i = first; i < last; ++i) {
        json.number(logprob_of(speech.token(i)));
    }
    json.end_array().key("top_logprobs").begin_array();
    for (std::size_t i = first; i < last; ++i) {
        json.begin_object();
        for (const LikelyToken& likely : likely_tokens(speech.token(i), *completion.logprobs)) {
            std::string escaped;
            append_json_escaped(escaped, likely.text);
            json.key(escaped).number(likely.logprob);
        }
        json.end_object();
    }
    json.end_array().key("text_offset").begin_array();
    for (std::size_t i = first; i < last; ++i) {
        json.integer(static_cast<std::int64_t>(speech.token_begin(i)));
    }
    json.end_array().end_object();
}

void write_filter(JsonWriter& json, const Completion& completion) {
    if (completion.filtered_prompts != 0) {
        json.key("content_filter_results").raw(choice_filter_report());
    }
}

std::string opening(const Completion& completion) {
    std::string out;
    JsonWriter json{out};
    json.begin_object().key("id").text(completion.id).key("object").text("text_completion");
    json.key("created").integer(completion.created).key("model").text(completion.model);
    json.key("system_fingerprint").text(fingerprint_of(completion.model));
    return out;
}

std::string whole(const Completion& completion) {
    std::string out = opening(completion) + R"(,"choices":)";
    JsonWriter json{out};
    json.begin_array();
    std::int64_t index = 0;
    for (const Reply& reply : completion.choices) {
        json.begin_object().key("index").integer(index++).key("text").text(reply.content.text);
        write_logprobs(json, completion, reply.content, 0, reply.content.ends.size());
        json.key("finish_reason").text(to_string(reply.ending));
        write_filter(json, completion);
        json.end_object();
    }
    json.end_array();
    if (completion.filtered_prompts != 0) {
        json.key("prompt_filter_results").raw(prompt_filter_results(completion.filtered_prompts));
    }
    json.key("usage").raw(chat_usage(completion.count)).end_object();
    return out;
}

/// The event for the `round`-th token of a choice, or its end where the tokens are over.
std::string chunk(const Completion& completion, std::size_t index, std::size_t round) {
    const Reply& reply = completion.choices[index];
    const bool is_end = round == reply.content.ends.size();
    std::string out;
    JsonWriter json{out};
    json.begin_object().key("index").integer(static_cast<std::int64_t>(index));
    json.key("text").text(is_end ? "" : reply.content.token(round));
    if (is_end) {
        json.key("logprobs").null().key("finish_reason").text(to_string(reply.ending));
    } else {
        write_logprobs(json, completion, reply.content, round, round + 1);
        json.key("finish_reason").null();
    }
    write_filter(json, completion);
    json.end_object();
    return out;
}

std::size_t longest(const Completion& completion) {
    std::size_t tokens = 0;
    for (const Reply& reply : completion.choices) {
        tokens = std::max(tokens, reply.content.ends.size());
    }
    return tokens;
}

WireScript streamed(const Completion& completion, const Call& call) {
    EventStream stream{call};
    const std::string head = opening(completion) + R"(,"choices":[)";
    const std::string_view tail = completion.include_usage ? R"(],"usage":null})" : "]}";
    const std::size_t rounds = longest(completion);
    if (completion.filtered_prompts != 0) {
        stream.data(prompt_filter_chunk(completion.filtered_prompts));
    }
    for (std::size_t round = 0; round <= rounds; ++round) {
        if (round < rounds) {
            stream.tick();
        }
        for (std::size_t i = 0; i < completion.choices.size(); ++i) {
            if (round <= completion.choices[i].content.ends.size()) {
                stream.data(head + chunk(completion, i, round) + std::string{tail});
            }
        }
    }
    if (completion.include_usage) {
        stream.data(head + R"(],"usage":)" + chat_usage(completion.count) + '}');
    }
    stream.data("[DONE]");
    return stream.finish();
}

}  // namespace

OrError<WireScript> answer_completion(Call& call) {
    Fields fields{call.body};
    Completion completion;
    completion.id = made_id("cmpl-", 29, call.ids);
    completion.created = call.created;
    completion.model = fields.model();
    const bool is_stream = fields.boolean("stream");
    Wishes wishes = read_wishes(fields, is_stream, completion);
    if (const auto& error = fields.error(); error) {
        return std::unexpected{*error};
    }
    auto prompts = read_prompts(call.body["prompt"], "prompt", kMostPrompts);
    if (!prompts) {
        return std::unexpected{prompts.error()};
    }
    if (prompts->empty()) {
        prompts->push_back({"", 1, kHashStart});  // a new document: one <|endoftext|>
    }
    const auto replies = static_cast<std::int64_t>(prompts->size()) * wishes.best_of;
    if (auto fault = excess(*prompts, wishes)) {
        return std::unexpected{std::move(*fault)};
    }
    completion.filtered_prompts = call.is_azure() ? prompts->size() : 0;
    wishes.order.natural = call.natural_tokens(replies);
    wishes.order.cap = call.bounded_cap(wishes.cap, replies);
    for (const Prompt& prompt : *prompts) {
        if (auto done = complete(prompt, wishes, call.ids, completion); !done) {
            return std::unexpected{done.error()};
        }
    }
    if (is_stream) {
        return streamed(completion, call);
    }
    return plain_answer(call, whole(completion), static_cast<std::int64_t>(longest(completion)));
}

}  // namespace headgate::providers
