#include "policy/config/yaml_text.h"

#include "policy/config/plain_scalar.h"

namespace headgate::policy {
namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kMaxLine = 100;  // of a list in one line
constexpr std::size_t kStep = 2;

bool is_printable_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return ' ' <= c && c <= '~'; });
}

/// Whether `text` without quotes would be read as itself (YAML 1.2.2 §7.3.3, more narrowly).
bool may_be_plain(std::string_view text, bool is_in_list) {
    if (text.empty() || text.front() == ' ' || text.back() == ' ' || !is_printable_ascii(text)) {
        return false;
    }
    const bool is_number =
        text.size() > 1 && text.front() == '-' && std::string_view("0123456789.").contains(text[1]);
    if (!is_number && std::string_view("-?:,[]{}#&*!|>'\"%@`").contains(text.front())) {
        return false;
    }
    if (text.back() == ':' || text.contains(": ") || text.contains(" #") ||
        text.starts_with("...")) {
        return false;
    }
    // A question mark ends a plain scalar in a list for some readers.
    return !is_in_list || text.find_first_of(",[]{}?") == std::string_view::npos;
}

void append_hex(unsigned code, std::size_t digits, std::string& out) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (std::size_t i = digits; i-- > 0;) {
        out += hex[code >> (4 * i) & 0xFU];
    }
}

/// The characters beyond ASCII that YAML takes for line breaks, or not at all (§5.1), in UTF-8.
struct Escaped {
    std::string_view utf8;
    std::string_view escape;
};
constexpr Escaped kEscaped[] = {
    {"\u2028", "\\u2028"}, {"\u2029", "\\u2029"}, {"\uFEFF", "\\uFEFF"}};

/// The escape of the character that `rest` begins with, and its length; 0: it needs none.
std::size_t append_escape(std::string_view rest, std::string& out) {
    const auto byte = static_cast<unsigned char>(rest.front());
    if (byte == '"' || byte == '\\') {
        out += '\\';
        out += rest.front();
        return 1;
    }
    if (byte == '\n' || byte == '\t' || byte == '\r') {
        out += byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : "\\r";
        return 1;
    }
    if (byte < 0x20 || byte == 0x7F) {
        out += "\\x";
        append_hex(byte, 2, out);
        return 1;
    }
    if (byte == 0xC2 && rest.size() > 1 && static_cast<unsigned char>(rest[1]) < 0xA0) {
        out += "\\u";
        append_hex(static_cast<unsigned char>(rest[1]), 4, out);  // U+0080 to U+009F
        return 2;
    }
    for (const Escaped& each : kEscaped) {
        if (rest.starts_with(each.utf8)) {
            out += each.escape;
            return each.utf8.size();
        }
    }
    return 0;
}

std::string quoted(std::string_view text) {
    std::string result = "\"";
    while (!text.empty()) {
        std::size_t length = append_escape(text, result);
        if (length == 0) {
            length = 1;
            result += text.front();
        }
        text.remove_prefix(length);
    }
    return result + '"';
}

std::string scalar_text(const YamlNode& node, bool is_in_list) {
    if (node.kind == Kind::null) {
        return "null";
    }
    const bool is_plain = (node.is_plain || !may_be_typed(node.text)) &&
                          plain_type(node.text) != PlainType::null &&
                          may_be_plain(node.text, is_in_list);
    return is_plain ? node.text : quoted(node.text);
}

bool is_scalar(const YamlNode& node) {
    return node.kind == Kind::scalar || node.kind == Kind::null;
}

/// A list of scalars in one line; nullopt: it has others, or would be too long.
std::optional<std::string> list_in_line(const YamlNode& list) {
    std::string text;
    for (const YamlPtr& item : list.items) {
        if (!is_scalar(*item) || text.size() > kMaxLine) {
            return std::nullopt;
        }
        text += (text.empty() ? "" : ", ") + scalar_text(*item, true);
    }
    return text.size() > kMaxLine ? std::nullopt : std::optional{"[" + text + "]"};
}

/// What stands behind `name:` or `-` in the same line; nullopt: a block, which takes lines.
std::optional<std::string> value_in_line(const YamlNode& value) {
    switch (value.kind) {
        case Kind::null:
        case Kind::scalar:
            return scalar_text(value, false);
        case Kind::sequence:
            return list_in_line(value);
        case Kind::map:
            return value.entries.empty() ? std::optional<std::string>{"{}"} : std::nullopt;
    }
    std::unreachable();
}

void append_block(const YamlNode& block, std::size_t indentation, std::string& out);

/// `- ` and an element: the first name of a map stands in the same line.
void append_item(const YamlNode& item, std::size_t indentation, std::string& out) {
    out.append(indentation, ' ');
    if (const std::optional<std::string> text = value_in_line(item)) {
        out += "- " + *text + "\n";
        return;
    }
    out += '-';
    const std::size_t begin = out.size();
    if (item.kind == Kind::sequence) {
        out += '\n';
        append_block(item, indentation + kStep, out);
        return;
    }
    append_block(item, indentation + kStep, out);
    out.erase(begin, indentation + 1);  // "-" and one blank stand for the indentation of the first
}

void append_block(const YamlNode& block, std::size_t indentation, std::string& out) {
    for (const YamlEntry& entry : block.entries) {
        append_yaml(entry, indentation, out);
    }
    for (const YamlPtr& item : block.items) {
        append_item(*item, indentation, out);
    }
}

}  // namespace

void append_yaml(const YamlEntry& entry, std::size_t indentation, std::string& out) {
    out.append(indentation, ' ');
    out += scalar_text(*entry.key, false) + ":";
    if (const std::optional<std::string> text = value_in_line(*entry.value)) {
        out += " " + *text + "\n";
        return;
    }
    out += '\n';
    append_block(*entry.value, indentation + kStep, out);
}

}  // namespace headgate::policy
