#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// An array of texts or of bigints, built element by element.
class PgArray {
public:
    static PgArray texts();
    static PgArray numbers();

    void add(std::string_view value);
    void add(std::int64_t value);
    void add_null();

private:
    friend class PgParams;
    explicit PgArray(std::uint32_t type) : type_{type} {}

    std::uint32_t type_;
    std::uint32_t count_ = 0;
    std::string bytes_;
};

/// The parameters of one statement, in PostgreSQL's binary format: nothing needs escaping, and a
/// text is any bytes (the server refuses what is no UTF-8).
class PgParams {
public:
    PgParams& text(std::string_view value);
    PgParams& number(std::int64_t value);
    PgParams& boolean(bool value);
    PgParams& null();
    PgParams& number_or_null(std::optional<std::int64_t> value);

    PgParams& array(const PgArray& value);

    struct Value {
        std::size_t offset = 0;
        std::size_t bytes = 0;
        bool is_null = false;
    };
    std::span<const Value> values() const { return values_; }
    const char* bytes() const { return bytes_.data(); }

private:
    std::string& begin();
    PgParams& end();

    std::string bytes_;
    std::vector<Value> values_;
};

}  // namespace headgate::policy
