#include "providers/contract/api_error.h"
#include "proxy/cli/columns.h"
#include "proxy/cli/commands.h"
#include "proxy/cli/records_command.h"
#include "proxy/cli/time_option.h"

#include <algorithm>
#include <array>
#include <iostream>

namespace headgate::proxy {
namespace {

using policy::UsageBy;
using policy::UsageQuery;
using policy::UsageSum;
using providers::quoted_json;

constexpr int kBadUsage = 2;
constexpr std::string_view kTag = "tag:";

struct ByName {
    std::string_view name;
    UsageBy by;
};
constexpr std::array kByNames{ByName{"project", UsageBy::project}, ByName{"model", UsageBy::model},
                              ByName{"key", UsageBy::key}, ByName{"provider", UsageBy::provider}};

constexpr std::array<std::string_view, 6> kFigures{
    "requests", "input_tokens", "cached_input_tokens", "output_tokens", "images", "cost_usd"};

std::array<std::string, 6> figures_of(const UsageSum& sum) {
    return {std::to_string(sum.requests),
            std::to_string(sum.input_tokens),
            std::to_string(sum.cached_input_tokens),
            std::to_string(sum.output_tokens),
            std::to_string(sum.images),
            sum.cost.to_string()};
}

/// "project,tag:team" in its parts; the error is a text.
std::expected<std::vector<std::string>, std::string> read_by(const std::string& by,
                                                             UsageQuery& query) {
    std::vector<std::string> names;
    std::string_view rest = by;
    while (!rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view name = rest.substr(0, comma);
        rest.remove_prefix(std::min(comma + 1, rest.size()));
        if (name.starts_with(kTag) && name.size() > kTag.size() && query.tag.empty()) {
            query.by.push_back(UsageBy::tag);
            query.tag = name.substr(kTag.size());
        } else if (const auto* known = std::ranges::find(kByNames, name, &ByName::name);
                   known != kByNames.end()) {
            query.by.push_back(known->by);
        } else {
            return std::unexpected{"--by: \"" + std::string{name} +
                                   "\" is none of project, model, key, provider, tag:NAME"};
        }
        names.emplace_back(name);
    }
    return names;
}

std::string csv_cell(const std::string& text) {
    // A leading = + - @ would be a formula to a spreadsheet.
    const bool is_formula = !text.empty() && std::string_view{"=+-@"}.contains(text.front());
    if (text.find_first_of("\",\r\n") == std::string::npos && !is_formula) {
        return text;
    }
    std::string quoted = is_formula ? "\"'" : "\"";
    for (const char c : text) {
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    }
    return quoted + '"';
}

std::string to_csv(const std::vector<std::string>& by, const std::vector<UsageSum>& sums) {
    std::string text;
    for (const std::string& name : by) {
        text += csv_cell(name) + ',';
    }
    for (const std::string_view name : kFigures) {
        text += std::string{name} + (name == kFigures.back() ? "\n" : ",");
    }
    for (const UsageSum& sum : sums) {
        for (const std::string& cell : sum.group) {
            text += csv_cell(cell) + ',';
        }
        const auto figures = figures_of(sum);
        for (const std::string& figure : figures) {
            text += figure + (&figure == &figures.back() ? "\n" : ",");
        }
    }
    return text;
}

/// Money is a string, so that no reader turns it into floating point.
std::string to_json(const std::vector<std::string>& by, const std::vector<UsageSum>& sums) {
    std::string json = R"({"data":[)";
    for (const UsageSum& sum : sums) {
        json += json.back() == '[' ? "{" : ",{";
        for (std::size_t i = 0; i < by.size(); ++i) {
            json += quoted_json(by[i]) + ':' + quoted_json(sum.group[i]) + ',';
        }
        const auto figures = figures_of(sum);
        for (std::size_t i = 0; i < figures.size(); ++i) {
            const bool is_money = kFigures[i] == kFigures.back();
            json +=
                quoted_json(kFigures[i]) + ':' + (is_money ? quoted_json(figures[i]) : figures[i]);
            json += is_money ? "}" : ",";
        }
    }
    return json + "]}\n";
}

std::string to_table(const std::vector<std::string>& by, const std::vector<UsageSum>& sums) {
    std::vector<std::string> headings = by;
    headings.insert(headings.end(), kFigures.begin(), kFigures.end());
    Columns table{headings};
    table.align_right_from(by.size());
    for (const UsageSum& sum : sums) {
        std::vector<std::string> row = sum.group;
        std::ranges::replace(row, std::string{}, std::string{"-"});
        const auto figures = figures_of(sum);
        row.insert(row.end(), figures.begin(), figures.end());
        table.add(std::move(row));
    }
    return table.to_string();
}

}  // namespace

int usage(const UsageOptions& options) {
    constexpr std::string_view command = "usage";
    UsageQuery query;
    const auto by = read_by(options.by, query);
    const auto from = read_time_option("--from", options.from);
    const auto to = read_time_option("--to", options.to);
    for (const std::string& complaint :
         {by ? std::string{} : by.error(), from ? std::string{} : from.error(),
          to ? std::string{} : to.error()}) {
        if (!complaint.empty()) {
            std::cerr << "headgate: usage: " << complaint << '\n';
            return kBadUsage;
        }
    }
    query.from = *from;
    query.to = *to;
    RecordsCommand records = open_records(command, options.config);
    if (!records.store) {
        return 1;
    }
    auto sums = records.store->usage(query);
    if (!sums) {
        return store_failed(command, sums.error());
    }
    std::ranges::sort(*sums, {}, &UsageSum::group);
    std::cout << (options.format == "csv"    ? to_csv(*by, *sums)
                  : options.format == "json" ? to_json(*by, *sums)
                                             : to_table(*by, *sums))
              << std::flush;
    return std::cout ? 0 : 1;
}

}  // namespace headgate::proxy
