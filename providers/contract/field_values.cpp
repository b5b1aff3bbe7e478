#include "providers/contract/field_values.h"

#include <utility>

namespace headgate::providers {

std::string_view kind_of(JsonToken token) {
    switch (token) {
        case JsonToken::begin_object:
            return "an object";
        case JsonToken::begin_array:
            return "an array";
        case JsonToken::string:
            return "a string";
        case JsonToken::number:
            return "a number";
        case JsonToken::true_value:
        case JsonToken::false_value:
            return "a boolean";
        default:
            return "null";
    }
}

ApiError invalid_json(std::string_view problem, std::size_t offset) {
    std::string message = "The request body is not valid JSON: ";
    message.append(problem).append(" at byte ").append(std::to_string(offset)).append(".");
    return {
        .code = ErrorCode::invalid_json, .message = std::move(message), .param = {}, .allow = {}};
}

ApiError invalid_request(std::string message, std::string_view param) {
    return {.code = ErrorCode::invalid_request,
            .message = std::move(message),
            .param = std::string{param},
            .allow = {}};
}

bool FieldValues::read_bool(std::string_view name, bool& value) {
    const JsonToken token = reader_.next();
    value = token == JsonToken::true_value;
    return value || token == JsonToken::false_value || token == JsonToken::null_value ||
           wrong_type(name, "true or false");
}

bool FieldValues::read_integer(std::string_view name,
                               Range range,
                               std::optional<std::int64_t>& value) {
    value.reset();
    const JsonToken token = reader_.next();
    if (token == JsonToken::null_value) {
        return true;
    }
    std::int64_t number = 0;
    if (token == JsonToken::number && reader_.integer(number) && number >= range.low &&
        number <= range.high) {
        value = number;
        return true;
    }
    return wrong_type(
        name, "an integer from " + std::to_string(range.low) + " to " + std::to_string(range.high));
}

bool FieldValues::read_any_integer(std::string_view name, bool& is_present) {
    const JsonToken token = reader_.next();
    is_present =
        token == JsonToken::number && reader_.raw().find_first_of(".eE") == std::string_view::npos;
    return is_present || token == JsonToken::null_value || wrong_type(name, "an integer");
}

bool FieldValues::read_number(std::string_view name, std::string_view& value) {
    const JsonToken token = reader_.next();
    value = token == JsonToken::number ? reader_.raw() : std::string_view{};
    return token == JsonToken::number || token == JsonToken::null_value ||
           wrong_type(name, "a number");
}

bool FieldValues::read_string(std::string_view name, std::string_view& value) {
    const JsonToken token = reader_.next();
    value = token == JsonToken::string ? text() : std::string_view{};
    return token == JsonToken::string || token == JsonToken::null_value ||
           wrong_type(name, "a string");
}

bool FieldValues::read_words(std::string_view name, std::string_view word, bool& has_word) {
    const JsonToken first = reader_.next();
    if (first == JsonToken::null_value) {
        return true;
    }
    if (first != JsonToken::begin_array) {
        return wrong_type(name, "an array");
    }
    while (reader_.next() != JsonToken::end_array) {
        const JsonToken token = reader_.token();
        const bool opens = token == JsonToken::begin_array || token == JsonToken::begin_object;
        if (token == JsonToken::error || (opens && !reader_.leave(reader_.depth()))) {
            return false;
        }
        has_word = has_word || (token == JsonToken::string && reader_.is(word));
    }
    return true;
}

bool FieldValues::wrong_type(std::string_view name, std::string_view wanted) {
    if (reader_.fault() != JsonFault::none) {
        return false;
    }
    constexpr std::size_t kShownDigits = 24;
    const bool is_shown =
        reader_.token() == JsonToken::number && reader_.raw().size() <= kShownDigits;
    std::string message = "Invalid value for '";
    message.append(name).append("': it must be ").append(wanted).append("; it is ");
    message.append(is_shown ? reader_.raw() : kind_of(reader_.token())).append(".");
    return refuse(invalid_request(std::move(message), name));
}

bool FieldValues::refuse(ApiError error) {
    error_ = std::move(error);
    return false;
}

ApiError FieldValues::mistake() const {
    return error_ ? *error_ : invalid_json(to_string(reader_.fault()), reader_.fault_offset());
}

std::string_view FieldValues::text() {
    if (!reader_.has_escapes()) {
        return reader_.raw();
    }
    if (unescaped_ == nullptr) {
        unescaped_ = std::make_shared<std::forward_list<std::string>>();
    }
    return unescaped_->emplace_front(reader_.text());
}

}  // namespace headgate::providers
