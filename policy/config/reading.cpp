#include "policy/config/reading.h"

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

}  // namespace

Setting Setting::item(std::size_t index) const {
    return {node->items[index].get(), path + "[" + std::to_string(index) + "]"};
}

void Reading::error(const Setting& at, std::string_view what, const std::string& hint) {
    add(Problem::Severity::error, at.node->line, at.node->column, quoted(at.path, what), hint);
}

void Reading::warning(const Setting& at, std::string_view what, const std::string& hint) {
    add(Problem::Severity::warning, at.node->line, at.node->column, quoted(at.path, what), hint);
}

void Reading::error_at(int line, int column, std::string_view message, const std::string& hint) {
    add(Problem::Severity::error, line, column, message, hint);
}

void Reading::add(Problem::Severity severity,
                  int line,
                  int column,
                  std::string_view message,
                  const std::string& hint) {
    has_errors_ = has_errors_ || severity == Problem::Severity::error;
    if (problems_.size() >= kMaxProblems) {
        ++dropped_;
        return;
    }
    problems_.push_back({.severity = severity,
                         .file = file_,
                         .line = line,
                         .column = column,
                         .message = source_.redacted(message),
                         .hint = source_.redacted(hint),
                         .source = source_.line(line)});
}

std::vector<Problem> Reading::take_problems() {
    const auto place = [](const Problem& problem) {
        return std::tie(problem.line, problem.column, problem.message);
    };
    std::ranges::sort(problems_, {}, place);
    const auto repeated = std::ranges::unique(problems_, {}, place);
    problems_.erase(repeated.begin(), repeated.end());
    if (dropped_ > 0) {
        problems_.push_back(
            {.severity = has_errors_ ? Problem::Severity::error : Problem::Severity::warning,
             .file = file_,
             .message = std::to_string(dropped_) + " more problems are not shown",
             .hint = {},
             .source = {}});
    }
    return std::move(problems_);
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
    auto expanded = expand_references(setting.node->text, reading.options());
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
    if (secret == "<redacted>") {
        if (reading.options().needs_secrets) {
            reading.error(setting, "is redacted; put the secret or a reference to it here");
        }
        return std::nullopt;
    }
    return secret;
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
