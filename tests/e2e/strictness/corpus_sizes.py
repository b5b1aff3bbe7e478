"""Limits of heads and bodies, and peers that go or wait in the middle."""

from case import BODY, CHUNKED, SMUGGLED, Case, accepted, answered, chunks, get, post
from gateway import MAX_JSON
from upstream import Seen
from wire import MAX_FIELDS, MAX_HEAD

TOO_LARGE = {"answers": (431,), "closed": True, "code": "headers_too_large"}


def head_of(size):
    """A chat request whose head has `size` bytes."""
    lacking = size - len(post()) + len(BODY) - len(b"X: \r\n")
    return post(b"X: " + b"x" * lacking + b"\r\n")


def fields_of(count):
    """A chat request with `count` field lines, in a head that is not large otherwise."""
    return post(b"X: y\r\n" * (count - 4))


def body_of(size):
    return BODY[:-1] + b" " * (size - len(BODY)) + b"}"


def too_large(name, raw):
    return Case(name, (raw + SMUGGLED,), **TOO_LARGE)


LARGEST = body_of(MAX_JSON)
ABOVE = body_of(MAX_JSON + 1)

CASES = [
    accepted("head at the limit", head_of(MAX_HEAD)),
    accepted("fields at the limit", fields_of(MAX_FIELDS)),
    answered("long target", get(b"/" + b"a" * 8000), 404, code="unknown_url"),
    answered("long query", get(b"/v1/models?" + b"a" * 8000), 200, closed=False),
    too_large("head above the limit", head_of(MAX_HEAD + 1)),
    too_large("head far above the limit", head_of(20 * MAX_HEAD)),
    too_large("fields above the limit", fields_of(MAX_FIELDS + 1)),
    too_large("many empty fields", post(b"x:\r\n" * 2000)),
    too_large("endless method", b"A" * (2 * MAX_HEAD)),
    too_large("endless target", b"GET /" + b"a" * (2 * MAX_HEAD)),
    too_large("endless field name", b"GET / HTTP/1.1\r\n" + b"a" * (2 * MAX_HEAD)),
    too_large("endless value", b"GET / HTTP/1.1\r\nX: " + b"a" * (2 * MAX_HEAD)),
    too_large("endless blanks", b"GET / HTTP/1.1\r\nX:" + b" " * (2 * MAX_HEAD)),
    accepted("body at the limit", post(body=LARGEST), seen=(Seen(LARGEST),)),
    accepted("chunked body at the limit", post(body=chunks(LARGEST), framing=CHUNKED), seen=(Seen(LARGEST),)),
    answered("body above the limit", post(body=ABOVE), 413, code="request_too_large"),
    answered("chunked body above the limit", post(body=chunks(ABOVE), framing=CHUNKED), 413, code="request_too_large"),
    answered("body of 10^19-1 announced", post(framing=b"Content-Length: 9999999999999999999\r\n"), 413,
             code="request_too_large"),
    answered("chunk of 2^64-1 announced", post(body=b"ffffffffffffffff\r\n" + BODY, framing=CHUNKED),
             {400, 408, 413}, closed=True),
    Case("nothing at all", (b"",), (), True, half_close=True),
    Case("half a request line", (b"GET /v1/mod",), ({None, 400, 408},), True, half_close=True),
    Case("half a head", (b"GET /v1/models HTTP/1.1\r\nHost: gateway.ex",), ({None, 400, 408},), True, half_close=True),
    answered("a head that does not go on", b"GET /v1/models HTTP/1.1\r\nHost: a\r\n", 408, closed=True,
             code="request_timeout"),
    answered("a body that does not go on", post(framing=b"Content-Length: 100\r\n"), 408, closed=True,
             code="request_timeout"),
    answered("a chunk that does not go on", post(framing=CHUNKED, body=b"5\r\nab"), 408, closed=True,
             code="request_timeout"),
]  # fmt: skip
