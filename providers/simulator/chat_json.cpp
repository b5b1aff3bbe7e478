#include "providers/simulator/chat.h"
#include "providers/simulator/content_filter.h"
#include "providers/simulator/json_writer.h"

#include <algorithm>

namespace headgate::providers {
namespace {

std::string_view kind_name(ToolKind kind) {
    return kind == ToolKind::custom ? "custom" : "function";
}

std::string_view argument_name(ToolKind kind) {
    return kind == ToolKind::custom ? "input" : "arguments";
}

/// {"content":[…],"refusal":null} for one token or all, or null.
void write_logprobs(JsonWriter& json,
                    const ChatAnswer& answer,
                    const Speech& speech,
                    std::size_t first,
                    std::size_t last) {
    if (!answer.top_logprobs || speech.ends.empty()) {
        json.null();
        return;
    }
    json.begin_object().key("content").begin_array();
    for (std::size_t i = first; i < last; ++i) {
        json.raw(logprob_json(speech.token(i), *answer.top_logprobs));
    }
    json.end_array().key("refusal").null().end_object();
}

void write_message(JsonWriter& json, const Reply& reply) {
    json.begin_object().key("role").text("assistant").key("content");
    reply.calls.empty() ? json.text(reply.content.text) : json.null();
    json.key("refusal").null();
    bool has_list = false;
    for (const ToolCall& call : reply.calls) {
        if (call.kind == ToolKind::legacy_function) {
            json.key("function_call").begin_object().key("name").text(call.name);
            json.key("arguments").text(call.arguments.text).end_object();
            continue;
        }
        if (!has_list) {
            json.key("tool_calls").begin_array();
            has_list = true;
        }
        const std::string_view kind = kind_name(call.kind);
        json.begin_object().key("id").text(call.id).key("type").text(kind);
        json.key(kind).begin_object().key("name").text(call.name);
        json.key(argument_name(call.kind)).text(call.arguments.text).end_object().end_object();
    }
    if (has_list) {
        json.end_array();
    }
    json.key("annotations").begin_array().end_array().end_object();
}

/// Members that every chunk of a stream, or the one whole answer, begins with.
std::string opening(const ChatAnswer& answer, std::string_view object) {
    std::string out;
    JsonWriter json{out};
    json.begin_object().key("id").text(answer.id).key("object").text(object);
    json.key("created").integer(answer.created).key("model").text(answer.model);
    json.key("service_tier").text(answer.service_tier);
    json.key("system_fingerprint").text(answer.fingerprint);
    return out;
}

/// The chunks of one choice: those before the last carry a token each, but for the first.
class ChoiceChunks {
public:
    ChoiceChunks(const ChatAnswer& answer, std::size_t index)
        : answer_{answer}, reply_{answer.choices[index]} {
        JsonWriter{prefix_}.begin_object().key("index").integer(static_cast<std::int64_t>(index));
        prefix_ += R"(,"delta":)";
    }

    std::string role() const {
        return choice(reply_.calls.empty() ? R"({"role":"assistant","content":"","refusal":null})"
                                           : R"({"role":"assistant","content":null})");
    }

    /// The `round`-th token, from 0; empty when they are over.
    std::string token(std::size_t round) const {
        if (reply_.calls.empty()) {
            return round < reply_.content.ends.size() ? text_token(round) : "";
        }
        for (std::size_t index = 0; index < reply_.calls.size(); ++index) {
            const ToolCall& call = reply_.calls[index];
            if (round <= call.arguments.ends.size()) {
                return call_token(call, index, round);
            }
            round -= call.arguments.ends.size() + 1;
        }
        return "";
    }

    std::string finish() const {
        std::string out = prefix_ + R"({},"logprobs":null,"finish_reason":)";
        JsonWriter{out}.text(to_string(reply_.ending));
        append_filter("{}", out);
        return out + '}';
    }

private:
    std::string choice(std::string_view delta,
                       std::string_view logprobs = "null",
                       std::string_view filter_report = "{}") const {
        std::string out = prefix_;
        out += delta;
        out += R"(,"logprobs":)";
        out += logprobs;
        out += R"(,"finish_reason":null)";
        append_filter(filter_report, out);
        return out + '}';
    }

    void append_filter(std::string_view report, std::string& out) const {
        if (answer_.tells_filter) {
            out += R"(,"content_filter_results":)";
            out += report;
        }
    }

    std::string text_token(std::size_t round) const {
        std::string delta;
        JsonWriter{delta}
            .begin_object()
            .key("content")
            .text(reply_.content.token(round))
            .end_object();
        std::string logprobs;
        JsonWriter json{logprobs};
        write_logprobs(json, answer_, reply_.content, round, round + 1);
        return choice(delta, logprobs, choice_filter_report());
    }

    /// Round 0 opens the call, the others bring its arguments.
    std::string call_token(const ToolCall& call, std::size_t index, std::size_t round) const {
        std::string delta;
        JsonWriter json{delta};
        const bool is_legacy = call.kind == ToolKind::legacy_function;
        const std::string_view kind = kind_name(call.kind);
        json.begin_object();
        if (is_legacy) {
            json.key("function_call").begin_object();
        } else {
            json.key("tool_calls").begin_array().begin_object();
            json.key("index").integer(static_cast<std::int64_t>(index));
            if (round == 0) {
                json.key("id").text(call.id).key("type").text(kind);
            }
            json.key(kind).begin_object();
        }
        if (round == 0) {
            json.key("name").text(call.name);
        }
        json.key(argument_name(call.kind)).text(round == 0 ? "" : call.arguments.token(round - 1));
        json.end_object();
        if (!is_legacy) {
            json.end_object().end_array();
        }
        json.end_object();
        return choice(delta);
    }

    const ChatAnswer& answer_;
    const Reply& reply_;
    std::string prefix_;
};

}  // namespace

std::string chat_completion_json(const ChatAnswer& answer) {
    std::string out = opening(answer, "chat.completion");
    out += R"(,"choices":)";
    JsonWriter json{out};
    json.begin_array();
    std::int64_t index = 0;
    for (const Reply& reply : answer.choices) {
        json.begin_object().key("index").integer(index++).key("message");
        write_message(json, reply);
        json.key("logprobs");
        write_logprobs(json, answer, reply.content, 0, reply.content.ends.size());
        json.key("finish_reason").text(to_string(reply.ending));
        if (answer.tells_filter) {
            json.key("content_filter_results").raw(choice_filter_report());
        }
        json.end_object();
    }
    json.end_array();
    if (answer.tells_filter) {
        json.key("prompt_filter_results").raw(prompt_filter_results(1));
    }
    json.key("usage").raw(chat_usage(answer.count)).end_object();
    return out;
}

WireScript chat_stream(const ChatAnswer& answer, const Call& call) {
    EventStream stream{call};
    const std::string head = opening(answer, "chat.completion.chunk") + R"(,"choices":[)";
    const std::string_view tail = answer.include_usage ? R"(],"usage":null})" : "]}";
    const auto send = [&](std::string_view choice) {
        std::string chunk;
        chunk.reserve(head.size() + choice.size() + tail.size());
        chunk += head;
        chunk += choice;
        chunk += tail;
        stream.data(chunk);
    };
    if (answer.tells_filter) {
        stream.data(prompt_filter_chunk(1));
    }
    std::vector<ChoiceChunks> choices;
    for (std::size_t i = 0; i < answer.choices.size(); ++i) {
        choices.emplace_back(answer, i);
        send(choices.back().role());
    }
    // Round by round, so that the choices come interleaved; one that is over ends in its turn.
    const auto rounds = static_cast<std::size_t>(answer.longest());
    for (std::size_t round = 0; round <= rounds; ++round) {
        if (round < rounds) {
            stream.tick();
        }
        for (std::size_t i = 0; i < choices.size(); ++i) {
            const auto own_rounds = static_cast<std::size_t>(answer.choices[i].rounds());
            if (round < own_rounds) {
                send(choices[i].token(round));
            } else if (round == own_rounds) {
                send(choices[i].finish());
            }
        }
    }
    if (answer.include_usage) {
        stream.data(head + R"(],"usage":)" + chat_usage(answer.count) + '}');
    }
    stream.data("[DONE]");
    return stream.finish();
}

}  // namespace headgate::providers
