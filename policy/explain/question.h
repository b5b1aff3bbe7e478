#pragma once

#include "providers/base/money.h"
#include "providers/contract/usage.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::policy {

/// What a provider is supposed to do: answer with a status, or fail.
struct SupposedAnswer {
    enum class Kind : std::uint8_t { status, connect, timeout, cut };

    Kind kind = Kind::status;
    int status = 200;
};

/// "429", "connect", "timeout" or "cut"; nullopt for anything else, and statuses outside 200…599.
std::optional<SupposedAnswer> parse_supposed_answer(std::string_view text);

/// A request that is not sent, and the world that it meets (docs/cli.md, `explain`;
/// policy-tests.yaml, `given`).
struct Question {
    std::string project;
    std::string key;  // empty: none in particular
    std::string model;
    std::string endpoint = "chat";  // a family
    bool stream = false;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    std::int64_t input_tokens = 100;
    std::optional<std::int64_t> max_output;  // the request's output cap; absent: the project's
    double budget_used = 0;                  // 0…1 and above
    std::map<std::string, SupposedAnswer> providers;  // who is not there answers 200
    std::optional<providers::Usage> usage;            // of the answer; priced as given
    std::uint64_t seed = 0;                           // of the draws
};

}  // namespace headgate::policy
