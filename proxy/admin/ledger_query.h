#pragma once

#include "policy/ledger/record_store.h"
#include "providers/contract/result.h"

#include <string_view>

namespace headgate::proxy {

/// The query of GET /headgate/v1/ledger: `project`, `after` (the `next` of the page before; empty:
/// the start), `limit` (1 to 1000), `from` and `to` (parse_time()). Error: invalid_request with the
/// parameter at fault.
providers::Result<policy::LedgerQuery> ledger_query_from(std::string_view query);

/// Whether a text may be the id of a row at all: letters, digits and `_`, 64 at most.
bool is_row_id(std::string_view text);

}  // namespace headgate::proxy
