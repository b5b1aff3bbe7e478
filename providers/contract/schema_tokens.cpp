#include "providers/contract/schema_tokens.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace headgate::providers {
namespace {

constexpr MilliTokens kToken = 1'000;

constexpr MilliTokens kToolsFrame = 12 * kToken;    // namespace functions { … }
constexpr MilliTokens kFunctionFrame = 5 * kToken;  // type … = (_: { … }) => any;
constexpr MilliTokens kPropertyFrame = 3 * kToken;  // …?: string, and the line's end
constexpr MilliTokens kCommentFrame = 2 * kToken;   // // … and the line's end
constexpr MilliTokens kChoiceFrame = 3 * kToken;    // "…" |

enum class Part : std::uint8_t {
    tools,
    tool,
    schema,
    properties,
    name,
    comment,
    choices,
    ignored,
};

struct Key {
    std::string_view name;
    Part inside;  // where the key stands
    Part value;
};

constexpr Key kKeys[] = {
    {"function", Part::tool, Part::tool},     {"custom", Part::tool, Part::tool},
    {"name", Part::tool, Part::name},         {"description", Part::tool, Part::comment},
    {"parameters", Part::tool, Part::schema}, {"description", Part::schema, Part::comment},
    {"title", Part::schema, Part::comment},   {"properties", Part::schema, Part::properties},
    {"items", Part::schema, Part::schema},    {"anyOf", Part::schema, Part::schema},
    {"oneOf", Part::schema, Part::schema},    {"enum", Part::schema, Part::choices},
};

/// Recursion ends at JsonReader::kMaxDepth.
class ToolsWalk {
public:
    ToolsWalk(JsonReader& reader, MilliTokens& sum) : reader_{reader}, sum_{sum} {}

    bool value(Part part) {
        if (part == Part::ignored) {
            return reader_.skip();
        }
        return element(reader_.next(), part);
    }

private:
    bool element(JsonToken token, Part part) {
        switch (token) {
            case JsonToken::begin_array:
                return array(part);
            case JsonToken::begin_object:
                return object(part);
            case JsonToken::string:
                sum_ += string(part);
                return true;
            default:
                return token != JsonToken::error && token != JsonToken::end;
        }
    }

    bool array(Part part) {
        for (JsonToken token = reader_.next(); token != JsonToken::end_array;
             token = reader_.next()) {
            if (!element(token, part)) {
                return false;
            }
        }
        return true;
    }

    bool object(Part part) {
        if (part == Part::tools) {
            sum_ += kFunctionFrame;
            part = Part::tool;
        }
        while (reader_.next() == JsonToken::key) {
            Part next = Part::schema;
            if (part == Part::properties) {
                sum_ += guess_tokens_of_json(reader_.raw()) + kPropertyFrame;
            } else {
                next = part_of_key(part);
            }
            if (!value(next)) {
                return false;
            }
        }
        return reader_.token() == JsonToken::end_object;
    }

    MilliTokens string(Part part) const {
        switch (part) {
            case Part::name:
                return guess_tokens_of_json(reader_.raw());
            case Part::comment:
                return guess_tokens_of_json(reader_.raw()) + kCommentFrame;
            case Part::choices:
                return guess_tokens_of_json(reader_.raw()) + kChoiceFrame;
            default:
                return 0;
        }
    }

    Part part_of_key(Part inside) const {
        const Key* const key = std::ranges::find_if(kKeys, [&](const Key& candidate) {
            return candidate.inside == inside && candidate.name == reader_.raw();
        });
        return key == std::end(kKeys) ? Part::ignored : key->value;
    }

    JsonReader& reader_;
    MilliTokens& sum_;
};

}  // namespace

bool guess_tools(JsonReader& reader, MilliTokens& sum) {
    const MilliTokens before = sum;
    const bool is_passed = ToolsWalk{reader, sum}.value(Part::tools);
    sum += sum > before ? kToolsFrame : 0;
    return is_passed;
}

bool guess_answer_format(JsonReader& reader, Bytes body, MilliTokens& sum) {
    const JsonToken first = reader.next();
    if (first == JsonToken::begin_array) {
        return reader.leave(reader.depth());
    }
    if (first != JsonToken::begin_object) {
        return first != JsonToken::error && first != JsonToken::end;
    }
    while (reader.next() == JsonToken::key) {
        const bool is_wrapper = reader.raw() == "json_schema" || reader.raw() == "format";
        const bool is_schema = reader.raw() == "schema";
        const std::size_t begin = reader.range().end;
        if (is_wrapper ? !guess_answer_format(reader, body, sum) : !reader.skip()) {
            return false;
        }
        if (is_schema) {
            sum += guess_tokens(body.substr(begin, reader.range().end - begin));
        }
    }
    return reader.token() == JsonToken::end_object;
}

}  // namespace headgate::providers
