#include "proxy/cli/columns.h"

#include "policy/explain/text_table.h"

#include <algorithm>

namespace headgate::proxy {
namespace {

/// Characters, not bytes: continuation bytes of UTF-8 take no room.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

Columns::Columns(std::vector<std::string> headings) : first_right_{headings.size()} {
    rows_.push_back(std::move(headings));
}

void Columns::add(std::vector<std::string> row) {
    std::ranges::transform(row, row.begin(),
                           [](const std::string& cell) { return policy::printable(cell); });
    rows_.push_back(std::move(row));
}

std::string Columns::to_string() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    std::string text;
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string padding(widths[i] - width_of(row[i]), ' ');
            line += i == 0 ? "" : "  ";
            line += i >= first_right_ ? padding + row[i] : row[i] + padding;
        }
        line.resize(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text;
}

}  // namespace headgate::proxy
