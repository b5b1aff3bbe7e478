#include "proxy/admin/money_json.h"

#include "proxy/admin/json_out.h"

#include <algorithm>
#include <array>
#include <cstdio>

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

std::string day_start(policy::Day day) {
    const std::chrono::year_month_day date{day};
    std::array<char, 48> text{};
    const int size = std::snprintf(
        text.data(), text.size(), "\"%04d-%02u-%02uT00:00:00Z\"", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    return {text.data(), static_cast<std::size_t>(size)};
}

/// RFC 3339 with whole seconds.
std::string moment(const std::optional<providers::WallTime>& time) {
    if (!time) {
        return "null";
    }
    const auto second = std::chrono::floor<std::chrono::seconds>(*time);
    const auto day = std::chrono::floor<std::chrono::days>(second);
    const std::chrono::hh_mm_ss clock{second - day};
    std::array<char, 16> text{};
    const int size = std::snprintf(
        text.data(), text.size(), "T%02d:%02d:%02dZ\"", static_cast<int>(clock.hours().count()),
        static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    std::string json = day_start(day);
    json.resize(json.find('T'));
    return json.append(text.data(), static_cast<std::size_t>(size));
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
           (has_start ? day_start(budget->span.first) : "null") + R"(,"ends_at":)" +
           (budget->span.end ? day_start(*budget->span.end) : "null") + R"(,"limit_usd":)" +
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
