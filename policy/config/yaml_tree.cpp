#include "policy/config/yaml_tree.h"

#include "policy/config/yaml_builder.h"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <optional>
#include <streambuf>
#include <string_view>

namespace headgate::policy {
namespace {

/// Reads a string in place: an istringstream would copy up to 8 MiB.
class ViewBuffer final : public std::streambuf {
public:
    explicit ViewBuffer(const std::string& text) {
        char* begin = const_cast<char*>(text.data());  // streambuf's get area; never written to
        setg(begin, begin, begin + text.size());
    }
};

struct Utf8Form {
    unsigned char lead_mask;
    unsigned char lead;
    std::size_t length;
    std::uint32_t smallest;  // below it the form is overlong
};
constexpr Utf8Form kUtf8Forms[] = {
    {0xE0, 0xC0, 2, 0x80}, {0xF0, 0xE0, 3, 0x800}, {0xF8, 0xF0, 4, 0x10000}};

/// Length of the UTF-8 character at `at`, or 0 where there is none (RFC 3629).
std::size_t utf8_length(std::string_view text, std::size_t at) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (byte(at) < 0x80) {
        return 1;
    }
    for (const Utf8Form& form : kUtf8Forms) {
        if ((byte(at) & form.lead_mask) != form.lead || text.size() - at < form.length) {
            continue;
        }
        auto code = static_cast<std::uint32_t>(byte(at) & ~form.lead_mask);
        for (std::size_t i = 1; i < form.length; ++i) {
            if ((byte(at + i) & 0xC0) != 0x80) {
                return 0;
            }
            code = code << 6 | (byte(at + i) & 0x3F);
        }
        const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
        return code < form.smallest || code > 0x10FFFF || is_surrogate ? 0 : form.length;
    }
    return 0;
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

/// The first byte that no YAML file may hold: it tells a binary or half-written file.
std::optional<YamlError> bad_byte(const std::string& text) {
    int line = 1;
    std::size_t line_begin = 0;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = is_control(text[i]) ? 0 : utf8_length(text, i);
        if (length == 0) {
            return YamlError{line, static_cast<int>(i - line_begin) + 1,
                             is_control(text[i]) ? "the file holds a control character here"
                                                 : "the file is not UTF-8 here"};
        }
        if (text[i] == '\n') {
            ++line;
            line_begin = i + 1;
        }
        i += length;
    }
    return std::nullopt;
}

}  // namespace

std::expected<YamlPtr, YamlError> parse_yaml(const std::string& text) {
    YamlFile file;
    return parse_yaml(text, file);
}

std::expected<YamlPtr, YamlError> parse_yaml(const std::string& text, YamlFile& file) {
    if (text.size() > kMaxYamlBytes) {
        return std::unexpected(YamlError{0, 0, "the file is larger than 8 MiB"});
    }
    if (auto error = bad_byte(text)) {
        return std::unexpected(std::move(*error));
    }
    ViewBuffer buffer{text};
    std::istream stream{&buffer};
    YamlBuilder builder{file};
    try {
        YAML::Parser parser{stream};
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const YamlRefusal& refusal) {
        return std::unexpected(refusal.error);
    } catch (const YAML::Exception& error) {
        return std::unexpected(YamlError{error.mark.line + 1, error.mark.column + 1,
                                         "this is not valid YAML: " + error.msg});
    }
    if (builder.root()) {
        return builder.root();
    }
    auto nothing = std::make_shared<YamlNode>();
    nothing->file = file.file;
    return nothing;
}

}  // namespace headgate::policy
