#include "providers/openai/error_body.h"

#include "providers/contract/json_reader.h"
#include "providers/openai/json_walk.h"

namespace headgate::providers::openai {
namespace {

/// A member of the error object: its text, and whether OpenAI's own might look so.
struct Member {
    std::optional<std::string> text;
    bool is_there = false;
    bool is_null = true;  // or absent

    bool is_text_or_null() const { return text.has_value() || is_null; }
};

Member text_member(JsonReader& reader) {
    Member member;
    const JsonToken token = reader.next();
    member.is_there = true;
    member.is_null = token == JsonToken::null_value;
    if (token == JsonToken::string) {
        member.text = reader.text();
    }
    leave_value(reader);
    return member;
}

/// `error` as an object.
void read_error_object(JsonReader& reader, ErrorBody& body) {
    Member message;
    Member type;
    Member param;
    Member code;
    while (reader.next() == JsonToken::key) {
        if (reader.is("message")) {
            message = text_member(reader);
        } else if (reader.is("type")) {
            type = text_member(reader);
        } else if (reader.is("param")) {
            param = text_member(reader);
        } else if (reader.is("code")) {
            code = text_member(reader);
            if (reader.token() == JsonToken::number) {
                body.code = std::string{reader.raw()};
            }
        } else {
            reader.skip();
        }
    }
    body.is_openai_shape = message.text && type.is_there && type.is_text_or_null() &&
                           param.is_text_or_null() && code.is_text_or_null();
    body.message = message.text.value_or("");
    body.type = type.text.value_or("");
    body.param = param.text;
    body.code = code.text ? code.text : body.code;
}

/// The members of the outermost object. `error` wins over `message`, that over `detail`.
ErrorBody read_members(JsonReader& reader) {
    ErrorBody body;
    Member message;
    Member detail;
    while (reader.next() == JsonToken::key) {
        if (reader.is("error")) {
            body = {};
            const JsonToken token = reader.next();
            if (token == JsonToken::begin_object) {
                read_error_object(reader, body);
            } else if (token == JsonToken::string) {
                body.message = reader.text();
            }
            leave_value(reader);
        } else if (reader.is("message")) {
            message = text_member(reader);
        } else if (reader.is("detail")) {
            detail = text_member(reader);
        } else {
            reader.skip();
        }
    }
    if (body.message.empty()) {
        body.message = message.text ? *message.text : detail.text.value_or("");
    }
    return body;
}

}  // namespace

std::optional<ErrorBody> parse_error_body(Bytes text) {
    JsonReader reader{text};
    const bool is_array = reader.next() == JsonToken::begin_array;
    if (is_array) {
        reader.next();
    }
    if (reader.token() != JsonToken::begin_object) {
        return std::nullopt;
    }
    ErrorBody body = read_members(reader);
    if (!reader.finish()) {
        return std::nullopt;
    }
    body.is_openai_shape = body.is_openai_shape && !is_array;
    return body;
}

}  // namespace headgate::providers::openai
