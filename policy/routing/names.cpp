#include "policy/routing/names.h"

namespace headgate::policy {

std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

std::string first_names(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size() && i < kNamesShown; ++i) {
        text += (i == 0 ? "" : ", ") + names[i];
    }
    return names.size() > kNamesShown ? text + " and others" : text;
}

}  // namespace headgate::policy
