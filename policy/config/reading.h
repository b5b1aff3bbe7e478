#pragma once

#include "policy/config/expand.h"
#include "policy/config/loader.h"
#include "policy/config/problem.h"
#include "policy/config/scalars.h"
#include "policy/config/source_text.h"
#include "policy/config/yaml_tree.h"

#include <cstddef>
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

/// One reading of one policy file: how references are resolved and what was found wrong so far.
/// Lives for the length of load_policy(). Problems never show a secret (SourceText).
class Reading {
public:
    /// Problems beyond this number are counted, not kept: a hostile file has millions.
    static constexpr std::size_t kMaxProblems = 1'000;

    Reading(std::string file, SourceText source, const LoadOptions& options)
        : file_{std::move(file)}, source_{std::move(source)}, options_{options} {}

    const LoadOptions& options() const { return options_; }
    SourceText& source() { return source_; }

    /// `"PATH" WHAT` at the setting's place: `error(s, "must be a map")`.
    void error(const Setting& at, std::string_view what, const std::string& hint = {});
    void warning(const Setting& at, std::string_view what, const std::string& hint = {});
    /// A whole message at a place; line 0: the file as a whole.
    void error_at(int line, int column, std::string_view message, const std::string& hint = {});

    bool has_errors() const { return has_errors_; }

    /// All problems in the order of the file.
    std::vector<Problem> take_problems();

private:
    void add(Problem::Severity severity,
             int line,
             int column,
             std::string_view message,
             const std::string& hint);

    std::string file_;
    SourceText source_;
    const LoadOptions& options_;
    std::vector<Problem> problems_;
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
