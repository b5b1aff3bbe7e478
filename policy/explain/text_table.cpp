#include "policy/explain/text_table.h"

#include "providers/contract/json_text.h"

namespace headgate::policy {
namespace {

constexpr std::string_view kIndent = "  ";
constexpr std::string_view kGap = "  ";
constexpr std::size_t kMinLastColumn = 20;

/// Characters of a printable text.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// Bytes of the first `characters` characters of a printable text.
std::size_t bytes_of(std::string_view text, std::size_t characters) {
    std::size_t at = 0;
    for (; at < text.size() && characters > 0; --characters) {
        at += std::max<std::size_t>(1, providers::utf8_length(text, at));
    }
    return at;
}

bool is_control(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    const bool is_c1 = first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
    return first < 0x20 || first == 0x7F || is_c1;
}

/// Appends the cell's line, filled up to `width` where another cell follows.
void append_cell(std::string& line, std::string_view text, std::size_t width, bool is_last) {
    line += text;
    if (!is_last) {
        line.append(width - width_of(text), ' ');
        line += kGap;
    }
}

void append_line(std::string& out, std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
}

}  // namespace

std::string printable(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = providers::utf8_length(text, at);
        const std::string_view character = text.substr(at, length);
        out += length == 0 || is_control(character) ? std::string_view{"?"} : character;
        at += std::max<std::size_t>(1, length);
    }
    return out;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    while (width_of(text) > width) {
        const std::size_t room = bytes_of(text, width);
        const std::size_t blank = text.rfind(' ', room);
        const bool has_blank = blank != std::string_view::npos && blank != 0;
        lines.emplace_back(text.substr(0, has_blank ? blank : room));
        text.remove_prefix(has_blank ? blank + 1 : room);
    }
    lines.emplace_back(text);
    return lines;
}

void TextTable::add(std::vector<std::string> row) {
    for (std::string& cell : row) {
        cell = printable(cell);
    }
    rows_.push_back(std::move(row));
}

std::vector<std::size_t> TextTable::column_widths() const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i + 1 < row.size(); ++i) {
            widths[i] = std::max(widths[i], std::min(width_of(row[i]), kMaxColumn));
        }
    }
    return widths;
}

std::string TextTable::row_text(const std::vector<std::string>& row,
                                const std::vector<std::size_t>& widths) const {
    std::vector<std::vector<std::string>> cells;
    std::size_t height = 0;
    std::size_t used = kIndent.size();
    for (std::size_t i = 0; i < row.size(); ++i) {
        const bool is_last = i + 1 == row.size();
        const std::size_t left = used + kMinLastColumn < kWidth ? kWidth - used : kMinLastColumn;
        cells.push_back(wrapped(row[i], is_last ? left : widths[i]));
        height = std::max(height, cells.back().size());
        used += widths[i] + kGap.size();
    }
    std::string out;
    for (std::size_t number = 0; number < height; ++number) {
        std::string line(kIndent);
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string_view text =
                number < cells[i].size() ? cells[i][number] : std::string_view{};
            append_cell(line, text, widths[i], i + 1 == row.size());
        }
        append_line(out, std::move(line));
    }
    return out;
}

std::string TextTable::to_string() const {
    const std::vector<std::size_t> widths = column_widths();
    std::string out;
    for (const auto& row : rows_) {
        out += row_text(row, widths);
    }
    return out;
}

}  // namespace headgate::policy
