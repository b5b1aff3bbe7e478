#include "policy/store/postgres/failure.h"

#include <gtest/gtest.h>

namespace headgate::policy {
namespace {

constexpr auto away = StoreError::Kind::away;
constexpr auto refused = StoreError::Kind::refused;

struct Case {
    const char* state;
    StoreError::Kind kind;
    bool is_connection_usable;
    bool may_be_repeated;
};

TEST(PgFailure, TellsDataThatWillNeverBeTakenFromAServerThatMayComeBack) {
    const Case cases[] = {
        {"22003", refused, true, false},  // numeric value out of range
        {"22021", refused, true, false},  // bytes that are no text
        {"23505", refused, true, false},  // unique violation
        {"23514", refused, true, false},  // check violation
        {"54000", refused, true, false},  // a row too large for its index
        {"40001", away, true, true},      // serialization failure
        {"40P01", away, true, true},      // deadlock
        {"53100", away, true, false},     // disk full
        {"53300", away, true, false},     // too many connections
        {"55P03", away, true, false},     // lock not available
        {"57014", away, true, false},     // statement timeout
        {"57P01", away, false, false},    // admin shutdown
        {"57P03", away, false, false},    // cannot connect now
        {"25006", away, false, false},    // read-only server after a fail-over
        {"08006", away, false, false},    // connection failure
        {"28P01", away, false, false},    // wrong password
        {"42501", away, false, false},    // insufficient privilege
        {"42P01", away, false, false},    // a table is gone
        {"26000", away, false, false},    // a pooler lost the prepared statement
        {"XX000", away, false, false},    // internal error
    };
    for (const Case& expected : cases) {
        const PgFailure failure = pg_failure_from(expected.state, "it went wrong");

        EXPECT_EQ(failure.error.kind, expected.kind) << expected.state;
        EXPECT_EQ(failure.is_connection_usable, expected.is_connection_usable) << expected.state;
        EXPECT_EQ(failure.may_be_repeated, expected.may_be_repeated) << expected.state;
        EXPECT_EQ(failure.error.text,
                  "PostgreSQL: it went wrong (SQLSTATE " + std::string{expected.state} + ")");
    }
}

TEST(PgFailure, TakesAnErrorWithoutStateForABrokenConnection) {
    const PgFailure failure = pg_failure_from("", "server closed the connection");

    EXPECT_EQ(failure.error.kind, away);
    EXPECT_FALSE(failure.is_connection_usable);
    EXPECT_EQ(failure.error.text, "PostgreSQL: server closed the connection");
}

TEST(PgFailure, WritesOneBoundedLine) {
    EXPECT_EQ(pg_error_text("first\n\tsecond\r\n"), "PostgreSQL: first  second");
    EXPECT_LE(pg_error_text(std::string(100'000, 'x')).size(), 400U);
}

}  // namespace
}  // namespace headgate::policy
