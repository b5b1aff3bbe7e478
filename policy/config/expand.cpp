#include "policy/config/expand.h"

#include "policy/config/file_text.h"

#include <cstdlib>

namespace headgate::policy {
namespace {

constexpr std::size_t kMaxReferencedBytes = std::size_t{64} << 10;
constexpr std::string_view kFilePrefix = "file:";

/// The value of one reference; nullopt: missing, and allowed to be.
using Resolved = std::expected<std::optional<std::string>, std::string>;

bool is_variable_name(std::string_view name) {
    const auto is_letter = [](char c) {
        return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || c == '_';
    };
    return !name.empty() && is_letter(name.front()) && std::ranges::all_of(name, [&](char c) {
        return is_letter(c) || ('0' <= c && c <= '9');
    });
}

std::string trimmed(const std::string& text) {
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

Resolved file_content(const std::string& path,
                      const LoadOptions& options,
                      std::vector<std::string>* files) {
    if (path.empty() || path.contains('\0')) {
        return std::unexpected(std::string("has a ${file:} without a valid path"));
    }
    if (!options.may_read_files) {
        return std::unexpected(std::string("has a ${file:}, but no other file is read here"));
    }
    if (files != nullptr) {
        files->push_back(path);
    }
    const auto content = read_file_text(path, kMaxReferencedBytes);
    if (content) {
        return trimmed(*content);
    }
    if (!options.needs_secrets) {
        return std::nullopt;
    }
    return std::unexpected("refers to the file " + path + ", which " + content.error());
}

std::optional<std::string> environment_value(const std::string& name, const LoadOptions& options) {
    if (options.environment) {
        return options.environment(name);
    }
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody sets
    return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

Resolved variable_value(std::string_view reference, const LoadOptions& options) {
    const std::size_t colon = reference.find(":-");
    const std::string name{reference.substr(0, colon)};
    if (!is_variable_name(name)) {
        return std::unexpected(
            std::string("has a malformed reference: write ${NAME}, ${NAME:-default} or "
                        "${file:PATH}, or $${ for a plain ${"));
    }
    std::optional<std::string> value = environment_value(name, options);
    if (colon != std::string_view::npos) {
        const bool has_value = value && !value->empty();
        return has_value ? std::move(*value) : std::string(reference.substr(colon + 2));
    }
    if (!value && options.needs_secrets) {
        return std::unexpected("refers to the environment variable " + name + ", which is not set");
    }
    return value;
}

Resolved resolve(std::string_view reference,
                 const LoadOptions& options,
                 std::vector<std::string>* files) {
    if (reference.contains("${")) {
        return std::unexpected(
            std::string("has a reference inside a reference, which is not "
                        "possible"));
    }
    if (reference.starts_with(kFilePrefix)) {
        return file_content(std::string(reference.substr(kFilePrefix.size())), options, files);
    }
    return variable_value(reference, options);
}

}  // namespace

std::expected<ExpandedText, std::string> expand_references(std::string_view raw,
                                                           const LoadOptions& options,
                                                           std::vector<std::string>* files) {
    ExpandedText result;
    std::size_t at = 0;
    for (;;) {
        const std::size_t dollar = raw.find("${", at);
        result.text += raw.substr(at, dollar - at);
        if (dollar == std::string_view::npos) {
            return result;
        }
        if (dollar > at && raw[dollar - 1] == '$') {
            result.text += '{';  // "$${": the first dollar is already there
            at = dollar + 2;
            continue;
        }
        const std::size_t end = raw.find('}', dollar);
        if (end == std::string_view::npos) {
            return std::unexpected(std::string("has a ${ without its }; write $${ for a plain ${"));
        }
        Resolved value = resolve(raw.substr(dollar + 2, end - dollar - 2), options, files);
        if (!value) {
            return std::unexpected(std::move(value.error()));
        }
        result.is_known = result.is_known && value->has_value();
        result.text += value->value_or("");
        at = end + 1;
    }
}

}  // namespace headgate::policy
