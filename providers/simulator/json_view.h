#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace headgate::providers {

/// A value inside a JsonDocument, or the absence of one: looking into what is not there gives
/// another absent view, so that optional fields read without branches. Valid as long as the
/// document. Private to this folder.
class JsonView {
public:
    JsonView() = default;

    bool is_absent() const { return value_ == nullptr; }
    /// Absent or null: OpenAI treats both alike nearly everywhere.
    bool is_null() const;
    bool is_object() const;
    bool is_array() const;
    bool is_string() const;
    bool is_number() const;
    bool is_boolean() const;

    /// A string's text, else "".
    std::string_view text() const;
    /// A number without a fraction that fits 64 bits.
    std::optional<std::int64_t> integer() const;
    /// A number's value, else 0.
    double number() const;
    /// True only for the literal true.
    bool boolean() const;

    /// Elements of an array, members of an object, else 0.
    std::size_t size() const;
    /// The member `name` (the first of that name), absent where there is none. Linear.
    JsonView operator[](std::string_view name) const;
    JsonView at(std::size_t index) const;
    std::pair<std::string_view, JsonView> member(std::size_t index) const;

    /// "a string", "null", "an array": for messages.
    std::string_view kind() const;

private:
    friend class JsonDocument;
    explicit JsonView(const void* value) : value_{value} {}

    const void* value_ = nullptr;  // a rapidjson::Value
};

/// A parsed JSON text. Strict as JsonReader is (RFC 8259, depth up to 128), and as OpenAI is about
/// lone surrogates, which it refuses.
class JsonDocument {
public:
    static std::optional<JsonDocument> parse(std::string_view text);

    JsonDocument(JsonDocument&&) noexcept;
    JsonDocument& operator=(JsonDocument&&) noexcept;
    ~JsonDocument();

    JsonView root() const;

private:
    struct Tree;
    explicit JsonDocument(std::unique_ptr<Tree> tree);

    std::unique_ptr<Tree> tree_;
};

}  // namespace headgate::providers
