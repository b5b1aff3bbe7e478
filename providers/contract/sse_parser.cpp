#include "providers/contract/sse_parser.h"

#include <cstring>
#include <utility>

namespace headgate::providers {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
/// What a buffer may keep of its memory once its event has been read.
constexpr std::size_t kKeptCapacity = std::size_t{64} << 10;

/// The offset of the first CR or LF from `from` on; `text.size()` where there is none.
std::size_t find_line_end(Bytes text, std::size_t from) {
    if (from >= text.size()) {
        return text.size();
    }
    const char* const begin = text.data() + from;
    std::size_t length = text.size() - from;
    if (const void* const lf = std::memchr(begin, '\n', length)) {
        length = static_cast<std::size_t>(static_cast<const char*>(lf) - begin);
    }
    if (const void* const cr = std::memchr(begin, '\r', length)) {
        length = static_cast<std::size_t>(static_cast<const char*>(cr) - begin);
    }
    return from + length;
}

/// Behind the CR, LF or CRLF at `end`.
std::size_t behind_line_end(Bytes text, std::size_t end) {
    const bool is_crlf = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
    return end + (is_crlf ? 2 : 1);
}

std::string_view without_space(std::string_view value) {
    return value.starts_with(' ') ? value.substr(1) : value;
}

/// Empties `text`; a large one gives its memory back.
void clear(std::string& text) {
    if (text.capacity() > kKeptCapacity) {
        std::exchange(text, {});
    } else {
        text.clear();
    }
}

}  // namespace

bool SseParser::Scan::finds_end_in(Bytes text) {
    while (searched < text.size()) {
        const std::size_t end = find_line_end(text, searched);
        searched = end;
        if (end == text.size()) {
            return false;
        }
        const bool is_blank = end == line;
        const bool is_cr = text[end] == '\r';
        // Where lines end with CR alone, a blank line's CR ends the event at once: to wait for an
        // LF would delay it until the next event. An LF that comes after all is a blank line of its
        // own, which means nothing.
        const bool may_be_crlf = is_cr && !(is_blank && after_bare_cr);
        if (may_be_crlf && end + 1 == text.size()) {
            return false;  // the next byte will tell
        }
        const std::size_t next = may_be_crlf ? behind_line_end(text, end) : end + 1;
        searched = next;
        if (is_blank) {
            size = next;
            return true;
        }
        after_bare_cr = is_cr && next == end + 1;
        line = next;
    }
    return false;
}

std::size_t SseParser::Scan::bytes_before_blank_line(Bytes text) const {
    const bool is_in_blank_line = size != 0 || (searched == line && line < text.size());
    return is_in_blank_line ? line : text.size();
}

void SseParser::feed(Bytes bytes) {
    drop_read_event();
    current_ = bytes;
    at_ = 0;
}

bool SseParser::next(SseEvent& event) {
    drop_read_event();
    Bytes block;
    while (!is_too_large_ && next_block(block)) {
        if (read_block(block, event)) {
            return true;
        }
        drop_read_event();
    }
    return false;
}

void SseParser::drop_read_event() {
    if (is_held_read_) {
        clear(held_);
        scan_ = {};
        is_held_read_ = false;
    }
}

/// Drops a byte-order mark at the very start. Until it is known to be one its bytes are held.
void SseParser::pass_byte_order_mark() {
    while (at_ < current_.size() && held_.size() < kByteOrderMark.size() &&
           current_[at_] == kByteOrderMark[held_.size()]) {
        held_ += current_[at_++];
    }
    if (held_.size() == kByteOrderMark.size()) {
        held_.clear();
        is_first_ = false;
    } else if (at_ < current_.size()) {
        is_first_ = false;  // what is held begins the first line
    }
}

bool SseParser::next_block(Bytes& block) {
    if (is_first_) {
        pass_byte_order_mark();
    }
    if (!held_.empty()) {
        return next_held_block(block);
    }
    const Bytes rest = current_.substr(at_);
    scan_ = {};
    const bool is_whole = scan_.finds_end_in(rest);
    if (is_above_limit(rest)) {
        return false;
    }
    if (is_whole) {
        block = rest.substr(0, scan_.size);
        at_ += scan_.size;
        return true;
    }
    held_ = rest;
    at_ = current_.size();
    return false;
}

/// Adds to what is held, a line at a time so that no more than its own event is copied.
bool SseParser::next_held_block(Bytes& block) {
    while (at_ < current_.size()) {
        const Bytes piece = current_.substr(at_, kKeptCapacity);
        const std::size_t end = find_line_end(piece, 0);
        const std::size_t next = end < piece.size() ? behind_line_end(piece, end) : end;
        held_ += piece.substr(0, next);
        at_ += next;
        const bool is_whole = scan_.finds_end_in(held_);
        if (is_above_limit(held_)) {
            return false;
        }
        if (is_whole) {
            // Where a CR at the border was the end after all, the piece belongs to the next event.
            at_ -= held_.size() - scan_.size;
            held_.resize(scan_.size);
            is_held_read_ = true;
            block = held_;
            return true;
        }
    }
    return false;
}

bool SseParser::is_above_limit(Bytes text) {
    if (scan_.bytes_before_blank_line(text) > kMaxEvent) {
        is_too_large_ = true;
        at_ = current_.size();
        clear(held_);
    }
    return is_too_large_;
}

/// Reads the lines of a block. False where it has no `data:` line: that is not an event.
bool SseParser::read_block(Bytes block, SseEvent& event) {
    event = {.raw = block, .data = {}, .name = {}, .is_bare = true};
    clear(joined_);
    std::size_t data_lines = 0;
    for (std::size_t at = 0; at < block.size();) {
        const std::size_t end = find_line_end(block, at);
        const Bytes line = block.substr(at, end - at);
        at = behind_line_end(block, end);
        const std::size_t colon = line.find(':');
        const Bytes name = line.substr(0, colon);
        const Bytes value = colon == Bytes::npos ? Bytes{} : without_space(line.substr(colon + 1));
        if (name == "data") {
            if (++data_lines == 1) {
                event.data = value;
                continue;
            }
            if (data_lines == 2) {
                joined_ = event.data;
            }
            joined_ += '\n';
            joined_ += value;
        } else if (name == "event") {
            event.name = value;
        } else {
            event.is_bare = event.is_bare && line.empty();
        }
    }
    if (data_lines > 1) {
        event.data = joined_;
    }
    return data_lines != 0;
}

}  // namespace headgate::providers
