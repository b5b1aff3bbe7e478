#pragma once

#include "providers/contract/result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::proxy {

using QueryPairs = std::vector<std::pair<std::string, std::string>>;

/// The parameters of a query (without the `?`) in their order, percent-decoded as forms are (`+` is
/// a space). Errors, invalid_request with the parameter at fault: more than 100 parameters, what is
/// not percent-encoded, control characters, a name that comes twice and is not `repeatable`.
providers::Result<QueryPairs> query_pairs(std::string_view query, std::string_view repeatable);

/// What is wrong with a parameter; of a name that nobody knows only the beginning is told.
std::unexpected<providers::ApiError> parameter_error(std::string_view param, std::string message);

/// "a%2Fb" → "a/b"; nullopt for a broken escape or a control character.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace headgate::proxy
