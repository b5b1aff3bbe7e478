"""The chunked coding (RFC 9112 §7.1)."""

from case import BODY, SMUGGLED, accepted, answered, chunked, chunks, refused

SIZE = b"%x" % len(BODY)
END = b"0\r\n\r\n"
DATA = BODY + b"\r\n"


def size_line(line):
    return chunked(line + DATA + END)


def trailer(lines):
    return chunked(SIZE + b"\r\n" + DATA + b"0\r\n" + lines + b"\r\n")


MALFORMED_SIZES = {
    "empty": b"\r\n", "not hex": b"xyz\r\n", "prefix 0x": b"0x" + SIZE + b"\r\n",
    "plus": b"+" + SIZE + b"\r\n", "minus": b"-" + SIZE + b"\r\n",
    "space before": b" " + SIZE + b"\r\n", "space behind": SIZE + b" \r\n",
    "tab behind": SIZE + b"\t\r\n", "space before an extension": SIZE + b" ;x\r\n",
    "bare LF": SIZE + b"\n", "bare CR": SIZE + b"\r", "CR CR LF": SIZE + b"\r\r\n",
    "NUL": SIZE + b"\0\r\n", "underscore": b"4_2\r\n", "decimal point": SIZE + b".0\r\n",
    "seventeen digits": b"0" * 15 + SIZE + b"\r\n", "above 64 bits": b"10000000000000042\r\n",
    "all f and one more": b"f" * 17 + b"\r\n", "extension without a size": b";x\r\n",
    "comma": SIZE + b",0\r\n", "quoted": b'"' + SIZE + b'"\r\n', "above ASCII": b"\xb2\r\n",
}  # fmt: skip

MALFORMED_EXTENSIONS = {
    "bare LF": SIZE + b";x\n", "bare LF inside": SIZE + b";x\ny\r\n",
    "bare CR inside": SIZE + b";x\ry\r\n", "NUL": SIZE + b";x\0\r\n",
    "control byte": SIZE + b";x\x01\r\n", "CR in quotes": SIZE + b';x="\r"\r\n',
    "LF in quotes": SIZE + b';x="\n"\r\n', "too long": SIZE + b";" + b"x" * 256 + b"\r\n",
    "endless": SIZE + b";" + b"x" * 20000,
}  # fmt: skip

MALFORMED_TRAILERS = {
    "no colon": b"X\r\n", "space before the colon": b"X : y\r\n", "empty name": b": y\r\n",
    "fold": b"X: y\r\n z\r\n", "bare LF": b"X: y\n", "bare CR": b"X: y\rZ: a\r\n",
    "NUL": b"X: y\0\r\n", "control byte": b"X: y\x01\r\n", "a request": b"GET / HTTP/1.1\r\n",
    "too long": b"X: " + b"y" * 4096 + b"\r\n", "too many": b"X: y\r\n" * 1000,
}  # fmt: skip

CASES = [
    accepted("one chunk", chunked(chunks(BODY))),
    accepted("a chunk a byte", chunked(chunks(*(BODY[i : i + 1] for i in range(len(BODY)))))),
    accepted("two chunks", chunked(chunks(BODY[:7], BODY[7:]))),
    accepted("size in capitals", size_line(SIZE.upper() + b"\r\n")),
    accepted("sixteen digits", size_line(SIZE.rjust(16, b"0") + b"\r\n")),
    accepted("end of sixteen zeros", chunked(SIZE + b"\r\n" + DATA + b"0" * 16 + b"\r\n\r\n")),
    accepted("extension", size_line(SIZE + b";name=value\r\n")),
    accepted("extension in quotes", size_line(SIZE + b';name="a;b c"\r\n')),
    accepted("extension at the limit", size_line(SIZE + b";" + b"x" * 255 + b"\r\n")),
    accepted("extension of the last chunk", chunked(SIZE + b"\r\n" + DATA + b"0;x=y\r\n\r\n")),
    accepted("trailer", trailer(b"X-Checksum: abc\r\n")),
    accepted("two trailers", trailer(b"X-A: b\r\nX-C:\r\n")),
    accepted("trailer that names framing is dropped", trailer(b"Content-Length: 3\r\nTransfer-Encoding: x\r\n")),
    accepted("trailer that names the key is dropped", trailer(b"Authorization: Bearer x\r\nHost: evil\r\n")),
    *(refused(f"size: {name}", size_line(line)) for name, line in MALFORMED_SIZES.items()),
    *(refused(f"extension: {name}", size_line(line)) for name, line in MALFORMED_EXTENSIONS.items()),
    *(refused(f"trailer: {name}", trailer(lines)) for name, lines in MALFORMED_TRAILERS.items()),
    refused("extensions without end", chunked((b"1;" + b"x" * 250 + b"\r\n \r\n") * 80 + chunks(BODY))),
    refused("data longer than its size", chunked(b"5\r\n" + DATA + END)),
    refused("data shorter than its size", chunked(b"%x\r\n" % (len(BODY) + 1) + DATA + END)),
    refused("no CRLF behind the data", chunked(SIZE + b"\r\n" + BODY + END)),
    refused("bare LF behind the data", chunked(SIZE + b"\r\n" + BODY + b"\n" + END)),
    refused("bare CR behind the data", chunked(SIZE + b"\r\n" + BODY + b"\r" + END)),
    refused("a request instead of a size", chunked(SMUGGLED)),
    refused("bare LF at the very end", chunked(SIZE + b"\r\n" + DATA + b"0\r\n\n")),
    answered("cut inside a size", chunked(b"4"), {None, 400, 408}, half_close=True, closed=True),
    answered("cut inside the data", chunked(SIZE + b"\r\n" + BODY[:9]), {None, 400, 408}, half_close=True, closed=True),
    answered("cut before the last chunk", chunked(SIZE + b"\r\n" + DATA), {None, 400, 408}, half_close=True,
             closed=True),
]  # fmt: skip
