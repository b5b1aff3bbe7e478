#pragma once

#include "policy/store/sqlite/sqlite_database.h"

namespace headgate::policy {

/// Brings the tables up to what this program knows, in one transaction. `refused` where the
/// database is from a newer program, or holds the tables of another one.
Stored<void> bring_schema_up_to_date(SqliteDatabase& database);

}  // namespace headgate::policy
