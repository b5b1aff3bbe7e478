#include "providers/contract/api_request.h"

#include <algorithm>
#include <array>

namespace headgate::providers {
namespace {

constexpr std::size_t kMaxModelName = 256;

constexpr std::array<bool, 256> kNameCharacters = [] {
    std::array<bool, 256> is_allowed{};
    for (const char c : std::string_view{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789._:/@+-"}) {
        is_allowed[static_cast<unsigned char>(c)] = true;
    }
    return is_allowed;
}();

}  // namespace

std::optional<std::int64_t> ApiRequest::output_cap() const {
    // Where a request sets two, a provider may follow either: only the higher bounds what it costs.
    return std::max({max_tokens, max_completion_tokens, max_output_tokens});
}

bool is_model_name(std::string_view name) {
    const auto is_allowed = [](char c) { return kNameCharacters[static_cast<unsigned char>(c)]; };
    if (name.empty() || name.size() > kMaxModelName || name.front() == '/' ||
        !std::ranges::all_of(name, is_allowed)) {
        return false;
    }
    for (std::size_t at = name.find(".."); at != std::string_view::npos;
         at = name.find("..", at + 1)) {
        const bool begins = at == 0 || name[at - 1] == '/';
        const bool ends = at + 2 == name.size() || name[at + 2] == '/';
        if (begins && ends) {
            return false;
        }
    }
    return true;
}

}  // namespace headgate::providers
