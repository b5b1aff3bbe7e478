#include "providers/simulator/json_writer.h"
#include "providers/simulator/responses.h"

namespace headgate::providers {
namespace {

using Kind = OutputItem::Kind;

/// How much of an item or response is told.
enum class Stage : std::uint8_t { begun, done };

void write_logprobs(JsonWriter& json,
                    const ResponsesAnswer& answer,
                    const Speech& speech,
                    std::size_t first,
                    std::size_t last) {
    json.key("logprobs").begin_array();
    for (std::size_t i = first; answer.top_logprobs && i < last; ++i) {
        json.raw(logprob_json(speech.token(i), *answer.top_logprobs));
    }
    json.end_array();
}

void write_text_part(JsonWriter& json,
                     const ResponsesAnswer& answer,
                     const OutputItem& item,
                     Stage stage) {
    const bool is_done = stage == Stage::done;
    json.begin_object().key("type").text("output_text");
    json.key("annotations").begin_array().end_array();
    write_logprobs(json, answer, item.text, 0, is_done ? item.text.ends.size() : 0);
    json.key("text").text(is_done ? item.text.text : "").end_object();
}

void write_summary_part(JsonWriter& json, std::string_view text) {
    json.begin_object().key("type").text("summary_text").key("text").text(text).end_object();
}

std::string_view status_of(const OutputItem& item, Stage stage) {
    return stage == Stage::begun ? "in_progress" : item.is_complete ? "completed" : "incomplete";
}

void write_item(JsonWriter& json,
                const ResponsesAnswer& answer,
                const OutputItem& item,
                Stage stage) {
    const bool is_done = stage == Stage::done;
    json.begin_object().key("id").text(item.id);
    switch (item.kind) {
        case Kind::reasoning:
            json.key("type").text("reasoning").key("summary").begin_array();
            if (is_done && item.has_summary) {
                write_summary_part(json, item.text.text);
            }
            json.end_array();
            if (!item.encrypted.empty()) {
                json.key("encrypted_content").text(is_done ? item.encrypted : "");
            }
            break;
        case Kind::message:
            json.key("type").text("message").key("status").text(status_of(item, stage));
            json.key("content").begin_array();
            if (is_done) {
                write_text_part(json, answer, item, stage);
            }
            json.end_array().key("role").text("assistant");
            break;
        case Kind::function_call:
            json.key("type").text("function_call").key("status").text(status_of(item, stage));
            json.key("arguments").text(is_done ? item.text.text : "");
            json.key("call_id").text(item.call_id).key("name").text(item.name);
            break;
        case Kind::custom_call:
            json.key("type").text("custom_tool_call").key("status").text(status_of(item, stage));
            json.key("input").text(is_done ? item.text.text : "");
            json.key("call_id").text(item.call_id).key("name").text(item.name);
            break;
    }
    json.end_object();
}

std::string response_at(const ResponsesAnswer& answer, Stage stage) {
    const bool is_done = stage == Stage::done;
    std::string out;
    JsonWriter json{out};
    json.begin_object().key("id").text(answer.id).key("object").text("response");
    json.key("created_at").integer(answer.created).key("status");
    json.text(!is_done ? "in_progress" : answer.is_complete ? "completed" : "incomplete");
    json.key("completed_at");
    is_done&& answer.is_complete ? json.integer(answer.created) : json.null();
    json.key("error").null().key("incomplete_details");
    is_done && !answer.is_complete ? json.raw(R"({"reason":"max_output_tokens"})") : json.null();
    out += answer.settings;
    json.key("output").begin_array();
    for (std::size_t i = 0; is_done && i < answer.items.size(); ++i) {
        write_item(json, answer, answer.items[i], Stage::done);
    }
    json.end_array().key("usage");
    is_done ? json.raw(responses_usage(answer.count)) : json.null();
    json.end_object();
    return out;
}

/// Writes the events in their order. Each is opened with its type and number, and closed by send().
class ResponseEvents {
public:
    ResponseEvents(const ResponsesAnswer& answer, const Call& call)
        : answer_{answer}, stream_{call} {}

    WireScript write() {
        send_response("response.created", Stage::begun);
        send_response("response.in_progress", Stage::begun);
        for (std::size_t i = 0; i < answer_.items.size(); ++i) {
            write_item_events(i);
        }
        send_response(answer_.is_complete ? "response.completed" : "response.incomplete",
                      Stage::done);
        return stream_.finish();
    }

private:
    /// Calls `members` to write the event's own members.
    template <class Members>
    void send(std::string_view type, Members members) {
        std::string out;
        JsonWriter json{out};
        json.begin_object().key("type").text(type).key("sequence_number").integer(number_++);
        members(json);
        json.end_object();
        stream_.event(type, out);
    }

    void send_response(std::string_view type, Stage stage) {
        send(type,
             [&](JsonWriter& json) { json.key("response").raw(response_at(answer_, stage)); });
    }

    /// An event about a piece of the item `index`; `inner` is content_index or summary_index.
    template <class Members>
    void send_piece(std::string_view type,
                    std::size_t index,
                    std::string_view inner,
                    Members members) {
        send(type, [&](JsonWriter& json) {
            json.key("item_id").text(answer_.items[index].id);
            json.key("output_index").integer(static_cast<std::int64_t>(index));
            if (!inner.empty()) {
                json.key(inner).integer(0);
            }
            members(json);
        });
    }

    void send_item(std::string_view type, std::size_t index, Stage stage) {
        send(type, [&](JsonWriter& json) {
            json.key("output_index").integer(static_cast<std::int64_t>(index)).key("item");
            write_item(json, answer_, answer_.items[index], stage);
        });
    }

    void write_item_events(std::size_t index) {
        const OutputItem& item = answer_.items[index];
        if (item.kind == Kind::function_call || item.kind == Kind::custom_call) {
            stream_.tick();  // the name is said first
        }
        send_item("response.output_item.added", index, Stage::begun);
        switch (item.kind) {
            case Kind::message:
                write_message(index);
                break;
            case Kind::reasoning:
                write_summary(index);
                break;
            case Kind::function_call:
                write_call(index, "response.function_call_arguments", "arguments");
                break;
            case Kind::custom_call:
                write_call(index, "response.custom_tool_call_input", "input");
                break;
        }
        send_item("response.output_item.done", index, Stage::done);
    }

    void write_message(std::size_t index) {
        constexpr std::string_view kInner = "content_index";
        const OutputItem& item = answer_.items[index];
        send_piece("response.content_part.added", index, kInner, [&](JsonWriter& json) {
            write_text_part(json.key("part"), answer_, item, Stage::begun);
        });
        for (std::size_t i = 0; i < item.text.ends.size(); ++i) {
            stream_.tick();
            send_piece("response.output_text.delta", index, kInner, [&](JsonWriter& json) {
                json.key("delta").text(item.text.token(i));
                write_logprobs(json, answer_, item.text, i, i + 1);
            });
        }
        send_piece("response.output_text.done", index, kInner, [&](JsonWriter& json) {
            json.key("text").text(item.text.text);
            write_logprobs(json, answer_, item.text, 0, item.text.ends.size());
        });
        send_piece("response.content_part.done", index, kInner, [&](JsonWriter& json) {
            write_text_part(json.key("part"), answer_, item, Stage::done);
        });
    }

    void write_summary(std::size_t index) {
        constexpr std::string_view kInner = "summary_index";
        const OutputItem& item = answer_.items[index];
        if (!item.has_summary) {
            return;
        }
        send_piece("response.reasoning_summary_part.added", index, kInner,
                   [&](JsonWriter& json) { write_summary_part(json.key("part"), ""); });
        for (std::size_t i = 0; i < item.text.ends.size(); ++i) {
            send_piece("response.reasoning_summary_text.delta", index, kInner,
                       [&](JsonWriter& json) { json.key("delta").text(item.text.token(i)); });
        }
        send_piece("response.reasoning_summary_text.done", index, kInner,
                   [&](JsonWriter& json) { json.key("text").text(item.text.text); });
        send_piece("response.reasoning_summary_part.done", index, kInner,
                   [&](JsonWriter& json) { write_summary_part(json.key("part"), item.text.text); });
    }

    void write_call(std::size_t index, std::string_view stem, std::string_view whole) {
        const OutputItem& item = answer_.items[index];
        const std::string delta = std::string{stem} + ".delta";
        for (std::size_t i = 0; i < item.text.ends.size(); ++i) {
            stream_.tick();
            send_piece(delta, index, "",
                       [&](JsonWriter& json) { json.key("delta").text(item.text.token(i)); });
        }
        send_piece(std::string{stem} + ".done", index, "", [&](JsonWriter& json) {
            if (item.kind == Kind::function_call) {
                json.key("name").text(item.name);
            }
            json.key(whole).text(item.text.text);
        });
    }

    const ResponsesAnswer& answer_;
    EventStream stream_;
    std::int64_t number_ = 0;
};

}  // namespace

std::string response_json(const ResponsesAnswer& answer) {
    return response_at(answer, Stage::done);
}

WireScript responses_stream(const ResponsesAnswer& answer, const Call& call) {
    return ResponseEvents{answer, call}.write();
}

}  // namespace headgate::providers
