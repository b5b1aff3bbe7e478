#pragma once

#include "policy/ledger/record_store.h"

struct sqlite3;

namespace headgate::policy {

/// What SQLite's result code means to the caller, with the file's name and what an operator can do.
StoreError sqlite_error(sqlite3* database, int code);

}  // namespace headgate::policy
