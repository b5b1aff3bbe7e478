#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "providers/base/bytes.h"

namespace headgate::providers {

/// One whole server-sent event (WHATWG HTML, 9.2). Views are valid until the next call to the
/// parser.
struct SseEvent {
    Bytes raw;          // all its lines as they came, the blank line included
    Bytes data;         // the `data:` lines' values, joined by LF
    Bytes name;         // the last `event:` value, empty where none
    bool is_bare = false;  // only `data:` and `event:` lines: `raw` may pass as it is
};

/// Cuts a body into events, whatever way the bytes were split; LF, CR and CRLF all end lines, a
/// byte-order mark at the start is dropped, comment-only blocks give no event.
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
    /// The rest without its blank line is above kMaxEvent.
    bool is_too_large() const { return is_too_large_; }
    /// Bytes of an event that is not whole yet.
    std::size_t held() const { return held_.size(); }

private:
    std::string held_;
    std::string joined_;
    Bytes current_;
    std::size_t at_ = 0;
    bool is_first_ = true;
    bool is_too_large_ = false;
};

}  // namespace headgate::providers
