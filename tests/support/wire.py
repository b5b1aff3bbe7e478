"""A small HTTP/1.1 client over sockets that hides nothing: every byte, and how the answer ended."""

import socket
from dataclasses import dataclass, field


def connect(address, seconds=20, receive_buffer=None):
    """Connects to `host:port`, `[v6]:port` or `unix:/path`."""
    if address.startswith("unix:"):
        link = socket.socket(socket.AF_UNIX)
        target = address[len("unix:") :]
    else:
        host, port = address.rsplit(":", 1)
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        link = socket.socket(family)
        target = (host.strip("[]"), int(port))
    if receive_buffer is not None:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    link.settimeout(seconds)
    link.connect(target)
    return link


def request_bytes(method, path, *, key=None, body=b"", headers=(), host="headgate.test"):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Answer:
    """`ended` tells how the body ended: "length", "last-chunk", "closed" or "cut"."""

    status: int = 0
    headers: dict = field(default_factory=dict)  # lower-case names; repeated ones are joined by ", "
    body: bytes = b""
    ended: str = ""


class Reader:
    """Reads answers from one connection, one after the other."""

    def __init__(self, link):
        self.link = link
        self.buffer = b""

    def _more(self):
        try:
            data = self.link.recv(65536)
        except ConnectionResetError:
            return False
        self.buffer += data
        return bool(data)

    def _line(self):
        while b"\r\n" not in self.buffer:
            if not self._more():
                return None
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def head(self):
        """Status line and fields; an Answer without a body yet."""
        start = self._line()
        assert start is not None, "the connection ended without an answer"
        version, status = start.split(b" ", 2)[:2]
        assert version == b"HTTP/1.1", start
        answer = Answer(status=int(status))
        while line := self._line():
            name, value = line.decode("latin-1").split(":", 1)
            known = answer.headers.get(name.lower())
            value = value.strip()
            answer.headers[name.lower()] = value if known is None else f"{known}, {value}"
        return answer

    def pieces(self, answer):
        """Yields the body as it comes; sets `answer.ended` at the end."""
        if answer.headers.get("transfer-encoding") == "chunked":
            yield from self._chunks(answer)
        elif "content-length" in answer.headers:
            yield from self._counted(answer, int(answer.headers["content-length"]))
        else:
            yield from self._until_close(answer)

    def _counted(self, answer, left):
        while left:
            if not self.buffer and not self._more():
                answer.ended = "cut"
                return
            piece, self.buffer = self.buffer[:left], self.buffer[left:]
            left -= len(piece)
            yield piece
        answer.ended = "length"

    def _chunks(self, answer):
        while True:
            line = self._line()
            if line is None:
                answer.ended = "cut"
                return
            size = int(line.split(b";")[0], 16)
            while len(self.buffer) < size + 2:
                if not self._more():
                    answer.ended = "cut"
                    return
            piece, rest = self.buffer[:size], self.buffer[size:]
            assert rest[:2] == b"\r\n", "a chunk without its line end"
            self.buffer = rest[2:]
            if size == 0:
                answer.ended = "last-chunk"
                return
            yield piece

    def _until_close(self, answer):
        while True:
            if self.buffer:
                piece, self.buffer = self.buffer, b""
                yield piece
            if not self._more():
                answer.ended = "closed"
                return

    def answer(self, has_body=True):
        found = self.head()
        if has_body:
            found.body = b"".join(self.pieces(found))
        return found

    def is_closed(self):
        """True when the peer closes without another byte; waits for it as long as the socket does."""
        return not self.buffer and not self._more()


def exchange(address, *arguments, seconds=20, **options):
    """One request on a connection of its own."""
    with connect(address, seconds) as link:
        link.sendall(request_bytes(*arguments, **options))
        return Reader(link).answer()
