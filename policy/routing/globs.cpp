#include "policy/routing/globs.h"

namespace headgate::policy {

GlobShape shape_of(std::string_view glob) {
    const std::size_t wildcard = glob.find_first_of("*?");
    if (wildcard == std::string_view::npos) {
        return {.kind = GlobShape::Kind::exact, .literal = glob};
    }
    if (glob.find_first_not_of('*', wildcard) != std::string_view::npos) {
        return {.kind = GlobShape::Kind::other, .literal = {}};
    }
    return {.kind = wildcard == 0 ? GlobShape::Kind::anything : GlobShape::Kind::prefix,
            .literal = glob.substr(0, wildcard)};
}

}  // namespace headgate::policy
