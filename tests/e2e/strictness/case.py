"""What a row of the corpus is, and the builders that its rows are made with."""

from dataclasses import dataclass

from upstream import Seen

CLIENT_KEY = b"hg-test-key-0000000000000000000"
BODY = b'{"model":"gpt-5-mini","messages":[{"role":"user","content":"hi"}]}'
SMUGGLED_BODY = b'{"model":"gpt-5-mini","messages":[{"role":"user","content":"smuggled"}]}'
LINE = b"POST /v1/chat/completions HTTP/1.1"
HOST = b"Host: gateway.example\r\n"
AUTH = b"Authorization: Bearer " + CLIENT_KEY + b"\r\n"
JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@dataclass(frozen=True)
class Await:
    """A step: go on only when an answer with this status is there."""

    status: int


@dataclass(frozen=True)
class Case:
    """What is sent, and what must come of it."""

    name: str
    steps: tuple  # bytes to send, or Await
    answers: tuple  # the final answers: a status each, or a set of allowed ones; None: no more
    closed: bool | None  # whether the gateway ends the connection; None: it may
    seen: tuple = ()  # the requests that the upstream must have received, in order
    code: str | None = None  # `error.code` of the last answer
    interim: bool | None = None  # a 100 must come, must not, or may
    half_close: bool = False  # the client ends its side after the last byte
    is_head: bool = False  # the answers are to HEAD
    is_old: bool = False  # of HTTP/1.0: the answer may not be chunked

    @property
    def raw(self):
        return b"".join(step for step in self.steps if isinstance(step, bytes))


def length_of(body):
    return b"Content-Length: %d\r\n" % len(body)


def post(extra=b"", body=BODY, *, line=LINE, host=HOST, auth=AUTH, framing=None):
    """A chat request; `framing` replaces its Content-Length line, `extra` are further lines."""
    framing = length_of(body) if framing is None else framing
    return line + b"\r\n" + host + auth + JSON + framing + extra + b"\r\n" + body


def get(target=b"/v1/models", extra=b"", *, host=HOST, auth=AUTH, method=b"GET", version=b"HTTP/1.1"):
    return b"%s %s %s\r\n" % (method, target, version) + host + auth + extra + b"\r\n"


def chunked(coded):
    """A chat request whose body stands chunked on the wire already."""
    return post(framing=CHUNKED, body=coded)


def chunks(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


SMUGGLED = post(body=SMUGGLED_BODY)
SEEN = Seen(BODY)


def refused(name, raw, **expected):
    """Malformed: 400, a closed connection, nothing upstream, also not of what follows it."""
    expected = {"answers": (400,), "closed": True, "code": "invalid_request"} | expected
    return Case(name, (raw + SMUGGLED,), **expected)


def accepted(name, raw, **expected):
    """A chat request that is well-formed: answered, and sent up exactly once."""
    expected = {"answers": (200,), "closed": False, "seen": (SEEN,)} | expected
    return Case(name, (raw,), **expected)


def answered(name, raw, status, **expected):
    """Well-formed, and answered without the upstream."""
    expected = {"closed": None} | expected
    return Case(name, (raw,), (status,), **expected)
