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

/// "1,234,567"
std::string grouped(std::int64_t number) {
    std::string text = std::to_string(number);
    const std::size_t first = text.starts_with('-') ? 1 : 0;
    for (std::size_t at = text.size(); at > first + 3;) {
        at -= 3;
        text.insert(at, ",");
    }
    return text;
}

std::string per_text(LimitKind kind) {
    const std::optional<std::chrono::seconds> period = period_of(kind);
    return !period ? " at a time" : *period == std::chrono::minutes{1} ? " a minute" : " a day";
}

std::string level_text(const Explanation::LimitLine& line) {
    const std::string left = line.remaining == line.limit ? "all" : grouped(line.remaining);
    return left + " left of " + grouped(line.limit) + per_text(line.kind);
}

/// "takes 1": and whether it fits.
std::string takes_text(const Explanation::LimitLine& line) {
    std::string text = line.takes == 0 ? "takes none" : "takes " + grouped(line.takes);
    if (line.takes > line.remaining) {
        text += line.is_shadow ? ": does not fit, but is only counted (shadow)" : ": does not fit";
    } else if (line.is_shadow) {
        text += ", only counted (shadow)";
    }
    return text;
}

std::string limits_text(const Explanation& explanation) {
    TextTable table;
    for (const Explanation::LimitLine& line : explanation.limits) {
        table.add({line.label, level_text(line), takes_text(line)});
    }
    return explanation.limits.empty() ? "" : titled("Limits", table);
}

/// "100 tokens in and 32,000 out, 0.320125 USD (openai/gpt-5)"
std::string reservation_text(const Explanation::ReservationLine& line) {
    std::string text =
        grouped(line.input_tokens) + " tokens in and " + grouped(line.output_tokens) + " out, ";
    if (line.images > 0) {
        text += grouped(line.images) + (line.images == 1 ? " picture, " : " pictures, ");
    }
    text += (line.usd ? line.usd->to_string() + " USD" : "cost unknown") + " (" + line.target + ")";
    if (line.lowered_cap) {
        text += "; the output cap was lowered to " + grouped(*line.lowered_cap) +
                " so that it fits (when_tight: cap)";
    }
    return line.is_held ? text : text + "; no budget reserves it";
}

std::string budget_text(const Explanation::BudgetLine& line) {
    std::string text = line.scope + ": " + line.spent.to_string() + " spent";
    if (line.reserved != providers::Money{}) {
        text += " and " + line.reserved.to_string() + " reserved";
    }
    text += " of " + line.limit.to_string() + " USD";
    text +=
        line.per == BudgetPeriod::total ? " in total" : " a " + std::string(to_string(line.per));
    return line.is_shadow ? text + ", only counted (shadow)" : text;
}

void add_budgets(const Explanation& explanation, TextTable& table) {
    if (explanation.budgets.empty()) {
        table.add({"Budget", "none"});
    }
    for (const Explanation::BudgetLine& line : explanation.budgets) {
        table.add({"Budget", budget_text(line)});
    }
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
    out += limits_text(explanation);
    TextTable rest;
    rest.add({"Request", request_text(question)});
    rest.add({"Price", price_text(explanation.price)});
    if (explanation.cost) {
        rest.add({"Cost", explanation.cost->to_string() + " USD for the usage given"});
    }
    if (explanation.reservation) {
        rest.add({"At most", reservation_text(*explanation.reservation)});
    }
    if (explanation.limits.empty()) {
        rest.add({"Limits", "none"});
    }
    add_budgets(explanation, rest);
    return out + "\n" + rest.to_string();
}

}  // namespace headgate::policy
