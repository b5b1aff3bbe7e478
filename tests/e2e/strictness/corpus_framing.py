"""Content-Length and Transfer-Encoding (RFC 9112 §6), and what smuggling is made of."""

from case import BODY, CHUNKED, SMUGGLED, accepted, answered, chunks, get, length_of, post, refused

LENGTH = length_of(BODY)


def lines(text, body=BODY):
    return post(framing=text, body=body)


def length(value):
    return lines(b"Content-Length: " + value + b"\r\n")


def coding(value, body=chunks(BODY)):
    return lines(b"Transfer-Encoding: " + value + b"\r\n", body)


SIZE = b"%d" % len(BODY)

MALFORMED_LENGTHS = {
    "empty": b"", "plus": b"+" + SIZE, "minus": b"-" + SIZE, "minus zero": b"-0",
    "hex": b"0x%x" % len(BODY), "decimal point": SIZE + b".0", "exponent": b"1e2",
    "letters": b"ten", "quoted": b'"' + SIZE + b'"', "equal list": SIZE + b", " + SIZE,
    "unequal list": SIZE + b", 0", "list of one": SIZE + b",", "inner space": b"6 6",
    "underscore": b"6_6", "parameter": SIZE + b";x", "twenty digits": b"0" * 18 + SIZE,
    "above 64 bits": b"18446744073709551616", "wraps to a small one": b"18446744073709551682",
    "full-width digits": "６６".encode(), "NUL": SIZE + b"\0",
}  # fmt: skip

MALFORMED_CODINGS = {
    "identity": b"identity", "gzip": b"gzip", "gzip, chunked": b"gzip, chunked",
    "chunked, gzip": b"chunked, gzip", "chunked twice": b"chunked, chunked",
    "identity, chunked": b"identity, chunked", "chunked, identity": b"chunked, identity",
    "empty": b"", "quoted": b'"chunked"', "prefix": b"xchunked", "suffix": b"chunkedx",
    "short": b"chunke", "parameter": b"chunked;q=1", "leading comma": b", chunked",
    "trailing comma": b"chunked,", "NUL": b"chunked\0", "vertical tab": b"\x0bchunked",
    "non-breaking space": b"\xa0chunked", "dotless i": "chunκed".encode(),
}  # fmt: skip

CASES = [
    accepted("length", post()),
    accepted("length with leading zeros", length(b"000" + SIZE)),
    accepted("length with spaces around", length(b" \t" + SIZE + b" \t")),
    accepted("chunked", lines(CHUNKED, chunks(BODY))),
    accepted("chunked in capitals", coding(b"CHUNKED")),
    accepted("chunked with spaces around", coding(b"\t chunked \t")),
    *(refused(f"length: {name}", length(value)) for name, value in MALFORMED_LENGTHS.items()),
    *(refused(f"coding: {name}", coding(value)) for name, value in MALFORMED_CODINGS.items()),
    refused("length twice, equal", lines(LENGTH * 2)),
    refused("length twice, unequal", lines(LENGTH + b"Content-Length: 0\r\n")),
    refused("length twice, other case", lines(LENGTH + b"content-length: 0\r\n")),
    refused("coding twice", lines(CHUNKED * 2, chunks(BODY))),
    refused("coding twice, second identity", lines(CHUNKED + b"Transfer-Encoding: identity\r\n", chunks(BODY))),
    refused("length and coding", lines(LENGTH + CHUNKED, chunks(BODY))),
    refused("coding and length", lines(CHUNKED + LENGTH, chunks(BODY))),
    refused("CL.TE", lines(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n" + SMUGGLED)),
    refused("TE.CL", lines(b"Content-Length: 4\r\n" + CHUNKED, chunks(SMUGGLED))),
    refused("TE.TE", lines(CHUNKED + b"Transfer-encoding: cow\r\n", chunks(BODY))),
    refused("length 0 and coding", lines(b"Content-Length: 0\r\n" + CHUNKED, chunks(BODY))),
    refused("coding with a space before the colon", lines(b"Transfer-Encoding : chunked\r\n", chunks(BODY))),
    refused("coding folded", lines(b"Transfer-Encoding:\r\n chunked\r\n", chunks(BODY))),
    refused("coding behind a bare LF", lines(LENGTH + b"X: y\n" + CHUNKED, chunks(BODY))),
    refused("coding behind a bare CR", lines(LENGTH + b"X: y\r" + CHUNKED, chunks(BODY))),
    refused("coding behind a NUL", lines(LENGTH + b"X: y\0\r\n" + CHUNKED, chunks(BODY))),
    refused(
        "chunked in HTTP/1.0",
        post(framing=CHUNKED, body=chunks(BODY), line=b"POST /v1/chat/completions HTTP/1.0"),
    ),
    refused("length of a GET twice", get(extra=LENGTH * 2) + BODY),
    answered("no framing", post(framing=b"", body=b""), {400, 411}),
    answered("length 0", length(b"0").removesuffix(BODY), 400, code="invalid_json"),
    answered("empty chunked body", lines(CHUNKED, chunks()), 400, code="invalid_json"),
    # The body of a request that needs none is read over or ends the connection; it is no request.
    answered("CL.0 on a local path", get(extra=length_of(SMUGGLED)) + SMUGGLED, {200, 400}),
    answered("CL.0 on an unknown path", get(b"/nothing", length_of(SMUGGLED)) + SMUGGLED, 404),
    answered("CL.0 without a key", get(extra=length_of(SMUGGLED), auth=b"") + SMUGGLED, 401),
    answered("CL.0 on liveness", get(b"/healthz", length_of(SMUGGLED), auth=b"") + SMUGGLED, {200, 400}),
    answered("TE.0 on a local path", get(extra=CHUNKED) + chunks(SMUGGLED), {200, 400}),
    answered("TE.0 without a key", get(extra=CHUNKED, auth=b"") + chunks(SMUGGLED), 401),
    answered("body of a wrong method", get(b"/v1/embeddings", length_of(SMUGGLED), method=b"PUT") + SMUGGLED, 405),
    answered("body of OPTIONS", get(b"*", length_of(SMUGGLED), method=b"OPTIONS") + SMUGGLED,
             {200, 204, 400, 404, 405}),
    answered("body cut short", lines(b"Content-Length: 100\r\n"), {None, 400, 408}, half_close=True, closed=True),
]
