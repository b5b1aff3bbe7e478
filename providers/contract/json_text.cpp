#include "providers/contract/json_text.h"

#include <algorithm>

namespace headgate::providers {
namespace {

constexpr unsigned char byte(char c) {
    return static_cast<unsigned char>(c);
}

/// The value of a hexadecimal digit that has been validated.
constexpr unsigned hex_value(char c) {
    return c <= '9' ? static_cast<unsigned>(c - '0') : static_cast<unsigned>((c | 0x20) - 'a' + 10);
}

/// The code unit of a `\uXXXX` whose four digits begin at `digits`.
unsigned code_unit(std::string_view raw, std::size_t digits) {
    unsigned unit = 0;
    for (const char digit : raw.substr(digits, 4)) {
        unit = unit * 16 + hex_value(digit);
    }
    return unit;
}

constexpr bool is_high_surrogate(unsigned unit) {
    return unit >= 0xd800 && unit <= 0xdbff;
}
constexpr bool is_low_surrogate(unsigned unit) {
    return unit >= 0xdc00 && unit <= 0xdfff;
}

void append_utf8(std::string& out, unsigned point) {
    if (point < 0x80) {
        out += static_cast<char>(point);
    } else if (point < 0x800) {
        out += static_cast<char>(0xc0 | (point >> 6));
        out += static_cast<char>(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        out += static_cast<char>(0xe0 | (point >> 12));
        out += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
        out += static_cast<char>(0x80 | (point & 0x3f));
    } else {
        out += static_cast<char>(0xf0 | (point >> 18));
        out += static_cast<char>(0x80 | ((point >> 12) & 0x3f));
        out += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
        out += static_cast<char>(0x80 | (point & 0x3f));
    }
}

/// Resolves one escape at `raw[at]` (the backslash); moves `at` behind it. U+FFFD and `is_lone`
/// for a surrogate without its other half.
unsigned escaped_point(std::string_view raw, std::size_t& at, bool& is_lone) {
    const char kind = raw[at + 1];
    if (kind != 'u') {
        at += 2;
        switch (kind) {
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            default:
                return byte(kind);
        }
    }
    const unsigned unit = code_unit(raw, at + 2);
    at += 6;
    if (!is_high_surrogate(unit) && !is_low_surrogate(unit)) {
        return unit;
    }
    if (is_high_surrogate(unit) && raw.substr(at, 2) == "\\u") {
        const unsigned low = code_unit(raw, at + 2);
        if (is_low_surrogate(low)) {
            at += 6;
            return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    is_lone = true;
    return 0xfffd;
}

}  // namespace

std::size_t utf8_length(Bytes text, std::size_t at) {
    const auto tail = [text, at](std::size_t i, unsigned low, unsigned high) {
        return at + i < text.size() && byte(text[at + i]) >= low && byte(text[at + i]) <= high;
    };
    const unsigned char c = byte(text[at]);
    if (c < 0x80) {
        return 1;
    }
    if (c >= 0xc2 && c <= 0xdf) {
        return tail(1, 0x80, 0xbf) ? 2 : 0;
    }
    if (c >= 0xe0 && c <= 0xef) {
        const unsigned low = c == 0xe0 ? 0xa0 : 0x80;
        const unsigned high = c == 0xed ? 0x9f : 0xbf;
        return tail(1, low, high) && tail(2, 0x80, 0xbf) ? 3 : 0;
    }
    if (c >= 0xf0 && c <= 0xf4) {
        const unsigned low = c == 0xf0 ? 0x90 : 0x80;
        const unsigned high = c == 0xf4 ? 0x8f : 0xbf;
        return tail(1, low, high) && tail(2, 0x80, 0xbf) && tail(3, 0x80, 0xbf) ? 4 : 0;
    }
    return 0;
}

std::string unescaped(std::string_view raw) {
    std::string out;
    out.reserve(raw.size());
    bool is_lone = false;
    for (std::size_t at = 0; at < raw.size();) {
        const std::size_t backslash = std::min(raw.find('\\', at), raw.size());
        out += raw.substr(at, backslash - at);
        at = backslash;
        if (at < raw.size()) {
            append_utf8(out, escaped_point(raw, at, is_lone));
        }
    }
    return out;
}

bool has_lone_surrogate(std::string_view raw) {
    bool is_lone = false;
    for (std::size_t at = raw.find('\\'); at != std::string_view::npos; at = raw.find('\\', at)) {
        escaped_point(raw, at, is_lone);
    }
    return is_lone;
}

}  // namespace headgate::providers
