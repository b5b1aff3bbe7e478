#pragma once

#include "proxy/admin/admin_sources.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::proxy {

/// {"data":[{"id","models","limits","budget","keys":[{"name","prefix","last_used_at"}]}]}
std::string projects_json(const std::vector<ProjectReport>& projects);

/// {"project","period","starts_at","ends_at","limit_usd","spent_usd","reserved_usd",
/// "remaining_usd"}; money as decimal strings. Without a budget all but the first are null.
std::string budget_json(std::string_view project, const std::optional<BudgetState>& budget);

/// {"data":[{"scope","model","kind","limit","remaining","resets_in_ms"}]}
std::string limits_json(const std::vector<LimitReport>& limits);

/// {"data":[row…],"next":cursor|null}
std::string ledger_json(const policy::LedgerPage& page);

}  // namespace headgate::proxy
