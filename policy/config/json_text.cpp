#include "policy/config/json_text.h"

#include "policy/config/plain_scalar.h"

#include <cmath>

namespace headgate::policy {
namespace {

using Kind = YamlNode::Kind;

void append_string(std::string_view text, std::string& out) {
    constexpr std::string_view hex = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7F) {
            out += "\\u00";
            out += hex[byte >> 4];
            out += hex[byte & 0xF];
        } else {
            out += c;
        }
    }
    out += '"';
}

/// A whole number in JSON's spelling; empty: it is beyond 64 bits.
std::string integer_text(std::string_view text) {
    const bool is_negative = text.starts_with('-');
    if (is_negative || text.starts_with('+')) {
        text.remove_prefix(1);
    }
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0o")) {
        base = text[1] == 'x' ? 16 : 8;
        text.remove_prefix(2);
    }
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number, base);
    if (error != std::errc{} || stop != end) {
        return {};
    }
    return (is_negative && number != 0 ? "-" : "") + std::to_string(number);
}

/// A decimal number in JSON's spelling, digits kept; empty: it is none, or beyond a double.
std::string real_text(std::string_view text) {
    std::string result{text.starts_with('-') ? "-" : ""};
    if (text.starts_with('-') || text.starts_with('+')) {
        text.remove_prefix(1);
    }
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end || !std::isfinite(number)) {
        return {};
    }
    const std::size_t whole_end = std::min(text.find_first_of(".eE"), text.size());
    std::string_view whole = text.substr(0, whole_end);
    whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
    result += whole.empty() ? "0" : whole;
    std::string_view rest = text.substr(whole_end);
    if (rest.starts_with('.')) {
        const std::size_t places_end = std::min(rest.find_first_of("eE"), rest.size());
        result += places_end > 1 ? rest.substr(0, places_end) : std::string_view{};
        rest.remove_prefix(places_end);
    }
    return result + std::string(rest);
}

void append_scalar(const YamlNode& scalar, std::string& out) {
    const PlainType type = scalar.is_plain ? plain_type(scalar.text) : PlainType::text;
    std::string typed;
    switch (type) {
        case PlainType::null:
            typed = "null";
            break;
        case PlainType::flag:
            typed = scalar.text.starts_with('t') || scalar.text.starts_with('T') ? "true" : "false";
            break;
        case PlainType::integer:
            typed = integer_text(scalar.text);
            break;
        case PlainType::real:
            typed = real_text(scalar.text);
            break;
        case PlainType::text:
            break;
    }
    if (typed.empty()) {
        append_string(scalar.text, out);
    } else {
        out += typed;
    }
}

void append_json(const YamlNode& node, std::string& out) {
    switch (node.kind) {
        case Kind::null:
            out += "null";
            return;
        case Kind::scalar:
            append_scalar(node, out);
            return;
        case Kind::sequence:
            out += '[';
            for (std::size_t i = 0; i < node.items.size(); ++i) {
                out += i == 0 ? "" : ",";
                append_json(*node.items[i], out);
            }
            out += ']';
            return;
        case Kind::map:
            out += '{';
            for (std::size_t i = 0; i < node.entries.size(); ++i) {
                out += i == 0 ? "" : ",";
                append_string(node.entries[i].key->text, out);
                out += ':';
                append_json(*node.entries[i].value, out);
            }
            out += '}';
            return;
    }
    std::unreachable();
}

}  // namespace

std::string to_json_text(const YamlNode& node) {
    std::string out;
    append_json(node, out);
    return out;
}

}  // namespace headgate::policy
