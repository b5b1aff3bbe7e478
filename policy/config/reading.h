#pragma once

#include "policy/config/expand.h"
#include "policy/config/loader.h"
#include "policy/config/problem.h"
#include "policy/config/scalars.h"
#include "policy/config/source_text.h"
#include "policy/config/yaml_tree.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::policy {

/// A node of the file with the name by which messages call it: "projects.search.keys[0].name".
struct Setting {
    const YamlNode* node = nullptr;
    std::string path;

    Setting item(std::size_t index) const;
};

/// One reading of a policy: its files, how references are resolved and what was found wrong so far.
/// Lives for the length of load_policy(). Problems never show a secret (SourceText).
class Reading {
public:
    /// Problems beyond this number are counted, not kept: a hostile file has millions.
    static constexpr std::size_t kMaxProblems = 1'000;

    /// `file` and `source` are the main file, number 0.
    Reading(std::string file, SourceText source, const LoadOptions& options);

    /// Another file of the policy. Returns its number, which its nodes bear (YamlNode::file).
    std::uint16_t add_file(std::string path, std::string text);

    /// Remembers the literal secrets below `root`, so that no problem shows them.
    void learn(YamlPtr root) { unlearned_.push_back(std::move(root)); }

    const LoadOptions& options() const { return options_; }
    const SourceText& source(std::uint16_t file = 0) const { return files_[file].source; }
    const std::string& path_of(std::uint16_t file) const { return files_[file].path; }

    /// Where `other` stands, for a message about `from`: "line 12", or "b.yaml:12" where that is
    /// another file.
    std::string place_of(const YamlNode& from, const YamlNode& other) const;

    /// `"PATH" WHAT` at the setting's place: `error(s, "must be a map")`.
    void error(const Setting& at, std::string_view what, const std::string& hint = {});
    void warning(const Setting& at, std::string_view what, const std::string& hint = {});
    /// A whole message at a node's place.
    void error_at(const YamlNode& at, std::string_view message, const std::string& hint = {});
    /// A whole message at a place of the main file; line 0: the policy as a whole.
    void error_at(int line, int column, std::string_view message, const std::string& hint = {});

    bool has_errors() const { return has_errors_; }
    /// Whether further problems are only counted.
    bool is_full() const { return problems_.size() >= kMaxProblems; }

    /// `raw` with its references resolved (expand.h).
    std::expected<ExpandedText, std::string> expand(std::string_view raw) {
        return expand_references(raw, options_, &referenced_files_);
    }
    /// The files of all `${file:}` so far, as often as they were named.
    const std::vector<std::string>& referenced_files() const { return referenced_files_; }

    /// All problems in the order of the files.
    std::vector<Problem> take_problems();

private:
    struct SourceFile {
        std::string path;
        SourceText source;
    };
    struct Place {
        std::uint16_t file = 0;
        int line = 0;
        int column = 0;
    };
    struct PlacedProblem {
        std::uint16_t file = 0;
        Problem problem;
    };

    static Place place(const YamlNode& node) { return {node.file, node.line, node.column}; }
    void add(Problem::Severity severity,
             Place at,
             std::string_view message,
             const std::string& hint);

    std::deque<SourceFile> files_;  // what parses a text keeps its address
    const LoadOptions& options_;
    std::vector<YamlPtr> unlearned_;  // learning is left until there is a problem to show
    std::vector<std::string> referenced_files_;
    std::vector<PlacedProblem> problems_;
    std::size_t dropped_ = 0;
    bool has_errors_ = false;
};

/// The text of a scalar with its references resolved; nullopt where there is none (reported) or
/// where it is unknown (LoadOptions).
std::optional<std::string> read_known_text(Reading& reading, const Setting& setting);

/// A scalar as `parse` understands it; nullopt where it is faulty (reported) or unknown.
template <class Parse>
auto read_scalar(Reading& reading, const Setting& setting, Parse&& parse)
    -> std::optional<typename decltype(parse(std::string_view{}))::value_type> {
    const std::optional<std::string> text = read_known_text(reading, setting);
    if (!text) {
        return std::nullopt;
    }
    auto value = parse(std::string_view{*text});
    if (!value) {
        reading.error(setting, value.error());
        return std::nullopt;
    }
    return std::move(*value);
}

/// A credential: printable ASCII without blanks; nullopt where it is faulty (reported), unknown, or
/// the `<redacted>` of a policy that was printed for people, which only needs_secrets reports.
std::optional<std::string> read_secret(Reading& reading, const Setting& setting);

/// A text of which a part may be a secret, such as the password of a URL; nullopt as above, also
/// where only that part is `<redacted>`.
std::optional<std::string> read_text_with_secret(Reading& reading, const Setting& setting);

/// The elements of a list; one scalar or map stands for a list of itself.
std::vector<Setting> read_list(const Setting& setting);

/// A list of texts of which each is what `parse` takes. An empty list is an error: it would read as
/// "none" but mean "all". An element that is unknown stays as written, so that a list never becomes
/// empty by it.
std::vector<std::string> read_names(Reading& reading,
                                    const Setting& setting,
                                    Parsed<std::string> (*parse)(std::string_view));

/// One of `choices`; nullopt where it is none (reported with a hint) or unknown.
std::optional<std::string> read_choice(Reading& reading,
                                       const Setting& setting,
                                       std::span<const std::string_view> choices);

}  // namespace headgate::policy
