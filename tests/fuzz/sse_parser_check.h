#pragma once

#include "providers/contract/sse_parser.h"
#include "tests/fuzz/oracle.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::fuzz {

/// An event that owns its bytes.
struct OwnedEvent {
    std::string raw;
    std::string data;
    std::string name;
    bool is_bare = false;

    friend bool operator==(const OwnedEvent&, const OwnedEvent&) = default;
};

struct ParsedStream {
    std::vector<OwnedEvent> events;
    std::size_t held = 0;
    bool is_too_large = false;

    friend bool operator==(const ParsedStream&, const ParsedStream&) = default;
};

/// Parses `text` in pieces that end at `cuts` (ascending) and at its end. Each piece is given from
/// a buffer of its own, which is gone before the next.
inline ParsedStream parse_sse(std::string_view text, const std::vector<std::size_t>& cuts) {
    providers::SseParser parser;
    ParsedStream parsed;
    std::size_t begin = 0;
    const auto feed = [&](std::size_t end) {
        const std::string piece{text.substr(begin, end - begin)};
        begin = end;
        parser.feed(piece);
        providers::SseEvent event;
        while (parser.next(event)) {
            parsed.events.push_back({.raw = std::string{event.raw},
                                     .data = std::string{event.data},
                                     .name = std::string{event.name},
                                     .is_bare = event.is_bare});
        }
    };
    std::ranges::for_each(cuts, feed);
    feed(text.size());
    parsed.held = parser.held();
    parsed.is_too_large = parser.is_too_large();
    return parsed;
}

/// The lines of `text` that have ended, read one byte at a time.
inline std::vector<std::string> ended_lines(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) {
        text.remove_prefix(3);
    }
    std::vector<std::string> lines;
    std::string line;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\r' && text[i] != '\n') {
            line += text[i];
            continue;
        }
        lines.push_back(line);
        line.clear();
        if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
            ++i;
        }
    }
    return lines;
}

/// Data and names as the algorithm of WHATWG HTML 9.2.6 gives them, written as it stands there.
inline std::vector<std::pair<std::string, std::string>> reference_events(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> events;
    std::string data;
    std::string name;
    for (const std::string& line : ended_lines(text)) {
        if (line.empty()) {
            if (!data.empty()) {
                data.pop_back();
                events.emplace_back(data, name);
            }
            data.clear();
            name.clear();
            continue;
        }
        const std::size_t colon = line.find(':');
        const std::string field = line.substr(0, colon);
        std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
        if (value.starts_with(' ')) {
            value.erase(0, 1);
        }
        if (field == "data") {
            data += value + '\n';
        } else if (field == "event") {
            name = value;
        }
    }
    return events;
}

inline void check_sse_parser(std::string_view input) {
    // A line begun at the end tells a last CR from a CRLF.
    const std::string text = std::string{input} + ":";
    const ParsedStream whole = parse_sse(text, {});

    const auto expected = reference_events(text);
    require(whole.events.size() == expected.size(), "as many events as the standard gives");
    for (std::size_t i = 0; i < expected.size(); ++i) {
        require(whole.events[i].data == expected[i].first, "the data that the standard gives");
        require(whole.events[i].name == expected[i].second, "the name that the standard gives");
    }
    std::vector<std::size_t> every_byte;
    const std::size_t stride = text.size() / 64 + 1;
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
        every_byte.push_back(cut);
        if (cut % stride == 0) {
            require(parse_sse(text, {cut}) == whole, "events do not depend on a cut");
        }
    }
    require(parse_sse(text, every_byte) == whole, "events do not depend on single bytes");
}

}  // namespace headgate::fuzz
