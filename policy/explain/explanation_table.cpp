#include "policy/explain/explain.h"
#include "policy/explain/text_table.h"

namespace headgate::policy {
namespace {

using Phrase = std::pair<std::string_view, std::string_view>;

constexpr std::array<Phrase, 8> kSkipReasons = {{
    {"disabled", "switched off in the policy (disabled)"},
    {"model", "does not have the model (model)"},
    {"endpoint", "its wire format has no such operation (endpoint)"},
    {"breaker_open", "failed too often lately (breaker_open)"},
    {"rate_limit", "benched, it answered 429 (rate_limit)"},
    {"quota", "benched, the account there is used up (quota)"},
    {"auth", "benched, it refused our credential (auth)"},
    {"simulator", "simulators answer only where the policy has nothing else (simulator)"},
}};
constexpr std::array<Phrase, 3> kResults = {{
    {"connect", "no connection (connect)"},
    {"timeout", "no answer in time (timeout)"},
    {"cut", "the answer broke off (cut)"},
}};

/// What `word` means; the word itself where nobody wrote it down.
std::string in_words(std::span<const Phrase> phrases, const std::string& word) {
    const auto found = std::ranges::find(phrases, word, &Phrase::first);
    return found == phrases.end() ? word : std::string(found->second);
}

std::string attempts_made(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " attempt" : " attempts");
}

/// The model as the provider is asked for it: "gpt-5 → deployment gpt5-prod".
std::string asked_for(const Explanation::AttemptLine& attempt) {
    return attempt.deployment.empty() ? attempt.model
                                      : attempt.model + " → deployment " + attempt.deployment;
}

std::string outcome(const Explanation& explanation) {
    const std::size_t count = explanation.attempts.size();
    if (explanation.served) {
        const Explanation::AttemptLine& last = explanation.attempts.back();
        return "Served by " + last.provider + " (" + asked_for(last) + ") after " +
               attempts_made(count);
    }
    std::string text = "Refused: " + std::to_string(explanation.status);
    if (explanation.code.empty() && count > 0) {
        text += ", the error of " + explanation.attempts.back().provider + " passes as it is";
    } else {
        text += " " + explanation.code + ": " + explanation.message;
    }
    return count == 0 ? text : text + " (after " + attempts_made(count) + ")";
}

std::string request_text(const Question& question) {
    std::string text = "project " + question.project + ", model " + question.model + ", endpoint " +
                       question.endpoint;
    text += question.stream ? ", streamed" : "";
    for (const auto& [name, value] : question.headers) {
        text.append(", header ").append(name).append("=").append(value);
    }
    return text;
}

std::string titled(std::string_view title, const TextTable& table) {
    return "\n" + std::string(title) + "\n" + table.to_string();
}

std::string routes_text(const Explanation& explanation) {
    TextTable table;
    for (const Explanation::RouteLine& route : explanation.routes) {
        table.add({route.name, route.matched ? "yes" : "no", route.because});
    }
    return explanation.routes.empty() ? "" : titled("Routes", table);
}

std::string attempts_text(const Explanation& explanation) {
    TextTable table;
    for (const Explanation::AttemptLine& attempt : explanation.attempts) {
        table.add({std::to_string(&attempt - explanation.attempts.data() + 1),
                   attempt.provider + "/" + asked_for(attempt),
                   in_words(kResults, attempt.result)});
    }
    return explanation.attempts.empty() ? "" : titled("Attempts", table);
}

std::string skipped_text(const Explanation& explanation) {
    TextTable table;
    for (const Explanation::SkippedLine& skipped : explanation.skipped) {
        table.add({skipped.provider + "/" + skipped.model, in_words(kSkipReasons, skipped.reason)});
    }
    return explanation.skipped.empty() ? "" : titled("Skipped", table);
}

std::string price_text(const std::optional<Explanation::PriceLine>& price) {
    return !price ? "none known"
                  : price->input.to_string() + " input, " + price->cached_input.to_string() +
                        " cached input, " + price->output.to_string() +
                        " output, USD a million tokens (" + price->source + ")";
}

}  // namespace

std::string to_table(const Explanation& explanation, const Question& question) {
    std::string out;
    for (const std::string& line : wrapped(printable(outcome(explanation)), TextTable::kWidth)) {
        out += line + "\n";
    }
    out += routes_text(explanation);
    out += attempts_text(explanation);
    out += skipped_text(explanation);
    TextTable rest;
    rest.add({"Request", request_text(question)});
    rest.add({"Price", price_text(explanation.price)});
    if (explanation.cost) {
        rest.add({"Cost", explanation.cost->to_string() + " USD for the usage given"});
    }
    rest.add({"Limits", "none"});
    rest.add({"Budget", "none"});
    return out + "\n" + rest.to_string();
}

}  // namespace headgate::policy
