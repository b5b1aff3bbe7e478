"""Several requests on one connection (RFC 9112 §9.3)."""

from case import BODY, CHUNKED, SEEN, SMUGGLED, Case, chunks, get, length_of, post
from upstream import Seen


def body(number):
    return BODY.replace(b'"hi"', b'"hi %d"' % number)


def pipelined(name, *requests, answers, closed=False, seen=(), **expected):
    return Case(name, (b"".join(requests),), answers, closed, seen, **expected)


FIRST, SECOND, THIRD = (body(number) for number in (1, 2, 3))
CHUNKED_SECOND = post(framing=CHUNKED, body=chunks(SECOND))
UNREAD = b"X : y\r\n"

CASES = [
    pipelined("two", post(body=FIRST), post(body=SECOND), answers=(200, 200), seen=(Seen(FIRST), Seen(SECOND))),
    pipelined(
        "three, the middle one chunked",
        post(body=FIRST), CHUNKED_SECOND, post(body=THIRD),
        answers=(200, 200, 200), seen=(Seen(FIRST), Seen(SECOND), Seen(THIRD)),
    ),
    pipelined("ten local ones", *(get(),) * 10, answers=(200,) * 10),
    pipelined("an empty line between", post(body=FIRST), b"\r\n", post(body=SECOND),
              answers=(200, 200), seen=(Seen(FIRST), Seen(SECOND))),
    pipelined("two empty lines between", post(body=FIRST), b"\r\n\r\n", post(body=SECOND),
              answers=(200, 400), closed=True, seen=(Seen(FIRST),), code="invalid_request"),
    pipelined("local, remote, local", get(), post(), get(), answers=(200, 200, 200), seen=(SEEN,)),
    pipelined("nothing behind Connection: close", post(b"Connection: close\r\n", FIRST), SMUGGLED,
              answers=(200,), closed=True, seen=(Seen(FIRST),)),
    pipelined("nothing behind HTTP/1.0", post(body=FIRST, line=b"POST /v1/chat/completions HTTP/1.0"), SMUGGLED,
              answers=(200,), closed=True, seen=(Seen(FIRST),), is_old=True),
    pipelined("nothing behind a malformed head", post(UNREAD), SMUGGLED,
              answers=(400,), closed=True, code="invalid_request"),
    pipelined("a malformed head behind a good one", post(body=FIRST), post(UNREAD), SMUGGLED,
              answers=(200, 400), closed=True, seen=(Seen(FIRST),), code="invalid_request"),
    pipelined("a longer body than announced", post(framing=length_of(BODY[:-1])), SMUGGLED,
              answers=(400, {None, 400}), closed=True),
    pipelined("a longer body than announced, valid JSON", post(body=FIRST + b"}", framing=length_of(FIRST)), SMUGGLED,
              answers=(200, 400), closed=True, seen=(Seen(FIRST),), code="invalid_request"),
    pipelined("bytes behind the last chunk", post(framing=CHUNKED, body=chunks(FIRST) + b"x\r\n"), SMUGGLED,
              answers=(200, 400), closed=True, seen=(Seen(FIRST),), code="invalid_request"),
    pipelined("a good one behind a wrong path", get(b"/nothing"), get(),
              answers=(404, 200)),
    pipelined("each is checked for its key", get(), get(auth=b""), answers=(200, 401), closed=None,
              code="missing_api_key"),
    pipelined("a key is not inherited", post(body=FIRST), post(body=SECOND, auth=b""),
              answers=(200, 401), closed=None, seen=(Seen(FIRST),), code="missing_api_key"),
]  # fmt: skip
