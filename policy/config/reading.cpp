#include "policy/config/reading.h"

#include "policy/config/secret_text.h"
#include "policy/config/spelling.h"

#include <tuple>

namespace headgate::policy {
namespace {

std::string quoted(std::string_view path, std::string_view what) {
    return "\"" + std::string(path) + "\" " + std::string(what);
}

std::string joined(std::span<const std::string_view> names) {
    std::string text;
    for (const std::string_view name : names) {
        text += text.empty() ? "" : ", ";
        text += name;
    }
    return text;
}

void report_redacted(Reading& reading, const Setting& setting) {
    if (reading.options().needs_secrets) {
        reading.error(setting, "is redacted; put the secret or a reference to it here");
    }
}

}  // namespace

Setting Setting::item(std::size_t index) const {
    return {node->items[index].get(), path + "[" + std::to_string(index) + "]"};
}

Reading::Reading(std::string file, SourceText source, const LoadOptions& options)
    : options_{options} {
    files_.push_back({std::move(file), std::move(source)});
}

std::uint16_t Reading::add_file(std::string path, std::string text) {
    files_.push_back({std::move(path), SourceText{std::move(text), files_.front().source.words()}});
    return static_cast<std::uint16_t>(files_.size() - 1);
}

std::string Reading::place_of(const YamlNode& from, const YamlNode& other) const {
    const std::string line = std::to_string(other.line);
    return from.file == other.file ? "line " + line : path_of(other.file) + ":" + line;
}

void Reading::error(const Setting& at, std::string_view what, const std::string& hint) {
    add(Problem::Severity::error, place(*at.node), quoted(at.path, what), hint);
}

void Reading::warning(const Setting& at, std::string_view what, const std::string& hint) {
    add(Problem::Severity::warning, place(*at.node), quoted(at.path, what), hint);
}

void Reading::error_at(const YamlNode& at, std::string_view message, const std::string& hint) {
    add(Problem::Severity::error, place(at), message, hint);
}

void Reading::error_at(int line, int column, std::string_view message, const std::string& hint) {
    add(Problem::Severity::error, {0, line, column}, message, hint);
}

void Reading::add(Problem::Severity severity,
                  Place at,
                  std::string_view message,
                  const std::string& hint) {
    has_errors_ = has_errors_ || severity == Problem::Severity::error;
    if (is_full()) {
        ++dropped_;
        return;
    }
    for (const YamlPtr& root : std::exchange(unlearned_, {})) {
        files_.front().source.learn(*root);
    }
    const SourceFile& file = files_[at.file];
    problems_.push_back({at.file,
                         {.severity = severity,
                          .file = file.path,
                          .line = at.line,
                          .column = at.column,
                          .message = file.source.redacted(message),
                          .hint = file.source.redacted(hint),
                          .source = file.source.line(at.line)}});
}

std::vector<Problem> Reading::take_problems() {
    const auto order = [](const PlacedProblem& each) {
        return std::tie(each.file, each.problem.line, each.problem.column, each.problem.message);
    };
    std::ranges::sort(problems_, {}, order);
    const auto repeated = std::ranges::unique(problems_, {}, order);
    problems_.erase(repeated.begin(), repeated.end());
    std::vector<Problem> taken;
    taken.reserve(problems_.size() + 1);
    for (PlacedProblem& each : std::exchange(problems_, {})) {
        taken.push_back(std::move(each.problem));
    }
    if (dropped_ > 0) {
        taken.push_back(
            {.severity = has_errors_ ? Problem::Severity::error : Problem::Severity::warning,
             .file = files_.front().path,
             .message = std::to_string(dropped_) + " more problems are not shown",
             .hint = {},
             .source = {}});
    }
    return taken;
}

std::optional<std::string> read_known_text(Reading& reading, const Setting& setting) {
    if (setting.node->kind == YamlNode::Kind::null) {
        reading.error(setting, "has no value");
        return std::nullopt;
    }
    if (setting.node->kind != YamlNode::Kind::scalar) {
        reading.error(setting, "must be a single value");
        return std::nullopt;
    }
    auto expanded = reading.expand(setting.node->text);
    if (!expanded) {
        reading.error(setting, expanded.error());
        return std::nullopt;
    }
    if (!expanded->is_known) {
        return std::nullopt;
    }
    return std::move(expanded->text);
}

std::optional<std::string> read_secret(Reading& reading, const Setting& setting) {
    std::optional<std::string> secret = read_scalar(reading, setting, parse_header_token);
    if (secret == kRedacted) {
        report_redacted(reading, setting);
        return std::nullopt;
    }
    return secret;
}

std::optional<std::string> read_text_with_secret(Reading& reading, const Setting& setting) {
    std::optional<std::string> text = read_known_text(reading, setting);
    if (text && text->contains(kRedacted)) {
        report_redacted(reading, setting);
        return std::nullopt;
    }
    return text;
}

std::vector<Setting> read_list(const Setting& setting) {
    if (setting.node->kind != YamlNode::Kind::sequence) {
        return {setting};
    }
    std::vector<Setting> items;
    items.reserve(setting.node->items.size());
    for (std::size_t i = 0; i < setting.node->items.size(); ++i) {
        items.push_back(setting.item(i));
    }
    return items;
}

std::vector<std::string> read_names(Reading& reading,
                                    const Setting& setting,
                                    Parsed<std::string> (*parse)(std::string_view)) {
    const std::vector<Setting> items = read_list(setting);
    if (items.empty()) {
        reading.error(setting, "is an empty list; leave the setting out to allow all");
    }
    std::vector<std::string> names;
    names.reserve(items.size());
    for (const Setting& item : items) {
        names.push_back(read_scalar(reading, item, parse).value_or(item.node->text));
    }
    return names;
}

std::optional<std::string> read_choice(Reading& reading,
                                       const Setting& setting,
                                       std::span<const std::string_view> choices) {
    std::optional<std::string> text = read_known_text(reading, setting);
    if (text && std::ranges::find(choices, std::string_view{*text}) == choices.end()) {
        reading.error(
            setting,
            "must be " + std::string(choices.size() > 1 ? "one of " : "") + joined(choices),
            did_you_mean(*text, {choices.begin(), choices.end()}));
        return std::nullopt;
    }
    return text;
}

}  // namespace headgate::policy
