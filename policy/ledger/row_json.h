#pragma once

#include "policy/ledger/row.h"

#include <string>

namespace headgate::policy {

/// Appends the row as one JSON object without a newline: the ledger fields of docs/operations.md in
/// their order. Money as decimal strings, times RFC 3339 with milliseconds in UTC, absent texts
/// null, `tags` as an object.
void append_ledger_json(std::string& out, const LedgerRow& row);

/// The same with the access log's own fields behind (docs/operations.md). No allocation but `out`'s
/// growth.
void append_access_json(std::string& out, const LedgerRow& row);

}  // namespace headgate::policy
