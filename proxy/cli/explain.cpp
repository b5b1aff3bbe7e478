#include "policy/explain/explain.h"

#include "policy/config/scalars.h"
#include "policy/config/spelling.h"
#include "policy/explain/policy_names.h"
#include "policy/explain/quiet_healths.h"
#include "policy/limits/accounts.h"
#include "policy/limits/limit_rules.h"
#include "proxy/cli/commands.h"
#include "proxy/cli/problems.h"

#include <iostream>

namespace headgate::proxy {
namespace {

using policy::Question;
using policy::Snapshot;

constexpr std::int64_t kMaxTokens = 1'000'000'000;
constexpr std::int64_t kMaxOutputCap = 2'147'483'647;

/// What is wrong with the options; empty: nothing.
using Complaint = std::string;

std::string with_hint(const std::string& text, const std::string& hint) {
    return hint.empty() ? text : text + " (" + hint + ")";
}

Complaint unknown(std::string_view option,
                  const std::string& word,
                  const std::string& what,
                  const std::vector<std::string_view>& known) {
    return with_hint(std::string(option) + ": " + what + " \"" + word + "\"",
                     policy::did_you_mean(word, known));
}

/// "NAME=VALUE" in two; nullopt where there is no name or no `=`.
std::optional<std::pair<std::string, std::string>> split_pair(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
        return std::nullopt;
    }
    return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

Complaint read_header(const std::string& text, Question& question) {
    auto pair = split_pair(text);
    if (!pair || !policy::is_plain_name(pair->first) || !policy::parse_text(pair->second)) {
        return "--header: \"" + text + "\" must be NAME=VALUE such as x-tier=bulk";
    }
    std::ranges::transform(pair->first, pair->first.begin(), [](char c) {
        return 'A' <= c && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    });
    question.headers.push_back(std::move(*pair));
    return {};
}

Complaint read_provider_status(const std::string& text,
                               const Snapshot& snapshot,
                               Question& question) {
    const auto pair = split_pair(text);
    const auto answer = pair ? policy::parse_supposed_answer(pair->second) : std::nullopt;
    if (!answer) {
        return "--provider-status: \"" + text +
               "\" must be NAME=STATUS with a status from 200 to 599, connect, timeout or cut";
    }
    const std::vector<std::string_view> known = policy::provider_names(snapshot);
    if (std::ranges::find(known, pair->first) == known.end()) {
        return unknown("--provider-status", pair->first, "the policy has no provider", known);
    }
    question.providers[pair->first] = *answer;
    return {};
}

template <class T, class Target>
Complaint take(std::string_view option, const policy::Parsed<T>& parsed, Target& target) {
    if (!parsed) {
        return std::string(option) + " " + parsed.error();
    }
    target = *parsed;
    return {};
}

/// The names that the options refer to.
Complaint check_names(const ExplainOptions& options, const Snapshot& snapshot) {
    if (policy::find_project(snapshot, options.project) == nullptr) {
        return unknown("--project", options.project, "the policy has no project",
                       policy::project_names(snapshot));
    }
    const std::span<const std::string_view> families = providers::endpoint_families();
    if (std::ranges::find(families, std::string_view{options.endpoint}) == families.end()) {
        return unknown("--endpoint", options.endpoint, "there is no endpoint family",
                       {families.begin(), families.end()});
    }
    return {};
}

/// All complaints; the question is whole where there is none.
std::vector<Complaint> read_question(const ExplainOptions& options,
                                     const Snapshot& snapshot,
                                     Question& question) {
    question.project = options.project;
    question.model = options.model;
    question.endpoint = options.endpoint;
    question.stream = options.stream;
    std::vector<Complaint> complaints{
        check_names(options, snapshot),
        take("--budget-used", policy::parse_percent(options.budget_used), question.budget_used),
        take("--input-tokens", policy::parse_count_between(options.input_tokens, 0, kMaxTokens),
             question.input_tokens)};
    if (!options.max_output.empty()) {
        complaints.push_back(take("--max-output",
                                  policy::parse_count_between(options.max_output, 1, kMaxOutputCap),
                                  question.max_output));
    }
    for (const std::string& header : options.headers) {
        complaints.push_back(read_header(header, question));
    }
    for (const std::string& status : options.provider_statuses) {
        complaints.push_back(read_provider_status(status, snapshot, question));
    }
    std::erase(complaints, Complaint{});
    return complaints;
}

}  // namespace

int explain(const ExplainOptions& options) {
    const std::unique_ptr<Snapshot> snapshot = load_without_secrets(options.config);
    if (!snapshot) {
        return 2;
    }
    Question question;
    const std::vector<Complaint> complaints = read_question(options, *snapshot, question);
    for (const Complaint& complaint : complaints) {
        std::cerr << "headgate: explain: " << complaint << '\n';
    }
    if (!complaints.empty()) {
        return 2;
    }
    const policy::Router router{*snapshot};
    policy::QuietHealths healths;
    policy::Accounts accounts;  // nothing is ever counted there
    const policy::LimitBook limits{*snapshot, accounts};
    const policy::Explanation explanation =
        policy::explain({.router = router,
                         .healths = healths,
                         .limits = limits,
                         .now = std::chrono::steady_clock::now(),
                         .time = std::chrono::system_clock::now(),
                         .used = {},
                         .bucket = {}},
                        question);
    std::cout << (options.json ? policy::to_json(explanation) + "\n"
                               : policy::to_table(explanation, question))
              << std::flush;
    return explanation.served && std::cout ? 0 : 1;
}

}  // namespace headgate::proxy
