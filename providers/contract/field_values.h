#pragma once

#include "providers/contract/api_error.h"
#include "providers/contract/json_reader.h"

#include <cstdint>
#include <forward_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::providers {

ApiError invalid_json(std::string_view problem, std::size_t offset);
ApiError invalid_request(std::string message, std::string_view param);

/// "an object", "a number", "null": what a value begins with, for a message.
std::string_view kind_of(JsonToken token);

/// Reads the values of a request body's fields and keeps the first mistake. All functions that read
/// take the next value of the reader and return false on a mistake: `mistake()` tells it, or the
/// reader's fault. `null` is absent everywhere.
class FieldValues {
public:
    explicit FieldValues(Bytes body) : reader_{body} {}

    JsonReader& reader() { return reader_; }

    struct Range {
        std::int64_t low = 1;
        std::int64_t high = 0;
    };

    bool read_bool(std::string_view name, bool& value);
    bool read_integer(std::string_view name, Range range, std::optional<std::int64_t>& value);
    bool read_string(std::string_view name, std::string_view& value);
    /// The number as spelled.
    bool read_number(std::string_view name, std::string_view& value);
    /// True in `is_present` for an integer of any size.
    bool read_any_integer(std::string_view name, bool& is_present);
    /// Whether the array holds the string `word`.
    bool read_words(std::string_view name, std::string_view word, bool& has_word);

    /// The string's text: in the body where it has no escapes, else in unescaped().
    std::string_view text();
    std::shared_ptr<const std::forward_list<std::string>> unescaped() const { return unescaped_; }

    /// Refuses the value just read, telling what stands where `wanted` should; false. A fault of
    /// the reader is told as such.
    bool wrong_type(std::string_view name, std::string_view wanted);
    bool refuse(ApiError error);
    ApiError mistake() const;

private:
    JsonReader reader_;
    std::optional<ApiError> error_;
    std::shared_ptr<std::forward_list<std::string>> unescaped_;
};

}  // namespace headgate::providers
