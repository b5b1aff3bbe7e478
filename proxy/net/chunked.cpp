#include "proxy/net/chunked.h"

#include "proxy/net/head_scan.h"

#include <algorithm>

namespace headgate::proxy {

namespace {

constexpr std::size_t kMaxDigits = 16;
constexpr std::size_t kMaxExtension = 256;
constexpr std::size_t kMaxExtensions = std::size_t{16} << 10;
constexpr std::size_t kMaxTrailer = std::size_t{4} << 10;

/// The value of a hex digit, or 16.
constexpr std::uint64_t hex_value(char c) {
    return c >= '0' && c <= '9'   ? static_cast<std::uint64_t>(c - '0')
           : c >= 'a' && c <= 'f' ? static_cast<std::uint64_t>(c - 'a' + 10)
           : c >= 'A' && c <= 'F' ? static_cast<std::uint64_t>(c - 'A' + 10)
                                  : 16;
}

}  // namespace

void ChunkDecoder::fail(std::string_view problem) {
    state_ = ChunkState::malformed;
    problem_ = problem;
}

providers::Bytes ChunkDecoder::next(providers::Bytes& input) {
    while (!input.empty() && state_ == ChunkState::more) {
        if (at_ == At::data) {
            const auto take =
                static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
            const providers::Bytes data = input.substr(0, take);
            input.remove_prefix(take);
            left_ -= take;
            at_ = left_ == 0 ? At::data_cr : At::data;
            return data;
        }
        const char c = input.front();
        input.remove_prefix(1);
        if (at_ <= At::size_lf) {
            take_size_line(c);
        } else if (at_ <= At::data_lf) {
            take_data_end(c);
        } else {
            take_trailer(c);
        }
    }
    return input.substr(0, 0);
}

void ChunkDecoder::take_size_line(char c) {
    switch (at_) {
        case At::size_lf:
            if (c != '\n') {
                return fail("bare CR in a chunk size line");
            }
            at_ = left_ == 0 ? At::trailer_start : At::data;
            digits_ = 0;
            extension_bytes_ = 0;
            return;
        case At::extension:
            return take_extension(c);
        default:
            break;
    }
    if (const std::uint64_t digit = hex_value(c); digit < 16) {
        if (++digits_ > kMaxDigits) {
            return fail("chunk size too long");
        }
        left_ = left_ * 16 + digit;
        at_ = At::size;
    } else if (at_ == At::size && c == '\r') {
        at_ = At::size_lf;
    } else if (at_ == At::size && c == ';') {
        at_ = At::extension;
        take_extension(c);
    } else {
        fail("malformed chunk size");
    }
}

void ChunkDecoder::take_extension(char c) {
    if (c == '\r') {
        at_ = At::size_lf;
    } else if (!is_of(value_byte, c)) {
        fail("control byte in a chunk extension");
    } else if (++extension_bytes_ > kMaxExtension || ++extension_total_ > kMaxExtensions) {
        fail("oversized chunk extension");
    }
}

void ChunkDecoder::take_data_end(char c) {
    const bool is_cr = at_ == At::data_cr;
    if (c != (is_cr ? '\r' : '\n')) {
        return fail("chunk longer than its size");
    }
    at_ = is_cr ? At::data_lf : At::size_first;
}

void ChunkDecoder::take_trailer(char c) {
    if (++trailer_bytes_ > kMaxTrailer) {
        return fail("oversized trailer");
    }
    switch (at_) {
        case At::last_lf:
            return c == '\n' ? void(state_ = ChunkState::end) : fail("bare CR in a trailer");
        case At::trailer_lf:
            at_ = At::trailer_start;
            return c == '\n' ? void() : fail("bare CR in a trailer");
        case At::trailer_start:
            has_name_ = false;
            if (c == '\r') {
                at_ = At::last_lf;
                return;
            }
            at_ = At::trailer;
            return is_of(token_byte, c) ? void() : fail("malformed trailer");
        default:
            break;
    }
    if (has_name_ && c == '\r') {
        at_ = At::trailer_lf;
    } else if (!has_name_ && c == ':') {
        has_name_ = true;
    } else if (!is_of(has_name_ ? value_byte : token_byte, c)) {
        fail("malformed trailer");
    }
}

}  // namespace headgate::proxy
