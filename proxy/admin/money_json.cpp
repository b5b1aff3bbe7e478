#include "proxy/admin/money_json.h"

#include "policy/keys/time_text.h"
#include "proxy/admin/json_out.h"

#include <algorithm>

namespace headgate::proxy {
namespace {

using providers::Money;

std::string list_of(const std::vector<std::string>& texts) {
    std::string json = "[";
    for (const std::string& text : texts) {
        json += (json.size() == 1 ? "" : ",") + quoted(text);
    }
    return json + "]";
}

std::string money(Money amount) {
    return quoted(amount.to_string());
}

std::string moment(const std::optional<providers::WallTime>& time) {
    return time ? quoted(policy::moment_text(*time)) : "null";
}

std::string entry_json(const policy::LimitEntry& entry) {
    std::string json = R"({"model":)" + quoted(entry.label());
    for (const policy::LimitKind kind : policy::kAllLimitKinds) {
        if (entry.amount(kind) != 0) {
            json += "," + quoted(to_string(kind)) + ":" + std::to_string(entry.amount(kind));
        }
    }
    const bool is_shadow = entry.mode == policy::EnforceMode::shadow;
    return json + R"(,"mode":)" + (is_shadow ? R"("shadow")" : R"("enforce")") + "}";
}

std::string settings_json(const std::optional<policy::BudgetSettings>& budget) {
    if (!budget) {
        return "null";
    }
    const bool is_shadow = budget->mode == policy::EnforceMode::shadow;
    return R"({"usd":)" + money(budget->limit) + R"(,"per":)" + quoted(to_string(budget->per)) +
           R"(,"mode":)" + (is_shadow ? R"("shadow")" : R"("enforce")") + "}";
}

std::string key_json(const ProjectReport::Key& key) {
    return R"({"name":)" + quoted(key.name) + R"(,"prefix":)" + quoted_or_null(key.prefix) +
           R"(,"last_used_at":)" + moment(key.last_used) + "}";
}

std::string project_json(const ProjectReport& project) {
    std::string json =
        R"({"id":)" + quoted(project.id) + R"(,"models":)" +
        list_of(project.models.empty() ? std::vector<std::string>{"*"} : project.models) +
        R"(,"limits":[)";
    for (const policy::LimitEntry& entry : project.limits) {
        json += (json.back() == '[' ? "" : ",") + entry_json(entry);
    }
    json += R"(],"budget":)" + settings_json(project.budget) + R"(,"keys":[)";
    for (const ProjectReport::Key& key : project.keys) {
        json += (json.back() == '[' ? "" : ",") + key_json(key);
    }
    return json + "]}";
}

}  // namespace

std::string projects_json(const std::vector<ProjectReport>& projects) {
    std::string json = R"({"data":[)";
    for (const ProjectReport& project : projects) {
        json += (json.back() == '[' ? "" : ",") + project_json(project);
    }
    return json + "]}";
}

std::string budget_json(std::string_view project, const std::optional<BudgetState>& budget) {
    std::string json = R"({"project":)" + quoted(project);
    if (!budget) {
        return json + R"(,"period":null,"starts_at":null,"ends_at":null,"limit_usd":null,)"
                      R"("spent_usd":null,"reserved_usd":null,"remaining_usd":null})";
    }
    const bool has_start = budget->span.first != policy::Day::min();
    const Money used = budget->spent + budget->reserved;
    const Money remaining = std::max(budget->settings.limit - used, Money{});
    return json + R"(,"period":)" + quoted(to_string(budget->settings.per)) + R"(,"starts_at":)" +
           moment(has_start ? std::optional<providers::WallTime>{budget->span.first}
                            : std::nullopt) +
           R"(,"ends_at":)" + moment(budget->span.end) + R"(,"limit_usd":)" +
           money(budget->settings.limit) + R"(,"spent_usd":)" + money(budget->spent) +
           R"(,"reserved_usd":)" + money(budget->reserved) + R"(,"remaining_usd":)" +
           money(remaining) + "}";
}

std::string limits_json(const std::vector<LimitReport>& limits) {
    std::string json = R"({"data":[)";
    for (const LimitReport& limit : limits) {
        json += json.back() == '[' ? "{" : ",{";
        json += R"("scope":)" + quoted(to_string(limit.scope)) + R"(,"model":)" +
                quoted(limit.model) + R"(,"kind":)" + quoted(to_string(limit.kind)) +
                R"(,"limit":)" + std::to_string(limit.limit) + R"(,"remaining":)" +
                std::to_string(limit.remaining) + R"(,"resets_in_ms":)" +
                std::to_string(limit.resets_in.count()) + "}";
    }
    return json + "]}";
}

std::string ledger_json(const policy::LedgerPage& page) {
    std::string json = R"({"data":[)";
    for (const std::string& row : page.rows) {
        json += (json.back() == '[' ? "" : ",") + row;
    }
    return json + R"(],"next":)" + quoted_or_null(page.next) + "}";
}

}  // namespace headgate::proxy
