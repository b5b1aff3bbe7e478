#pragma once

#include "providers/contract/endpoint.h"
#include "providers/contract/json_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace headgate::providers {

/// What a value of a prompt is, told by the keys above it and never by the words in it.
enum class Place : std::uint8_t {
    text,     // a string, a list of strings, a list of token ids, a list of such lists
    message,  // of chat
    item,     // of the Responses API's input
    part,     // of a content: text, picture, file, sound; also the content itself
    image,    // the URL of a picture, or the object that holds it
    sound,    // base64, or the object that holds it
    media,    // the URL of a film or a sound
    file,     // base64 or a data: URL
    result,   // of an image call: base64
    sealed,   // what the provider encrypted for itself
    kind,     // an item's `type`
    speaker,  // an item's `role`
    label,    // what no model reads as text: ids, types, states
    remote,   // a name for what stands elsewhere
    other,
};

struct PromptKey {
    std::string_view name;
    Place place;
};

/// The keys of an object at `place` that are of interest; all others are Place::other.
/// Shapes: OpenAI's API reference, chat completions, responses and moderations; `video_url` and
/// `audio_url` as compatible servers have them.
constexpr std::span<const PromptKey> prompt_keys(Place place) {
    static constexpr PromptKey message[] = {{"role", Place::label},
                                            {"content", Place::part},
                                            {"tool_call_id", Place::label},
                                            {"audio", Place::remote}};
    static constexpr PromptKey item[] = {
        {"type", Place::kind},    {"role", Place::speaker},
        {"content", Place::part}, {"output", Place::part},
        {"id", Place::label},     {"call_id", Place::label},
        {"status", Place::label}, {"encrypted_content", Place::sealed},
        {"result", Place::result}};
    static constexpr PromptKey part[] = {
        {"type", Place::label},      {"image_url", Place::image}, {"image", Place::image},
        {"detail", Place::label},    {"file", Place::part},       {"file_id", Place::remote},
        {"file_url", Place::remote}, {"file_data", Place::file},  {"input_audio", Place::sound},
        {"video_url", Place::media}, {"audio_url", Place::media}};
    static constexpr PromptKey image[] = {
        {"url", Place::image}, {"detail", Place::label}, {"file_id", Place::remote}};
    static constexpr PromptKey sound[] = {{"data", Place::sound}, {"format", Place::label}};
    static constexpr PromptKey media[] = {{"url", Place::media}};
    switch (place) {
        case Place::message:
            return message;
        case Place::item:
            return item;
        case Place::part:
            return part;
        case Place::image:
            return image;
        case Place::sound:
            return sound;
        case Place::media:
            return media;
        default:
            return {};
    }
}

/// What the elements of an operation's prompt are.
constexpr Place prompt_element(Operation operation) {
    switch (operation) {
        case Operation::chat_completions:
            return Place::message;
        case Operation::responses:
            return Place::item;
        case Operation::moderations:
            return Place::part;
        default:
            return Place::text;
    }
}

/// Walks the value of `messages`, `input` or `prompt` and tells a sink what it finds:
///
///   void text(const JsonReader&);        a string that the model reads
///   void token_id(const JsonReader&);    a number that stands for itself
///   void image(const JsonReader&);       a picture that the string holds
///   void sound(const JsonReader&);       base64 sound
///   void attachment(const JsonReader&);  a file or film that the string holds
///   void remote();                       something that stands elsewhere
///   bool other(JsonReader&);             passes the value of a key that says nothing; false: fault
///
/// All its functions return false on a fault of the reader. Recursion ends at
/// JsonReader::kMaxDepth.
template <class Sink>
class PromptWalk {
public:
    PromptWalk(JsonReader& reader, Sink& sink) : reader_{reader}, sink_{sink} {}

    /// Passes the prompt whole, whose first token has just been read. Counts its elements as
    /// ApiRequest::messages does.
    bool prompt(Operation operation, std::size_t& elements) {
        elements = 0;
        const Place element = prompt_element(operation);
        const JsonToken first = reader_.token();
        if (first != JsonToken::begin_array) {
            elements = first == JsonToken::string ? 1 : 0;
            return value(first, element == Place::item ? Place::text : element);
        }
        bool has_ids = false;
        for (JsonToken token = reader_.next(); token != JsonToken::end_array;
             token = reader_.next()) {
            if (!value(token, element)) {
                return false;
            }
            has_ids = has_ids || token == JsonToken::number;
            elements += token == JsonToken::number ? 0 : 1;
        }
        elements += has_ids ? 1 : 0;
        return true;
    }

private:
    bool next_value(Place place) {
        if (place == Place::label) {
            return reader_.skip();
        }
        return place == Place::other ? sink_.other(reader_) : value(reader_.next(), place);
    }

    bool value(JsonToken token, Place place) {
        if (place == Place::remote && token != JsonToken::null_value) {
            sink_.remote();
        }
        switch (token) {
            case JsonToken::string:
                string(place);
                return true;
            case JsonToken::number:
                sink_.token_id(reader_);
                return true;
            case JsonToken::begin_array:
                return array(place);
            case JsonToken::begin_object:
                return place == Place::item ? item() : object(place);
            default:
                return token != JsonToken::error && token != JsonToken::end;
        }
    }

    bool array(Place place) {
        // A message within a list within the list is none.
        const bool is_flat = place == Place::message || place == Place::item;
        for (JsonToken token = reader_.next(); token != JsonToken::end_array;
             token = reader_.next()) {
            if (!value(token, is_flat ? Place::text : place)) {
                return false;
            }
        }
        return true;
    }

    bool object(Place place) {
        const std::span<const PromptKey> keys = prompt_keys(place);
        while (reader_.next() == JsonToken::key) {
            if (!next_value(place_of_key(keys))) {
                return false;
            }
        }
        return reader_.token() == JsonToken::end_object;
    }

    /// An item whose type we do not know, or that has none but an id, names what the provider
    /// stored. What it once gave to be given back (reasoning, pictures) may stand in the item.
    bool item() {
        constexpr std::string_view given_back[] = {"reasoning", "image_generation_call"};
        item_ = {};
        if (!object(Place::item)) {
            return false;
        }
        const bool is_held = item_.kind.empty() ? item_.has_speaker : is_held_kind(item_.kind);
        const bool is_given_back =
            item_.has_substance &&
            std::ranges::find(given_back, item_.kind) != std::end(given_back);
        if (!is_held && !is_given_back) {
            sink_.remote();
        }
        return true;
    }

    static bool is_held_kind(std::string_view kind) {
        constexpr std::string_view held[] = {"message",
                                             "function_call",
                                             "function_call_output",
                                             "custom_tool_call",
                                             "custom_tool_call_output",
                                             "computer_call",
                                             "computer_call_output",
                                             "local_shell_call",
                                             "local_shell_call_output",
                                             "shell_call",
                                             "shell_call_output",
                                             "apply_patch_call",
                                             "apply_patch_call_output"};
        return std::ranges::find(held, kind) != std::end(held);
    }

    void string(Place place) {
        switch (place) {
            case Place::image:
                is_data_url() ? sink_.image(reader_) : sink_.remote();
                return;
            case Place::media:
                is_data_url() ? sink_.attachment(reader_) : sink_.remote();
                return;
            case Place::file:
                sink_.attachment(reader_);
                return;
            case Place::sound:
                sink_.sound(reader_);
                return;
            case Place::result:
                item_.has_substance = true;
                sink_.image(reader_);
                return;
            case Place::sealed:
                item_.has_substance = true;
                sink_.text(reader_);
                return;
            case Place::kind:
                item_.kind = reader_.raw();  // one with escapes is unknown, which errs to be safe
                return;
            case Place::speaker:
                item_.has_speaker = true;
                return;
            case Place::remote:
                return;
            default:
                sink_.text(reader_);
        }
    }

    Place place_of_key(std::span<const PromptKey> keys) const {
        const std::string_view raw = reader_.raw();
        for (const PromptKey& key : keys) {
            // Sizes and first letters tell most keys apart without a call.
            if (reader_.has_escapes()
                    ? reader_.is(key.name)
                    : raw.size() == key.name.size() && raw[0] == key.name[0] && raw == key.name) {
                return key.place;
            }
        }
        return Place::other;
    }

    /// A scheme is told in any case; one spelled with escapes counts as none.
    bool is_data_url() const {
        constexpr std::string_view scheme = "data:";
        const std::string_view raw = reader_.raw();
        return raw.size() >= scheme.size() &&
               std::ranges::equal(raw.substr(0, scheme.size()), scheme, [](char a, char b) {
                   return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
               });
    }

    struct Item {
        std::string_view kind;
        bool has_speaker = false;
        bool has_substance = false;
    };

    JsonReader& reader_;
    Sink& sink_;
    Item item_;
};

}  // namespace headgate::providers
