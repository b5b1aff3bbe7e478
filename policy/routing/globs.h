#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::policy {

/// What a glob asks for, so that the common ones are looked up rather than matched.
struct GlobShape {
    enum class Kind : std::uint8_t {
        anything,  // `*`
        exact,     // `gpt-5`
        prefix,    // `gpt-5*`
        other,     // `*-mini`, `gpt-?`
    };

    Kind kind = Kind::exact;
    std::string_view literal;  // of `exact` and `prefix`; looks into the glob
};

GlobShape shape_of(std::string_view glob);

}  // namespace headgate::policy
