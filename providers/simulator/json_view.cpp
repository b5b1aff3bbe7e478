#include "providers/simulator/json_view.h"

#include "providers/contract/json_reader.h"

#include <rapidjson/document.h>

namespace headgate::providers {
namespace {

const rapidjson::Value& value_of(const void* value) {
    static const rapidjson::Value kAbsent;  // null
    return value == nullptr ? kAbsent : *static_cast<const rapidjson::Value*>(value);
}

std::string_view text_of(const rapidjson::Value& string) {
    return {string.GetString(), string.GetStringLength()};
}

bool is_acceptable(std::string_view text) {
    JsonReader reader{text};
    for (JsonToken token = reader.next(); token != JsonToken::end; token = reader.next()) {
        const bool is_text = token == JsonToken::string || token == JsonToken::key;
        if (token == JsonToken::error ||
            (is_text && reader.has_escapes() && reader.has_lone_surrogate())) {
            return false;
        }
    }
    return true;
}

}  // namespace

bool JsonView::is_null() const {
    return value_of(value_).IsNull();
}

bool JsonView::is_object() const {
    return value_of(value_).IsObject();
}

bool JsonView::is_array() const {
    return value_of(value_).IsArray();
}

bool JsonView::is_string() const {
    return value_of(value_).IsString();
}

bool JsonView::is_number() const {
    return value_of(value_).IsNumber();
}

bool JsonView::is_boolean() const {
    return value_of(value_).IsBool();
}

std::string_view JsonView::text() const {
    return is_string() ? text_of(value_of(value_)) : std::string_view{};
}

std::optional<std::int64_t> JsonView::integer() const {
    const rapidjson::Value& value = value_of(value_);
    if (!value.IsInt64()) {
        return std::nullopt;
    }
    return value.GetInt64();
}

double JsonView::number() const {
    return is_number() ? value_of(value_).GetDouble() : 0.0;
}

bool JsonView::boolean() const {
    return value_of(value_).IsTrue();
}

std::size_t JsonView::size() const {
    const rapidjson::Value& value = value_of(value_);
    if (value.IsArray()) {
        return value.Size();
    }
    return value.IsObject() ? value.MemberCount() : 0;
}

JsonView JsonView::operator[](std::string_view name) const {
    const rapidjson::Value& value = value_of(value_);
    if (!value.IsObject()) {
        return {};
    }
    for (const auto& member : value.GetObject()) {
        if (text_of(member.name) == name) {
            return JsonView{&member.value};
        }
    }
    return {};
}

JsonView JsonView::at(std::size_t index) const {
    const rapidjson::Value& value = value_of(value_);
    if (!value.IsArray() || index >= value.Size()) {
        return {};
    }
    return JsonView{&value[static_cast<rapidjson::SizeType>(index)]};
}

std::pair<std::string_view, JsonView> JsonView::member(std::size_t index) const {
    const rapidjson::Value& value = value_of(value_);
    if (!value.IsObject() || index >= value.MemberCount()) {
        return {};
    }
    const auto& member = *(value.MemberBegin() + static_cast<std::ptrdiff_t>(index));
    return {text_of(member.name), JsonView{&member.value}};
}

std::string_view JsonView::kind() const {
    const rapidjson::Value& value = value_of(value_);
    switch (value.GetType()) {
        case rapidjson::kNullType:
            return "null";
        case rapidjson::kFalseType:
        case rapidjson::kTrueType:
            return "a boolean";
        case rapidjson::kObjectType:
            return "an object";
        case rapidjson::kArrayType:
            return "an array";
        case rapidjson::kStringType:
            return "a string";
        case rapidjson::kNumberType:
            break;
    }
    return value.IsInt64() ? "an integer" : "a decimal";
}

struct JsonDocument::Tree {
    rapidjson::Document document;
};

JsonDocument::JsonDocument(std::unique_ptr<Tree> tree) : tree_{std::move(tree)} {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

std::optional<JsonDocument> JsonDocument::parse(std::string_view text) {
    // Our own reader bounds the depth first: whoever walks the tree may then recurse.
    if (!is_acceptable(text)) {
        return std::nullopt;
    }
    auto tree = std::make_unique<Tree>();
    tree->document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
    if (tree->document.HasParseError()) {  // a number beyond a double
        return std::nullopt;
    }
    return JsonDocument{std::move(tree)};
}

JsonView JsonDocument::root() const {
    return JsonView{static_cast<const rapidjson::Value*>(&tree_->document)};
}

}  // namespace headgate::providers
