#include "bench/wire/message_reader.h"

#include <algorithm>
#include <charconv>

namespace headgate::bench {
namespace {

constexpr std::size_t kMostHead = 16 * 1024;
constexpr std::uint64_t kMostBody = std::uint64_t{64} << 20;
constexpr std::size_t kMostChunkLine = 64;
constexpr std::size_t kMostTrailers = 4 * 1024;

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
    return std::ranges::equal(a, lower, [](char left, char right) {
        return (left >= 'A' && left <= 'Z' ? static_cast<char>(left + 32) : left) == right;
    });
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool parse_whole(std::string_view digits, int base, std::uint64_t& value) {
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    return error == std::errc{} && end == digits.data() + digits.size();
}

}  // namespace

MessageReader::State MessageReader::feed(std::string_view& bytes, std::string& body) {
    if (state_ == State::head) {
        take_head(bytes);
    }
    if (state_ == State::body) {
        is_chunked_ ? take_chunked(bytes, body) : take_plain(bytes, body);
    }
    return state_;
}

void MessageReader::next_message() {
    const bool failed = state_ == State::failed;
    head_.clear();
    line_.clear();
    chunk_ = Chunk::size;
    keeps_alive_ = true;
    is_chunked_ = has_length_ = false;
    left_ = body_bytes_ = 0;
    trailer_bytes_ = 0;
    state_ = failed ? State::failed : State::head;
}

std::string_view MessageReader::start_line() const {
    return std::string_view(head_).substr(0, head_.find("\r\n"));
}

void MessageReader::take_head(std::string_view& bytes) {
    const std::size_t before = head_.size();
    const std::size_t room = kMostHead - before;
    head_.append(bytes.substr(0, room));
    // The end may lie across the border of two reads.
    const std::size_t end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    if (end == std::string::npos) {
        bytes.remove_prefix(std::min(bytes.size(), room));
        if (head_.size() == kMostHead) {
            state_ = State::failed;
        }
        return;
    }
    head_.resize(end + 4);
    bytes.remove_prefix(head_.size() - before);
    read_head();
}

void MessageReader::read_head() {
    std::string_view rest = std::string_view(head_).substr(0, head_.size() - 2);
    bool is_first = true;
    while (!rest.empty()) {
        const std::size_t end = rest.find("\r\n");
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 2);
        if (is_first ? line.empty() : !read_field(line)) {
            state_ = State::failed;
            return;
        }
        is_first = false;
    }
    if (is_chunked_ && has_length_) {  // RFC 9112, 6.3: a sign of request smuggling
        state_ = State::failed;
        return;
    }
    state_ = is_chunked_ || left_ > 0 ? State::body : State::complete;
}

bool MessageReader::read_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
        return false;
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (equals_ignoring_case(name, "content-length")) {
        const bool is_first = !has_length_;
        has_length_ = true;
        return is_first && parse_whole(value, 10, left_) && left_ <= kMostBody;
    }
    if (equals_ignoring_case(name, "transfer-encoding")) {
        const bool is_first = !is_chunked_;
        is_chunked_ = equals_ignoring_case(value, "chunked");
        return is_first && is_chunked_;
    }
    if (equals_ignoring_case(name, "connection") && equals_ignoring_case(value, "close")) {
        keeps_alive_ = false;
    }
    return true;
}

void MessageReader::take_plain(std::string_view& bytes, std::string& body) {
    const std::size_t taken = std::min<std::uint64_t>(bytes.size(), left_);
    body.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    left_ -= taken;
    if (left_ == 0) {
        state_ = State::complete;
    }
}

void MessageReader::take_chunked(std::string_view& bytes, std::string& body) {
    while (state_ == State::body && !bytes.empty()) {
        if (chunk_ == Chunk::data) {
            const std::size_t taken = std::min<std::uint64_t>(bytes.size(), left_);
            body.append(bytes.substr(0, taken));
            bytes.remove_prefix(taken);
            left_ -= taken;
            if (left_ == 0) {
                chunk_ = Chunk::data_end;
            }
        } else if (take_line(bytes, chunk_ == Chunk::trailer ? kMostTrailers : kMostChunkLine)) {
            read_chunk_line();
        }
    }
}

/// True when `line_` holds a whole line, without its end.
bool MessageReader::take_line(std::string_view& bytes, std::size_t most) {
    const std::size_t end = bytes.find('\n');
    const std::size_t taken = end == std::string_view::npos ? bytes.size() : end + 1;
    if (line_.size() + taken > most) {
        state_ = State::failed;
        return false;
    }
    line_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (end == std::string_view::npos) {
        return false;
    }
    if (!line_.ends_with("\r\n")) {
        state_ = State::failed;
        return false;
    }
    line_.resize(line_.size() - 2);
    return true;
}

void MessageReader::read_chunk_line() {
    if (chunk_ == Chunk::data_end) {
        if (line_.empty()) {
            chunk_ = Chunk::size;
        } else {
            state_ = State::failed;
        }
    } else if (chunk_ == Chunk::trailer) {
        trailer_bytes_ += line_.size() + 2;
        if (line_.empty()) {
            state_ = State::complete;
        } else if (trailer_bytes_ > kMostTrailers) {
            state_ = State::failed;
        }
    } else {
        const std::string_view digits = trimmed(std::string_view(line_).substr(0, line_.find(';')));
        if (parse_whole(digits, 16, left_) && left_ <= kMostBody - body_bytes_) {
            body_bytes_ += left_;
            chunk_ = left_ == 0 ? Chunk::trailer : Chunk::data;
        } else {
            state_ = State::failed;
        }
    }
    line_.clear();
}

}  // namespace headgate::bench
