#pragma once

#include "providers/base/bytes.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::providers {

/// One whole server-sent event (WHATWG HTML, 9.2). Views are valid until the next call to the
/// parser.
struct SseEvent {
    Bytes raw;             // all its lines as they came, the blank line included
    Bytes data;            // the `data:` lines' values, joined by LF
    Bytes name;            // the last `event:` value, empty where none
    bool is_bare = false;  // only `data:` and `event:` lines: `raw` may pass as it is
};

/// Cuts a body into events, whatever way the bytes were split; LF, CR and CRLF all end lines, a
/// byte-order mark at the start is dropped, blocks without a `data:` line (comments) give no event.
///
///   parser.feed(bytes);
///   while (parser.next(event)) { … }
///   if (parser.is_too_large()) { … }
///
/// Whole events inside `bytes` are not copied; only a rest without its blank line is kept.
class SseParser {
public:
    static constexpr std::size_t kMaxEvent = std::size_t{16} << 20;

    /// `bytes` must live until next() has given false.
    void feed(Bytes bytes);
    bool next(SseEvent& event);
    /// An event has more than kMaxEvent bytes before its blank line. No more events follow.
    bool is_too_large() const { return is_too_large_; }
    /// Bytes of an event that is not whole yet.
    std::size_t held() const { return is_held_read_ ? 0 : held_.size(); }

private:
    /// Where the search for an event's blank line stands, in offsets from the event's first byte;
    /// resumes when the text has grown.
    struct Scan {
        std::size_t line = 0;      // where the current line begins
        std::size_t searched = 0;  // up to where no line end is left
        std::size_t size = 0;      // of the whole event; 0: not known yet
        bool after_bare_cr = false;

        bool finds_end_in(Bytes text);
        std::size_t bytes_before_blank_line(Bytes text) const;
    };

    bool next_block(Bytes& block);
    bool next_held_block(Bytes& block);
    bool read_block(Bytes block, SseEvent& event);
    void pass_byte_order_mark();
    void drop_read_event();
    bool is_above_limit(Bytes text);

    std::string held_;    // the start of an event that is not whole yet, or one that came in parts
    std::string joined_;  // the data of an event with several `data:` lines
    Scan scan_;           // of `held_`
    Bytes current_;
    std::size_t at_ = 0;
    bool is_first_ = true;
    bool is_held_read_ = false;  // `held_` is the event that next() gave last
    bool is_too_large_ = false;
};

}  // namespace headgate::providers
