#pragma once

#include "policy/store/postgres/connection.h"

namespace headgate::policy {

/// The schema that this build reads and writes.
inline constexpr std::int64_t kPgSchemaVersion = 1;

/// Brings the tables up to date, in one transaction under an advisory lock: of several processes
/// that start at once one does it and the others wait. Nothing is locked where nothing is to do.
/// Errors: a newer schema is `refused`; all else `away`. After an error the connection is to be
/// dropped.
Stored<void> bring_schema_up_to_date(PgConnection& connection);

/// What every session is set to. The server's own settings are raised, never lowered:
///   synchronous_commit  at least `local`: a commit survives the death of the server's processes;
///                       where `is_durable` at least `on`: as the server's standbys are set up, too
///                       (`off` would save the 5 ms of a flush, which one row pays as well as
///                       2,000: measured, the group's rate does not change.)
///   statement_timeout   5 s where neither server, role nor URI sets one
/// Also checks that the database keeps text as UTF-8. Sets the connection's patience.
Stored<void> set_up_session(PgConnection& connection, bool is_durable);

}  // namespace headgate::policy
