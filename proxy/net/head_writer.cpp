#include "proxy/net/head_writer.h"

#include "proxy/net/head_scan.h"
#include "proxy/net/http_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace headgate::proxy {

namespace {

constexpr std::string_view kLineEnd = "\r\n";

bool is_target(std::string_view text) {
    return !text.empty() &&
           std::ranges::all_of(text, [](char c) { return is_of(visible_byte, c); });
}

/// A number in decimal, in memory of its own.
class Decimal {
public:
    explicit Decimal(std::uint64_t number)
        : end_{std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr} {}

    Decimal(const Decimal&) = delete;
    Decimal& operator=(const Decimal&) = delete;

    std::string_view text() const { return {digits_.data(), end_}; }

private:
    std::array<char, 20> digits_{};
    const char* end_;
};

}  // namespace

void HeadWriter::status_line(int status) {
    if (status < 100 || status > 599) {
        is_valid_ = false;
        return;
    }
    const Decimal digits{static_cast<std::uint64_t>(status)};
    line({"HTTP/1.1 ", digits.text(), " ", reason_phrase(status), kLineEnd});
}

void HeadWriter::request_line(std::string_view method, std::string_view target) {
    if (!is_token(method) || !is_target(target)) {
        is_valid_ = false;
        return;
    }
    line({method, " ", target, " HTTP/1.1", kLineEnd});
}

void HeadWriter::field(std::string_view name, std::string_view value) {
    if (!is_token(name) || !is_field_value(value)) {
        is_valid_ = false;
        return;
    }
    line({name, ": ", value, kLineEnd});
}

void HeadWriter::field(std::string_view name, std::uint64_t value) {
    field(name, Decimal{value}.text());
}

void HeadWriter::lines(std::string_view checked) {
    line({checked});
}

providers::Bytes HeadWriter::finish() {
    line({kLineEnd});
    return {memory_.data(), used_};
}

void HeadWriter::line(std::initializer_list<std::string_view> pieces) {
    // All or nothing: half a line would join with the one behind it.
    std::size_t size = 0;
    for (const std::string_view piece : pieces) {
        size += piece.size();
    }
    if (size > memory_.size() - used_) {
        is_valid_ = false;
        return;
    }
    for (const std::string_view piece : pieces) {
        put(piece);
    }
}

void HeadWriter::put(std::string_view text) {
    std::ranges::copy(text, memory_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ += text.size();
}

std::string_view reason_phrase(int status) {
    using Row = std::pair<int, std::string_view>;
    static constexpr std::array kPhrases = std::to_array<Row>({
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {424, "Failed Dependency"},
        {425, "Too Early"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    });
    const auto* row = std::ranges::lower_bound(kPhrases, status, {}, &Row::first);
    return row == kPhrases.end() || row->first != status ? "Unknown" : row->second;
}

std::string_view chunk_size_line(std::size_t size, std::array<char, 18>& memory) {
    char* end = std::to_chars(memory.data(), memory.data() + 16, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    return {memory.data(), static_cast<std::size_t>(end - memory.data())};
}

}  // namespace headgate::proxy
