#pragma once

#include "providers/simulator/json_view.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::providers {

/// Appends one JSON value, piece by piece, without spaces. The caller pairs begin and end, and
/// writes a key before each value inside an object:
///
///   JsonWriter{out}.begin_object().key("n").integer(2).end_object();
///
/// Text that is not UTF-8 becomes U+FFFD. Private to this folder.
class JsonWriter {
public:
    /// `out` must outlive the writer.
    explicit JsonWriter(std::string& out) : out_{out} {}

    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }
    /// `name` is written as it is: ours, or already escaped.
    JsonWriter& key(std::string_view name);

    JsonWriter& text(std::string_view value);
    JsonWriter& integer(std::int64_t value);
    /// The shortest form that reads back as the same number; never an exponent without need.
    JsonWriter& number(double value);
    JsonWriter& number(float value);
    JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
    JsonWriter& null() { return raw("null"); }
    /// `json` is one whole value already.
    JsonWriter& raw(std::string_view json);
    /// A value as it came, absent as null.
    JsonWriter& view(JsonView value);

private:
    JsonWriter& open(char bracket);
    JsonWriter& close(char bracket);
    void separate();
    template <class Number>
    JsonWriter& digits(Number value);

    std::string& out_;
    bool owes_comma_ = false;
};

}  // namespace headgate::providers
