#include "policy/explain/question.h"

namespace headgate::policy {

std::optional<SupposedAnswer> parse_supposed_answer(std::string_view text) {
    using Kind = SupposedAnswer::Kind;
    constexpr std::array<std::pair<std::string_view, Kind>, 3> words = {
        {{"connect", Kind::connect}, {"timeout", Kind::timeout}, {"cut", Kind::cut}}};
    const auto* const word =
        std::ranges::find(words, text, &std::pair<std::string_view, Kind>::first);
    if (word != words.end()) {
        return SupposedAnswer{.kind = word->second, .status = 0};
    }
    int status = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, status);
    if (error != std::errc{} || stop != end || text.size() != 3 || status < 200 || status > 599) {
        return std::nullopt;
    }
    return SupposedAnswer{.kind = Kind::status, .status = status};
}

}  // namespace headgate::policy
