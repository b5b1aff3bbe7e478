#include "providers/simulator/json_writer.h"

#include "providers/contract/api_error.h"

#include <array>
#include <charconv>

namespace headgate::providers {

void JsonWriter::separate() {
    if (owes_comma_) {
        out_ += ',';
    }
    owes_comma_ = true;
}

template <class Number>
JsonWriter& JsonWriter::digits(Number value) {
    separate();
    std::array<char, 32> text{};  // a double takes at most 24
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
    out_.append(text.data(), end.ptr);
    return *this;
}

JsonWriter& JsonWriter::open(char bracket) {
    separate();
    out_ += bracket;
    owes_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
    out_ += bracket;
    owes_comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    out_ += '"';
    out_ += name;
    out_ += "\":";
    owes_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
    separate();
    out_ += '"';
    append_json_escaped(out_, value);
    out_ += '"';
    return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
    return digits(value);
}

JsonWriter& JsonWriter::number(double value) {
    return digits(value);
}

JsonWriter& JsonWriter::number(float value) {
    return digits(value);
}

JsonWriter& JsonWriter::raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
}

JsonWriter& JsonWriter::view(JsonView value) {
    if (value.is_string()) {
        return text(value.text());
    }
    if (value.is_boolean()) {
        return boolean(value.boolean());
    }
    if (value.is_number()) {
        const auto whole = value.integer();
        return whole ? integer(*whole) : number(value.number());
    }
    if (value.is_array()) {
        begin_array();
        for (std::size_t i = 0; i < value.size(); ++i) {
            view(value.at(i));
        }
        return end_array();
    }
    if (!value.is_object()) {
        return null();
    }
    begin_object();
    for (std::size_t i = 0; i < value.size(); ++i) {
        const auto [name, member] = value.member(i);
        std::string escaped;
        append_json_escaped(escaped, name);
        key(escaped).view(member);
    }
    return end_object();
}

}  // namespace headgate::providers
