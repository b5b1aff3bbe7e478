"""Answers of a provider that is broken or hostile, and good ones of every framing."""

import json
from dataclasses import dataclass, replace

from upstream import COMPLETION, KEY, Script, http

CLIENT_STREAM = b'{"model":"gpt-5-mini","messages":[{"role":"user","content":"hi"}],"stream":true}'
CLIENT_PLAIN = b'{"model":"gpt-5-mini","messages":[{"role":"user","content":"hi"}]}'
MARK = b"provider-only-text"  # stands in hostile bytes; a client must never see it
INVALID = "upstream_invalid_response"


@dataclass(frozen=True)
class Answer:
    """What the provider answers, and what the client must get."""

    name: str
    script: Script
    statuses: frozenset
    codes: frozenset = frozenset()  # `error.code`, of the answer or of the stream's last event
    body: bytes | None = None  # exactly
    absent: tuple = ()  # bytes that must not reach the client
    present: tuple = ()  # bytes that must
    is_stream: bool = False
    is_cut: bool = False  # a stream that the client gets ends without its last chunk
    may_repeat: bool = False  # the gateway may ask once more, on a new connection


def chunked(*pieces, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def head(fields, line=b"HTTP/1.1 200 OK", kind=b"application/json"):
    return line + b"\r\nContent-Type: " + kind + b"\r\n" + fields + b"\r\n"


LENGTH = b"Content-Length: %d\r\n" % len(COMPLETION)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
X_MARK = b"X-Mark: " + MARK + b"\r\n"


def invalid(name, raw, closes=True):
    """502 and none of the provider's bytes."""
    return Answer(name, Script(raw, closes), frozenset({502}), frozenset({INVALID}), absent=(MARK,))


def bad_line(name, line):
    return invalid(f"status line: {name}", head(LENGTH + X_MARK, line) + COMPLETION)


def bad_fields(name, fields, body=COMPLETION):
    return invalid(f"fields: {name}", head(fields + X_MARK) + body)


def bad_body(name, body):
    return invalid(f"body: {name}", http(body), closes=False)


def bad_chunks(name, coded):
    return invalid(f"chunked: {name}", head(CHUNKED + X_MARK) + coded)


def good(name, raw, closes=False, **expected):
    return Answer(name, Script(raw, closes), frozenset({200}), **({"body": COMPLETION} | expected))


def error(name, line, body, statuses, codes=frozenset(), fields=b"", **expected):
    return Answer(name, Script(http(body, fields, line)), frozenset(statuses), frozenset(codes), **expected)


def told(message, code=None, kind="invalid_request_error"):
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()


CUT = frozenset({502, 503})
CUT_CODES = frozenset({INVALID, "upstream_unavailable"})


def cut(name, raw):
    """The provider breaks off: nothing of it has reached the client, so that it gets an error."""
    return Answer(name, Script(raw, closes=True), CUT, CUT_CODES, absent=(MARK, b"chatcmpl-123"))


LINES = [
    bad_line("no version", b"200 OK"),
    bad_line("HTTP/2", b"HTTP/2 200 OK"),
    bad_line("HTTP/0.9", b"HTTP/0.9 200 OK"),
    bad_line("lower case", b"http/1.1 200 OK"),
    bad_line("another protocol", b"ICY 200 OK"),
    bad_line("two digits", b"HTTP/1.1 20 OK"),
    bad_line("four digits", b"HTTP/1.1 2000 OK"),
    bad_line("letters", b"HTTP/1.1 abc OK"),
    bad_line("minus", b"HTTP/1.1 -20 OK"),
    bad_line("000", b"HTTP/1.1 000 OK"),
    bad_line("600", b"HTTP/1.1 600 OK"),
    bad_line("two spaces", b"HTTP/1.1  200 OK"),
    bad_line("tab", b"HTTP/1.1\t200 OK"),
    bad_line("NUL in the reason", b"HTTP/1.1 200 O\0K"),
    bad_line("escape in the reason", b"HTTP/1.1 200 \x1b[31m"),
    bad_line("bare LF", b"HTTP/1.1 200 OK\nX: y"),
    bad_line("bare CR", b"HTTP/1.1 200 OK\rX: y"),
    bad_line("empty line before", b"\r\nHTTP/1.1 200 OK"),
    bad_line("unasked upgrade", b"HTTP/1.1 101 Switching Protocols"),
    invalid("status line: not HTTP at all", b"SSH-2.0-OpenSSH_9.2 " + MARK + b"\r\n" + b"x" * 64),
    invalid("status line: a request", b"GET / HTTP/1.1\r\nHost: a\r\n" + X_MARK + b"\r\n"),
    invalid("status line: TLS alert", b"\x15\x03\x01\x00\x02\x02\x28" + MARK),
]

FIELDS = [
    bad_fields("both framings", LENGTH + CHUNKED, chunked(COMPLETION)),
    bad_fields("length twice, equal", LENGTH * 2),
    bad_fields("length twice, unequal", LENGTH + b"Content-Length: 3\r\n"),
    bad_fields("length list", b"Content-Length: 3, 3\r\n"),
    bad_fields("negative length", b"Content-Length: -1\r\n"),
    bad_fields("length of letters", b"Content-Length: all\r\n"),
    bad_fields("length above 64 bits", b"Content-Length: 18446744073709551616\r\n"),
    bad_fields("coding gzip, chunked", b"Transfer-Encoding: gzip, chunked\r\n", chunked(COMPLETION)),
    bad_fields("coding identity", b"Transfer-Encoding: identity\r\n"),
    bad_fields("coding twice", CHUNKED * 2, chunked(COMPLETION)),
    bad_fields("fold", LENGTH + b"X: y\r\n z\r\n"),
    bad_fields("space before the colon", LENGTH + b"X : y\r\n"),
    bad_fields("empty name", LENGTH + b": y\r\n"),
    bad_fields("no colon", LENGTH + b"X\r\n"),
    bad_fields("NUL in a value", LENGTH + b"X: a\0b\r\n"),
    bad_fields("NUL in a field that passes", LENGTH + b"openai-version: a\0b\r\n"),
    bad_fields("control byte in a name", LENGTH + b"X\x02: a\r\n"),
    bad_fields("bare LF", LENGTH + b"X: a\nY: b\r\n"),
    bad_fields("bare CR", LENGTH + b"X: a\rSet-Cookie: b\r\n"),
    bad_fields("1000 of them", LENGTH + b"X: y\r\n" * 1000),
    bad_fields("a megabyte of them", LENGTH + b"X: " + b"y" * (1 << 20) + b"\r\n"),
    bad_fields("coded gzip", LENGTH + b"Content-Encoding: gzip\r\n"),
    bad_fields("coded br", LENGTH + b"Content-Encoding: br\r\n"),
    bad_fields("coded twice", LENGTH + b"Content-Encoding: identity, gzip\r\n"),
    invalid("fields: chunked in HTTP/1.0", head(CHUNKED, b"HTTP/1.0 200 OK") + chunked(COMPLETION)),
    invalid("fields: a head without end", head(LENGTH)[:-2] + b"X: " + MARK * 40000),
]

BODIES = [
    bad_body("empty", b""),
    bad_body("text", MARK),
    bad_body("HTML", b"<html>" + MARK + b"</html>"),
    bad_body("half JSON", COMPLETION[:-9]),
    bad_body("more behind the JSON", COMPLETION + b'{"x":"' + MARK + b'"}'),
    bad_body("list", b'["' + MARK + b'"]'),
    bad_body("wrong UTF-8", COMPLETION.replace(b'"ok"', b'"\xff\xfe' + MARK + b'"')),
    bad_body("control byte", COMPLETION.replace(b'"ok"', b'"\x01' + MARK + b'"')),
    bad_body("NaN", COMPLETION.replace(b"1700000000", b"NaN")),
    bad_body("nested 100000 deep", b"[" * 100000 + b"]" * 100000),
    bad_body("no choices", b'{"object":"chat.completion","x":"' + MARK + b'"}'),
]

CHUNKS = [
    bad_chunks("size of letters", b"xyz\r\n" + COMPLETION),
    bad_chunks("size with a space", b"%x \r\n" % len(COMPLETION) + COMPLETION + b"\r\n0\r\n\r\n"),
    bad_chunks("size above 64 bits", b"f" * 17 + b"\r\n" + COMPLETION),
    bad_chunks("bare LF", b"%x\n" % len(COMPLETION) + COMPLETION + b"\r\n0\r\n\r\n"),
    bad_chunks("longer than its size", b"5\r\n" + COMPLETION + b"\r\n0\r\n\r\n"),
    bad_chunks("extension too long", b"5;" + b"x" * 300 + b"\r\n"),
    bad_chunks("extension with a NUL", b"5;\0\r\n"),
    bad_chunks("trailer without a colon", chunked(COMPLETION, end=b"0\r\nX\r\n\r\n")),
    bad_chunks("trailer too long", chunked(COMPLETION, end=b"0\r\nX: " + b"y" * 5000 + b"\r\n\r\n")),
]

CUTS = [
    replace(cut("closed at once", b""), may_repeat=True),
    cut("closed in the status line", b"HTTP/1.1 2"),
    cut("closed in the fields", head(X_MARK)[:-2]),
    cut("closed in the body", http(COMPLETION)[:-5]),
    cut("closed in a chunk", head(CHUNKED) + b"%x\r\n" % len(COMPLETION) + COMPLETION[:-5]),
    cut("closed before the last chunk", head(CHUNKED) + chunked(COMPLETION, end=b"")),
    cut("closed behind a 100", b"HTTP/1.1 100 Continue\r\n\r\n"),
]

REDIRECT = b"Location: http://127.0.0.1:1/" + MARK + b"\r\n"
PLAIN_TEXT = head(b"Content-Length: 4\r\n", b"HTTP/1.1 200 OK", b"text/html") + b"<ok>"

STATUSES = [
    *(
        invalid(f"redirect {status}", http(b"{}", REDIRECT, b"HTTP/1.1 %d Moved" % status), False)
        for status in (300, 301, 302, 303, 307, 308)
    ),
    invalid("204", b"HTTP/1.1 204 No Content\r\n" + X_MARK + b"\r\n", closes=False),
    invalid("204 with a body", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"),
    invalid("304", b"HTTP/1.1 304 Not Modified\r\n" + X_MARK + b"\r\n", closes=False),
    invalid("200 of HTML", PLAIN_TEXT),
    error("500 of HTML", b"HTTP/1.1 500 Oops", b"<html>" + MARK + b"</html>", {500}, absent=(b"<html>",)),
    error("400 of OpenAI's shape", b"HTTP/1.1 400 Bad Request", told("no", "bad_thing"), {400}, {"bad_thing"}),
    error("429 with advice", b"HTTP/1.1 429 Slow", told("slow down", "rate_limit_exceeded"), {429},
          {"rate_limit_exceeded"}, fields=b"Retry-After: 7\r\nX-Mark: " + MARK + b"\r\n",
          present=(b"retry-after: 7\r\n",), absent=(MARK,)),
    error("400 with a Location", b"HTTP/1.1 400 Bad", told("no"), {400}, fields=REDIRECT, absent=(MARK,)),
    error("401 that names our key", b"HTTP/1.1 401 No", told(f"Incorrect API key provided: {KEY}", "invalid_api_key"),
          {502}, {"provider_auth_failed"}, absent=(KEY.encode(),)),
    error("400 that names our organization", b"HTTP/1.1 400 Bad",
          told("not for org-AbCdEfGhIjKlMnOpQrStUvWx"), {400}, absent=(b"AbCdEfGhIjKlMnOpQrStUvWx",)),
]  # fmt: skip

GOOD = [
    good("length", http(COMPLETION)),
    good("chunked", head(CHUNKED) + chunked(COMPLETION[:9], COMPLETION[9:])),
    good("chunked with extensions and trailers", head(CHUNKED) + b"%x;a=b\r\n" % len(COMPLETION) + COMPLETION
         + b"\r\n0;c\r\nX: " + MARK + b"\r\n\r\n", absent=(MARK,)),
    good("until the close", head(b"Connection: close\r\n") + COMPLETION, closes=True),
    good("HTTP/1.0 until the close", head(b"", b"HTTP/1.0 200 OK") + COMPLETION, closes=True),
    good("no reason", http(COMPLETION, b"", b"HTTP/1.1 200")),
    good("reason above ASCII", http(COMPLETION, b"", b"HTTP/1.1 200 \xc3\xa9")),
    good("interim answers before", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
         + http(COMPLETION)),
    good("fields that do not pass", http(COMPLETION, b"Set-Cookie: " + MARK + b"\r\n" + REDIRECT + b"Server: x\r\n"
         b"X-Powered-By: x\r\nAccess-Control-Allow-Origin: *\r\nKeep-Alive: timeout=5\r\nAlt-Svc: h3\r\n"),
         absent=(MARK,)),
    good("fields that pass", http(COMPLETION, b"openai-processing-ms: 12\r\nopenai-version: 2020-10-01\r\n"),
         present=(b"openai-processing-ms: 12\r\n", b"openai-version: 2020-10-01\r\n")),
    good("fields that only we may set", http(COMPLETION, b"x-headgate-cost-usd: " + MARK + b"\r\nx-headgate-provider: "
         + MARK + b"\r\nx-ratelimit-remaining-requests: " + MARK + b"\r\n"), absent=(MARK,)),
    good("identity coding", http(COMPLETION, b"Content-Encoding: identity\r\n")),
    good("a second answer that nothing asked for", http(COMPLETION) + http(b'{"id":"' + MARK + b'"}'), absent=(MARK,)),
    good("bytes behind the body", http(COMPLETION) + MARK, absent=(MARK,)),
    good("bytes behind the last chunk", head(CHUNKED) + chunked(COMPLETION) + MARK, absent=(MARK,)),
]  # fmt: skip


def event(content, finish=None):
    choice = {"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish}
    chunk = {
        "id": "chatcmpl-123", "object": "chat.completion.chunk", "created": 1700000000,
        "model": "gpt-5-mini", "choices": [choice],
    }  # fmt: skip
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


FIRST, LAST, DONE = event("he"), event("", "stop"), b"data: [DONE]\n\n"
EVENTS = b"text/event-stream"
STREAM = head(CHUNKED, kind=EVENTS)
BROKEN = frozenset({INVALID, "upstream_interrupted"})


def stream(name, raw, closes=False, **expected):
    expected = {"present": (FIRST, LAST, DONE)} | expected
    return Answer(f"stream: {name}", Script(raw, closes), frozenset({200}), is_stream=True, **expected)


def broken(name, tail, codes=BROKEN):
    """What follows the first event is bad. Where the client has that event already, it gets an
    error event and a body without its end; where all came at once, it may get an error instead."""
    late = stream(name, STREAM + chunked(FIRST, end=b""), closes=True, codes=codes, present=(FIRST,),
                  absent=(MARK, DONE), is_cut=True)
    late = replace(late, script=replace(late.script, then=tail))
    at_once = Script(late.script.raw + tail, closes=True)
    either = replace(late, name=f"{late.name}, at once", script=at_once, statuses=frozenset({200}) | CUT,
                     codes=codes | CUT_CODES, present=())
    return [late, either]


STREAMS = [
    stream("good", STREAM + chunked(FIRST, LAST, DONE)),
    stream("split inside events", STREAM + chunked(FIRST[:9], FIRST[9:] + LAST[:20], LAST[20:] + DONE)),
    stream("of a length", head(b"Content-Length: %d\r\n" % len(FIRST + LAST + DONE), kind=EVENTS)
           + FIRST + LAST + DONE),
    stream("until the close", head(b"", kind=EVENTS) + FIRST + LAST + DONE, closes=True),
    stream("[DONE] left out", STREAM + chunked(FIRST, LAST)),
    stream("comments, ids and retries are left out", STREAM + chunked(b": " + MARK + b"\n\n", b"retry: 1\n", FIRST,
           b"id: " + MARK + b"\n", LAST, DONE), absent=(MARK, b"retry:")),
    stream("bytes behind [DONE]", STREAM + chunked(FIRST, LAST, DONE, b"data: " + MARK + b"\n\n"), absent=(MARK,)),
    *broken("an event that is not JSON", chunked(b"data: " + MARK + b"\n\n", LAST, DONE), {INVALID}),
    *broken("an event of wrong UTF-8", chunked(b'data: {"x":"\xff' + MARK + b'"}\n\n'), {INVALID}),
    *broken("an event with a NUL", chunked(b'data: {"x":"\0' + MARK + b'"}\n\n'), {INVALID}),
    *broken("a bad chunk size", b"xyz\r\n" + MARK),
    *broken("a chunk longer than its size", b"3\r\n" + MARK + b"\r\n0\r\n\r\n"),
    *broken("an oversized extension", b"3;" + MARK * 20 + b"\r\n"),
    *broken("closed inside an event", b"ff\r\ndata: " + MARK, {"upstream_interrupted"}),
    *broken("closed between events", b"", {"upstream_interrupted"}),
    *broken("ended without a finish reason", b"0\r\n\r\n", {"upstream_interrupted"}),
    replace(invalid("stream: coded gzip", head(CHUNKED + b"Content-Encoding: gzip\r\n" + X_MARK, kind=EVENTS)
                    + chunked(FIRST)), is_stream=True),
    replace(invalid("stream: both framings", head(CHUNKED + LENGTH + X_MARK, kind=EVENTS) + chunked(FIRST)),
            is_stream=True),
    replace(invalid("stream: HTML", head(CHUNKED, kind=b"text/html") + chunked(MARK)), is_stream=True),
]  # fmt: skip

ROWS = {
    row.name: row
    for row in LINES + FIELDS + BODIES + CHUNKS + CUTS + STATUSES + GOOD + STREAMS
}
