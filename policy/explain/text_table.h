#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// `text` fit for a terminal: control characters and bytes that are not UTF-8 become `?`.
std::string printable(std::string_view text);

/// `text` in lines of at most `width` characters, broken at blanks where there are any. At least
/// one line. A character is a code point: wide ones are not known.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

/// Rows of at most three cells in aligned columns, for people. Rows may be of different length.
class TextTable {
public:
    static constexpr std::size_t kWidth = 100;     // of a line
    static constexpr std::size_t kMaxColumn = 40;  // of every column but the last of its row

    void add(std::vector<std::string> row);

    /// Every line indented by two; cells that are too long go on in the next line.
    std::string to_string() const;

private:
    std::vector<std::size_t> column_widths() const;
    std::string row_text(const std::vector<std::string>& row,
                         const std::vector<std::size_t>& widths) const;

    std::vector<std::vector<std::string>> rows_;
};

}  // namespace headgate::policy
