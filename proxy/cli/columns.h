#pragma once

#include <string>
#include <vector>

namespace headgate::proxy {

/// A table for people: a line of headings, then rows, columns aligned and two blanks apart.
class Columns {
public:
    explicit Columns(std::vector<std::string> headings);

    /// As many cells as there are headings.
    void add(std::vector<std::string> row);
    /// The columns from this one on are numbers: aligned at their right.
    void align_right_from(std::size_t column) { first_right_ = column; }

    std::string to_string() const;

private:
    std::vector<std::vector<std::string>> rows_;
    std::size_t first_right_;
};

}  // namespace headgate::proxy
