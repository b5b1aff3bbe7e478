#include "policy/store/postgres/failure.h"

#include <algorithm>
#include <array>

namespace headgate::policy {
namespace {

constexpr std::size_t kLongestMessage = 350;

/// One SQLSTATE or, with two characters, a class of them. The first that matches holds.
struct Meaning {
    std::string_view state;
    StoreError::Kind kind;
    bool is_connection_usable;
    bool may_be_repeated;
};

constexpr auto away = StoreError::Kind::away;
constexpr auto refused = StoreError::Kind::refused;

constexpr std::array<Meaning, 10> kMeanings{{
    {"22", refused, true, false},   // data exception: bytes that are no text, out of range
    {"23", refused, true, false},   // integrity constraint
    {"54", refused, true, false},   // program limit: a key that is too large for its index
    {"40001", away, true, true},    // serialization failure
    {"40P01", away, true, true},    // deadlock detected
    {"53", away, true, false},      // disk full, out of memory, too many connections
    {"55P03", away, true, false},   // lock not available
    {"57014", away, true, false},   // statement_timeout
    {"25006", away, false, false},  // a read-only server: the primary is elsewhere now
    {"57P", away, false, false},    // shutdown, crash of another backend
}};

}  // namespace

std::string pg_error_text(std::string_view message) {
    std::string text = "PostgreSQL: ";
    text += message.substr(0, kLongestMessage);
    std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

PgFailure pg_failure_from(std::string_view sqlstate, std::string_view message) {
    if (sqlstate.empty()) {
        return pg_broken(message);
    }
    PgFailure failure;
    failure.error.text = pg_error_text(message) + " (SQLSTATE " + std::string{sqlstate} + ")";
    for (const Meaning& meaning : kMeanings) {
        if (sqlstate.starts_with(meaning.state)) {
            failure.error.kind = meaning.kind;
            failure.is_connection_usable = meaning.is_connection_usable;
            failure.may_be_repeated = meaning.may_be_repeated;
            return failure;
        }
    }
    return failure;  // away, with a new connection: it may be a pooler's, or the schema has changed
}

PgFailure pg_broken(std::string_view message) {
    return {.error = {.kind = StoreError::Kind::away, .text = pg_error_text(message)}};
}

}  // namespace headgate::policy
