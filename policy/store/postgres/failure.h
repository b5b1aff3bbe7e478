#pragma once

#include "policy/ledger/record_store.h"

#include <string_view>

namespace headgate::policy {

/// What a failed statement means for the caller and for the connection.
struct PgFailure {
    StoreError error;
    bool is_connection_usable = false;  // false: drop it, the next call connects again
    bool may_be_repeated = false;       // a deadlock or a serialization failure: at once
};

/// From the SQLSTATE (PostgreSQL's Appendix A; empty where the connection broke) and the message's
/// primary line. Only what lies in the data is `refused`: a value that the column does not take, a
/// broken constraint, a row that is too large. All else may work later, be it after an operator's
/// help, and a row must never be dropped for it.
PgFailure pg_failure_from(std::string_view sqlstate, std::string_view message);

/// A call that got no answer, or whose connection broke.
PgFailure pg_broken(std::string_view message);

/// "PostgreSQL: …" in one line of at most 400 bytes.
std::string pg_error_text(std::string_view message);

}  // namespace headgate::policy
