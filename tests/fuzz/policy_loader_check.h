#pragma once

#include "policy/config/loader.h"
#include "policy/config/source_text.h"
#include "tests/fuzz/oracle.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

namespace headgate::fuzz {

/// No file is read and the environment is always the same: an input alone decides.
inline policy::LoadOptions closed_options(bool needs_secrets) {
    return {.needs_secrets = needs_secrets,
            .environment = [](const std::string& name) -> std::optional<std::string> {
                if (name.starts_with("MISSING")) {
                    return std::nullopt;
                }
                return "value-of-" + name;
            },
            .may_read_files = false};
}

inline bool has_control_character(std::string_view text) {
    return std::ranges::any_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t') || byte == 0x7F;
    });
}

inline bool has_error(const policy::LoadResult& result) {
    return std::ranges::any_of(result.problems, [](const policy::Problem& problem) {
        return problem.severity == policy::Problem::Severity::error;
    });
}

/// The words of `text` that begin like the secrets of the seeds.
inline std::set<std::string> marked_words(std::string_view text) {
    constexpr std::string_view between = " \t\r\n\"',{}[]";
    std::set<std::string> words;
    for (std::size_t at = text.find_first_not_of(between); at != std::string_view::npos;
         at = text.find_first_not_of(between, at)) {
        const std::size_t end = std::min(text.find_first_of(between, at), text.size());
        const std::string_view word = text.substr(at, end - at);
        if (word.starts_with("s3cret-") && word.size() >= 12) {
            words.emplace(word);
        }
        at = end;
    }
    return words;
}

/// The marked words of all secrets below `node`.
inline void collect_secrets(const policy::YamlNode& node, std::set<std::string>& secrets) {
    for (const policy::YamlPtr& item : node.items) {
        collect_secrets(*item, secrets);
    }
    for (const policy::YamlEntry& entry : node.entries) {
        const std::string& name = entry.key->text;
        if (name == "api_key" || name == "key" || name == "secret") {
            if (!policy::is_plain_reference(entry.value->text)) {
                secrets.merge(marked_words(entry.value->text));
            }
        }
        collect_secrets(*entry.value, secrets);
    }
}

inline void check_tree(const policy::YamlNode& node, std::size_t depth) {
    using Kind = policy::YamlNode::Kind;
    require(depth <= policy::kMaxYamlDepth, "a tree is at most 64 deep");
    require(node.line >= 1 && node.column >= 1, "a node has a place");
    require(node.kind == Kind::scalar || node.text.empty(), "scalars alone have text");
    require(node.kind == Kind::sequence || node.items.empty(), "sequences alone have items");
    require(node.kind == Kind::map || node.entries.empty(), "maps alone have entries");
    for (const policy::YamlPtr& item : node.items) {
        check_tree(*item, depth + 1);
    }
    for (const policy::YamlEntry& entry : node.entries) {
        require(entry.key->kind == Kind::scalar, "a key is a scalar");
        check_tree(*entry.value, depth + 1);
    }
}

inline void check_problems(const policy::LoadResult& result, std::string_view text) {
    std::set<std::string> secrets;
    if (result.tree) {
        collect_secrets(*result.tree, secrets);
    }
    const auto lines =
        1 + std::ranges::count_if(text, [](char c) { return c == '\n' || c == '\r'; });
    std::tuple<int, int> last{0, 0};
    for (std::size_t i = 0; i < result.problems.size(); ++i) {
        const policy::Problem& problem = result.problems[i];
        const bool is_count = i == 1'000;  // "… more problems are not shown"
        require(!problem.message.empty(), "a problem has words");
        require(problem.file == "policy.yaml", "a problem names its file");
        require(problem.line >= 0 && problem.line <= lines + 1, "a problem is inside the file");
        require(is_count || std::tuple{problem.line, problem.column} >= last,
                "problems are sorted");
        last = {problem.line, problem.column};
        const std::string shown = problem.to_string() + " " + problem.source;
        require(!has_control_character(shown), "a problem is fit for a terminal");
        for (const std::string& word : marked_words(shown)) {
            require(!secrets.contains(word), "a problem shows no secret");
        }
    }
    require(result.problems.size() <= 1'001, "problems are bounded");
}

inline void check_snapshot(const policy::Snapshot& snapshot) {
    require(!snapshot.providers.empty(), "a policy has a provider");
    require(!snapshot.projects.empty(), "a policy has a project");
    require(!snapshot.routes.empty(), "a policy has a route");
    for (const auto& route : snapshot.routes) {
        require(!route->models.empty() && !route->targets.empty(), "a route leads somewhere");
    }
}

inline void check_policy_loader(std::string_view text) {
    const auto strict =
        policy::load_policy_text("policy.yaml", std::string(text), closed_options(true));
    const auto lenient =
        policy::load_policy_text("policy.yaml", std::string(text), closed_options(false));
    for (const policy::LoadResult* result : {&strict, &lenient}) {
        require((result->snapshot == nullptr) == has_error(*result), "an error is no snapshot");
        require(result->sources.files == std::vector<std::string>{"policy.yaml"},
                "no other file is read");
        check_problems(*result, text);
        if (result->tree) {
            check_tree(*result->tree, 1);
        }
        if (result->snapshot) {
            require(result->tree != nullptr, "a snapshot has its tree");
            check_snapshot(*result->snapshot);
        }
    }
    require(!strict.snapshot || lenient.snapshot, "what can serve can be checked");
}

}  // namespace headgate::fuzz
