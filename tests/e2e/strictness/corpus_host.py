"""Host (RFC 9110 §7.2, RFC 9112 §3.2, RFC 3986 §3.2.2)."""

from case import accepted, post, refused

VALID = [
    b"a", b"gateway.example", b"gateway.example:8080", b"GATEWAY.Example", b"a_b-c~d.e", b"a%2Db",
    b"127.0.0.1", b"127.0.0.1:65535", b"gateway.example:0", b"[::1]", b"[::1]:8080",
    b"[2001:db8::ff00:42:8329]", b"[::ffff:192.0.2.1]:1", b"999.999.999.999", b"xn--bcher-kva.example",
]  # fmt: skip

MALFORMED = {
    "empty": b"",
    "blank": b" \t ",
    "port only": b":80",
    "empty port": b"gateway.example:",
    "port above 65535": b"gateway.example:65536",
    "port with a sign": b"gateway.example:+80",
    "port of letters": b"gateway.example:http",
    "two ports": b"gateway.example:80:80",
    "space": b"gateway example",
    "list": b"gateway.example, evil.example",
    "list without a space": b"gateway.example,evil.example",
    "path": b"gateway.example/v1",
    "query": b"gateway.example?x",
    "fragment": b"gateway.example#x",
    "user": b"user@gateway.example",
    "scheme": b"http://gateway.example",
    "backslash": b"gateway.example\\evil",
    "quotes": b'"gateway.example"',
    "angle brackets": b"<gateway.example>",
    "UTF-8": "gâteau.example".encode(),
    "half a percent code": b"gateway%2",
    "wrong percent code": b"gateway%zz",
    "open bracket": b"[::1",
    "empty brackets": b"[]",
    "IPv4 in brackets": b"[127.0.0.1]",
    "name in brackets": b"[gateway.example]",
    "IPv6 without brackets": b"::1",
    "IPv6 with a zone": b"[fe80::1%25eth0]",
    "IPv6 with a letter too many": b"[::12345]",
    "IPvFuture": b"[v1.a]",
    "text behind the bracket": b"[::1]evil",
}

CASES = [
    *(accepted(f"host {value.decode()}", post(host=b"Host: " + value + b"\r\n")) for value in VALID),
    accepted("no space behind the colon", post(host=b"Host:gateway.example\r\n")),
    accepted("spaces around", post(host=b"HOST: \t gateway.example \t\r\n")),
    accepted("behind the other fields", post(b"Host: gateway.example\r\n", host=b"")),
    accepted(
        "none in HTTP/1.0",
        post(host=b"", line=b"POST /v1/chat/completions HTTP/1.0"),
        closed=True,
        is_old=True,
    ),
    *(
        refused(f"host: {name}", post(host=b"Host: " + value + b"\r\n"))
        for name, value in MALFORMED.items()
    ),
    refused("missing host", post(host=b"")),
    refused("repeated host", post(b"Host: gateway.example\r\n")),
    refused("second host differs", post(b"Host: evil.example\r\n")),
    refused("second host in lower case", post(b"host: evil.example\r\n")),
    refused("repeated host in HTTP/1.0",
            post(b"Host: a\r\n", line=b"POST /v1/chat/completions HTTP/1.0")),
    refused("malformed host in HTTP/1.0",
            post(host=b"Host: a b\r\n", line=b"POST /v1/chat/completions HTTP/1.0")),
    refused("host with a space before the colon", post(host=b"Host : gateway.example\r\n")),
    refused("host folded", post(host=b"Host:\r\n gateway.example\r\n")),
    refused("host with a NUL", post(host=b"Host: gateway\0.example\r\n")),
]  # fmt: skip
