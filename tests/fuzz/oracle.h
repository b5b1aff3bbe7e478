#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace headgate::fuzz {

/// What must hold for every input. The exception ends a fuzz run as a crash and fails a unit test.
inline void require(bool holds, const char* what) {
    if (!holds) {
        throw std::logic_error(what);
    }
}

/// True where `part` looks into `whole`; an empty view may look anywhere.
inline bool is_inside(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace headgate::fuzz
