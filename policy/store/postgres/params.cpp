#include "policy/store/postgres/params.h"

namespace headgate::policy {
namespace {

// Object ids of built-in types: PostgreSQL's pg_type.dat; they never change.
constexpr std::uint32_t kBigint = 20;
constexpr std::uint32_t kText = 25;

constexpr std::uint32_t kNullLength = 0xFFFFFFFF;  // -1

void put32(std::string& to, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        to += static_cast<char>(value >> shift);
    }
}

void put64(std::string& to, std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    put32(to, static_cast<std::uint32_t>(bits >> 32));
    put32(to, static_cast<std::uint32_t>(bits));
}

}  // namespace

PgArray PgArray::texts() {
    return PgArray{kText};
}

PgArray PgArray::numbers() {
    return PgArray{kBigint};
}

void PgArray::add(std::string_view value) {
    put32(bytes_, static_cast<std::uint32_t>(value.size()));
    bytes_ += value;
    ++count_;
}

void PgArray::add(std::int64_t value) {
    put32(bytes_, sizeof value);
    put64(bytes_, value);
    ++count_;
}

void PgArray::add_null() {
    put32(bytes_, kNullLength);
    ++count_;
}

std::string& PgParams::begin() {
    values_.push_back({.offset = bytes_.size()});
    return bytes_;
}

PgParams& PgParams::end() {
    values_.back().bytes = bytes_.size() - values_.back().offset;
    return *this;
}

PgParams& PgParams::text(std::string_view value) {
    begin() += value;
    return end();
}

PgParams& PgParams::number(std::int64_t value) {
    put64(begin(), value);
    return end();
}

PgParams& PgParams::boolean(bool value) {
    begin() += static_cast<char>(value ? 1 : 0);
    return end();
}

PgParams& PgParams::null() {
    begin();
    values_.back().is_null = true;
    return *this;
}

PgParams& PgParams::number_or_null(std::optional<std::int64_t> value) {
    return value ? number(*value) : null();
}

/// As array_recv of the server reads it: the number of dimensions, whether there may be nulls, the
/// element type; of each dimension its length and first index; the elements, each after its length.
PgParams& PgParams::array(const PgArray& value) {
    std::string& to = begin();
    put32(to, value.count_ == 0 ? 0 : 1);
    put32(to, 1);
    put32(to, value.type_);
    if (value.count_ != 0) {
        put32(to, value.count_);
        put32(to, 1);
    }
    to += value.bytes_;
    return end();
}

}  // namespace headgate::policy
