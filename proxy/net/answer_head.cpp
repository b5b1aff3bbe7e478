#include "proxy/net/head_scan.h"
#include "proxy/net/http_head.h"

namespace headgate::proxy {

namespace {

/// Forgets a former scan. The fields' items stay: `count` says that they are not there.
void clear(AnswerHead& head) {
    head.status = 0;
    head.minor_version = 1;
    head.content_length.reset();
    head.is_chunked = false;
    head.keeps_alive = true;
    head.fields.count = 0;
}

ScanStatus scan_status(HeadCursor& cursor, AnswerHead& head) {
    int status = 0;
    for (int digits = 0; digits < 3; ++digits, ++cursor.at) {
        if (cursor.is_at_end()) {
            return ScanStatus::incomplete;
        }
        if (cursor.peek() < '0' || cursor.peek() > '9') {
            return cursor.fail("malformed status");
        }
        status = status * 10 + (cursor.peek() - '0');
    }
    if (status < 100 || status > 599) {
        return cursor.fail("status outside 100 to 599");
    }
    if (status == 101) {
        return cursor.fail("status 101 though no upgrade was asked for");
    }
    head.status = status;
    return ScanStatus::complete;
}

/// status-line (RFC 9112 §4). Some servers leave the space before an empty reason out.
ScanStatus scan_status_line(HeadCursor& cursor, AnswerHead& head) {
    constexpr std::string_view kProblem = "malformed status line";
    ScanStatus status = cursor.literal("HTTP/1.", kProblem);
    if (status != ScanStatus::complete || cursor.is_at_end()) {
        return status == ScanStatus::complete ? ScanStatus::incomplete : status;
    }
    if (cursor.peek() != '0' && cursor.peek() != '1') {
        return cursor.fail(kProblem);
    }
    head.minor_version = cursor.peek() - '0';
    ++cursor.at;
    status = cursor.literal(" ", kProblem);
    if (status == ScanStatus::complete) {
        status = scan_status(cursor, head);
    }
    if (status != ScanStatus::complete || cursor.is_at_end()) {
        return status == ScanStatus::complete ? ScanStatus::incomplete : status;
    }
    if (cursor.peek() != ' ') {
        return cursor.line_end(kProblem);
    }
    Bytes reason;
    return cursor.value_line(reason);
}

/// A status whose answer ends with its head (RFC 9112 §6.3).
bool has_no_body(int status) {
    return status < 200 || status == 204 || status == 304;
}

std::string_view read_fields(AnswerHead& head) {
    MessageFacts facts;
    for (const HeadField& field : head.fields) {
        if (const std::string_view problem = facts.take(field); !problem.empty()) {
            return problem;
        }
    }
    head.content_length = facts.content_length();
    head.is_chunked = facts.is_chunked();
    head.keeps_alive = facts.keeps_alive(head.minor_version);
    return facts.conflict(head.minor_version);
}

/// Settles how the body of a whole head ends.
std::string_view read_framing(AnswerHead& head) {
    if (!has_no_body(head.status)) {
        // Only the end of the connection tells the end of such a body.
        head.keeps_alive = head.keeps_alive && (head.is_chunked || head.content_length.has_value());
        return {};
    }
    // A 304 may tell the length that a 200 would have; for the others RFC 9110 §8.6 and RFC 9112
    // §6.1 forbid both fields, and a receiver that believed them would read another answer.
    if (head.status != 304 && (head.is_chunked || head.content_length.value_or(0) != 0)) {
        return "body with a status that has none";
    }
    head.is_chunked = false;
    head.content_length = 0;
    return {};
}

}  // namespace

ScanResult scan_answer_head(Bytes buffer, const HeadLimits& limits, AnswerHead& head) {
    clear(head);
    HeadCursor cursor{.text = buffer.substr(0, limits.max_bytes)};
    ScanStatus status = scan_status_line(cursor, head);
    if (status == ScanStatus::complete) {
        status = scan_field_lines(cursor, limits.max_fields, head.fields);
        cursor.problem = status == ScanStatus::malformed ? cursor.problem : read_fields(head);
    }
    if (status == ScanStatus::complete && cursor.problem.empty()) {
        cursor.problem = read_framing(head);
    }
    return scan_result(cursor, status, buffer.size() >= limits.max_bytes);
}

}  // namespace headgate::proxy
