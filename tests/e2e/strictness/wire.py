"""HTTP/1.1 messages off a socket, as strict as the gateway has to be (RFC 9110, RFC 9112).

Used three times: by the recording upstream for what the gateway sends, by the client for what it
answers, and by the self-check that the rows of the corpus are what they claim to be.
"""

import ipaddress
import re
from dataclasses import dataclass, field

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(%s) ([!-~]+) HTTP/1\.([01])" % TOKEN)
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [\t -~\x80-\xff]*)?")
FIELD_LINE = re.compile(rb"(%s):[ \t]*([\t -~\x80-\xff]*)" % TOKEN)
CHUNK_LINE = re.compile(rb"([0-9a-fA-F]{1,16})(;[\t -~\x80-\xff]{0,255})?")
REG_NAME = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+")
MAX_HEAD = 16 * 1024
MAX_FIELDS = 100
MAX_TRAILER = 4 * 1024
MAX_EXTENSIONS = 16 * 1024


class Malformed(Exception):
    """The bytes are not one well-formed message."""


class Ended(Exception):
    """The peer ended the connection; `between` tells whether between two messages."""

    def __init__(self, between):
        super().__init__("between messages" if between else "inside a message")
        self.between = between


@dataclass
class Message:
    """One message whose framing was taken off."""

    start: tuple = ()  # (method, target) of a request, (status,) of an answer
    minor_version: int = 1
    fields: list = field(default_factory=list)  # (name in lower case, value), text
    framing: str = "none"  # none, length, chunked or close
    body: bytes = b""
    is_cut: bool = False  # the connection ended before the body did
    head: bytes = b""

    def values(self, name):
        return [value for other, value in self.fields if other == name]

    def value(self, name):
        values = self.values(name)
        return values[0] if values else None

    def keeps_alive(self):
        options = {o.strip().lower() for v in self.values("connection") for o in v.split(",")}
        return "close" not in options and (self.minor_version == 1 or "keep-alive" in options)


class Reader:
    """Bytes of a source, with a look ahead; `more` gives the next bytes, b"" at the end."""

    def __init__(self, more):
        self._more = more
        self._held = b""

    @classmethod
    def of(cls, data):
        pieces = [data]
        return cls(lambda: pieces.pop() if pieces else b"")

    def _fill(self, is_between=False):
        data = self._more()
        if not data:
            raise Ended(is_between and not self._held)
        self._held += data

    def fill(self):
        """Takes further bytes in; False at the end."""
        try:
            self._fill()
        except Ended:
            return False
        return True

    def line(self, limit, is_first=False, excess="too large"):
        """The next line without its CRLF; a bare CR or LF is malformed, `excess` names a long one."""
        while (end := self._held.find(b"\r\n")) < 0:
            self._refuse_bare_ends(self._held)
            if len(self._held) > limit:
                raise Malformed(excess)
            self._fill(is_first)
        line, self._held = self._held[:end], self._held[end + 2 :]
        self._refuse_bare_ends(line + b"\r\n")
        if len(line) > limit:
            raise Malformed(excess)
        return line

    @staticmethod
    def _refuse_bare_ends(data):
        if re.search(rb"\r[^\n]|(?<!\r)\n", data):
            raise Malformed("bare CR or LF")

    def exactly(self, size, into):
        while size > 0:
            if not self._held:
                self._fill()
            into += self._held[:size]
            taken = min(size, len(self._held))
            self._held = self._held[taken:]
            size -= taken

    def rest(self, into):
        while True:
            into += self._held
            self._held = b""
            if not self.fill():
                return

    def has_more(self):
        """Whether a byte follows; waits for one or for the end."""
        return bool(self._held) or self.fill()


def read_fields(reader, used):
    fields = []
    while line := reader.line(MAX_HEAD):
        used += len(line) + 2
        match = FIELD_LINE.fullmatch(line)
        if not match:
            raise Malformed(f"field line {line[:80]!r}")
        fields.append((match[1].decode().lower(), match[2].decode("latin-1").strip(" \t")))
        if len(fields) > MAX_FIELDS or used > MAX_HEAD - 2:
            raise Malformed("too large")
    return fields


def framing_of(message):
    """Sets `framing`; gives the length where there is one."""
    lengths = message.values("content-length")
    codings = message.values("transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise Malformed("more than one framing")
    for value in message.values("connection"):
        for option in value.split(","):
            if option.strip(" \t") and not re.fullmatch(TOKEN, option.strip(" \t").encode("latin-1")):
                raise Malformed("Connection")
    if codings:
        if codings[0].lower() != "chunked" or message.minor_version == 0:
            raise Malformed("Transfer-Encoding")
        message.framing = "chunked"
    elif lengths:
        if not re.fullmatch("[0-9]{1,19}", lengths[0]):
            raise Malformed("Content-Length")
        message.framing = "length"
        return int(lengths[0])
    return None


def read_body(reader, message, length):
    body = bytearray()
    try:
        if message.framing == "length":
            reader.exactly(length, body)
        elif message.framing == "chunked":
            read_chunks(reader, body)
        elif message.framing == "close":
            reader.rest(body)
    except Ended:
        message.is_cut = True
    message.body = bytes(body)


def read_chunks(reader, body):
    extensions = 0
    while True:
        line = reader.line(16 + MAX_EXTENSIONS, excess="chunk size line")
        match = CHUNK_LINE.fullmatch(line)
        extensions += len(match[2] or b"") if match else 0
        if not match or extensions > MAX_EXTENSIONS:
            raise Malformed(f"chunk size line {line[:80]!r}")
        size = int(match[1], 16)
        if size == 0:
            break
        reader.exactly(size, body)
        end = bytearray()
        reader.exactly(2, end)
        if end != b"\r\n":
            raise Malformed("chunk longer than its size")
    trailer = 0
    while line := reader.line(MAX_TRAILER, excess="oversized trailer"):
        trailer += len(line) + 2
        if not FIELD_LINE.fullmatch(line) or trailer > MAX_TRAILER - 2:
            raise Malformed(f"trailer {line[:80]!r}")


def is_authority(text):
    match = re.fullmatch(rb"(\[([^\]]*)\]|[^:]*)(?::([0-9]+))?", text)
    if not match or (match[3] is not None and int(match[3]) > 65535):
        return False
    if match[2] is None:
        return REG_NAME.fullmatch(match[1]) is not None
    try:
        ipaddress.IPv6Address(match[2].decode("latin-1"))
    except ValueError:
        return False
    return b"%" not in match[2]


def check_target(method, target, host):
    if method == "CONNECT" or "#" in target:
        raise Malformed("request target")
    if target.startswith("/") or (target == "*" and method == "OPTIONS"):
        return
    match = re.fullmatch(r"https?://([^/?]*)(?:[/?].*)?", target, re.IGNORECASE)
    if not match or not is_authority(match[1].encode()):
        raise Malformed("request target")
    if host is not None and match[1].lower() != host.lower():
        raise Malformed("another authority")


def check_request(message):
    hosts = message.values("host")
    if len(hosts) > 1 or (not hosts and message.minor_version == 1):
        raise Malformed("Host")
    if hosts and not is_authority(hosts[0].encode("latin-1")):
        raise Malformed("Host")
    check_target(*message.start, hosts[0] if hosts else None)
    expectations = [v.lower() for v in message.values("expect")]
    if expectations not in ([], ["100-continue"]):
        raise Malformed("Expect")


def read_request(reader):
    """The next request; Ended(between) where there is none, Malformed where it is not one."""
    line = reader.line(MAX_HEAD, is_first=True) or reader.line(MAX_HEAD)
    match = REQUEST_LINE.fullmatch(line)
    if not match:
        raise Malformed(f"request line {line[:80]!r}")
    message = Message(start=(match[1].decode(), match[2].decode()), minor_version=int(match[3]))
    message.fields = read_fields(reader, len(line) + 2)
    length = framing_of(message)
    check_request(message)
    read_body(reader, message, length)
    if message.is_cut:
        raise Ended(False)
    return message


def read_answer(reader, is_to_head=False):
    """The next answer, interim ones too; `is_cut` where its body did not come to its end."""
    line = reader.line(MAX_HEAD, is_first=True)
    match = STATUS_LINE.fullmatch(line)
    if not match:
        raise Malformed(f"status line {line[:80]!r}")
    status = int(match[2])
    message = Message(start=(status,), minor_version=int(match[1]))
    message.fields = read_fields(reader, len(line) + 2)
    length = framing_of(message)
    has_body = not is_to_head and status >= 200 and status not in (204, 304)
    if not has_body:
        if status < 200 or status == 204:
            if message.framing == "chunked" or length:
                raise Malformed("body with a status that has none")
        message.framing = "none"
    elif message.framing == "none":
        message.framing = "close"
    if status == 101:
        raise Malformed("unasked upgrade")
    read_body(reader, message, length)
    return message
