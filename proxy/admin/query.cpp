#include "proxy/admin/query.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

namespace headgate::proxy {
namespace {

constexpr std::size_t kMaxParameters = 100;
constexpr std::size_t kMaxShown = 64;  // of a name that we do not know

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

providers::Result<std::pair<std::string, std::string>> decoded(std::string_view pair) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = percent_decoded(pair.substr(0, equals));
    if (!name) {
        return parameter_error({}, "The query is not percent-encoded.");
    }
    auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) {
        return parameter_error(
            *name, "A parameter's value is not percent-encoded, or holds a control character.");
    }
    return std::pair{std::move(*name), std::move(*value)};
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        char c = text[at] == '+' ? ' ' : text[at];
        if (c == '%') {
            const std::string_view digits = text.substr(at + 1, 2);
            unsigned value = 0;
            const char* end = digits.data() + digits.size();
            const auto [parsed, error] = std::from_chars(digits.data(), end, value, 16);
            if (digits.size() != 2 || error != std::errc{} || parsed != end) {
                return std::nullopt;
            }
            c = static_cast<char>(value);
            at += 2;
        }
        if (is_control(c)) {
            return std::nullopt;
        }
        out += c;
    }
    return out;
}

std::unexpected<providers::ApiError> parameter_error(std::string_view param, std::string message) {
    return std::unexpected{providers::ApiError{.code = providers::ErrorCode::invalid_request,
                                               .message = std::move(message),
                                               .param = std::string{param.substr(0, kMaxShown)},
                                               .allow = {}}};
}

providers::Result<QueryPairs> query_pairs(std::string_view query, std::string_view repeatable) {
    if (static_cast<std::size_t>(std::ranges::count(query, '&')) >= kMaxParameters) {
        return parameter_error({}, "The query has too many parameters.");
    }
    QueryPairs pairs;
    std::set<std::string> seen;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty()) {
            continue;
        }
        auto read = decoded(pair);
        if (!read) {
            return std::unexpected{read.error()};
        }
        if (read->first != repeatable && !seen.insert(read->first).second) {
            return parameter_error(read->first, "A parameter may come only once.");
        }
        pairs.push_back(std::move(*read));
    }
    return pairs;
}

}  // namespace headgate::proxy
