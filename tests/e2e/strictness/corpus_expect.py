"""Expect: 100-continue (RFC 9110 §10.1.1). It is honoured only after authentication."""

from case import BODY, CHUNKED, SEEN, Await, Case, accepted, chunks, length_of, post, refused

EXPECT = b"Expect: 100-continue\r\n"
WRONG_KEY = b"Authorization: Bearer wrong-key-000000000000\r\n"


def head(extra=EXPECT, **parts):
    return post(extra, body=b"", **({"framing": length_of(BODY)} | parts))


CASES = [
    Case("body after the 100", (head(), Await(100), BODY), (200,), False, (SEEN,), interim=True),
    Case("in other case", (head(b"expect: 100-CONTINUE\r\n"), Await(100), BODY), (200,), False, (SEEN,), interim=True),
    Case("chunked body after the 100", (head(framing=CHUNKED), Await(100), chunks(BODY)), (200,), False,
         (SEEN,), interim=True),
    Case("no 100 without a key", (head(auth=b""),), (401,), None, code="missing_api_key", interim=False),
    Case("no 100 for a wrong key", (head(auth=WRONG_KEY),), (401,), None, code="invalid_api_key", interim=False),
    Case("no 100 for an unknown path", (head(line=b"POST /nothing HTTP/1.1"),), (404,), None,
         code="unknown_url", interim=False),
    Case("no 100 for a wrong method", (head(line=b"PUT /v1/embeddings HTTP/1.1"),), (405,), None,
         code="method_not_allowed", interim=False),
    Case("no 100 for too large a body", (head(framing=b"Content-Length: 70000\r\n"),), (413,), None,
         code="request_too_large", interim=False),
    accepted("body sent without waiting", post(EXPECT)),
    accepted("chunked body sent without waiting", post(EXPECT, chunks(BODY), framing=CHUNKED)),
    accepted("no 100 for HTTP/1.0", post(EXPECT, line=b"POST /v1/chat/completions HTTP/1.0"),
             closed=True, interim=False, is_old=True),
    Case("a refused body is not read as a request", (head(auth=b"") + BODY,), (401,), None,
         code="missing_api_key", interim=False),
    refused("another expectation", post(b"Expect: 200-ok\r\n"), interim=False),
    refused("a list of expectations", post(b"Expect: 100-continue, 100-continue\r\n"), interim=False),
    refused("twice", post(EXPECT * 2), interim=False),
    refused("empty", post(b"Expect:\r\n"), interim=False),
    refused("with a parameter", post(b"Expect: 100-continue;x=y\r\n"), interim=False),
    refused("with both framings", post(EXPECT + CHUNKED), interim=False),
]  # fmt: skip
