"""A provider that a test plays itself, over plain sockets or TLS, down to how a connection ends.

An Upstream hands every connection that it accepts to the test's script, a function of one Link, on
a thread of its own. A script that fails an assertion fails the test, when the upstream is closed.
"""

import contextlib
import hashlib
import json
import socket
import ssl
import struct
import subprocess
import threading
from dataclasses import dataclass

from support.policy import CLIENT_KEY
from support.wire import exchange

CHAT = "/v1/chat/completions"
PATIENCE = 60  # seconds; a bound for broken code, not a pace
EVENT_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def text_of_size(size):
    """Text that repeats nowhere near, so that a lost or swapped piece shows."""
    blocks = (hashlib.sha256(b"%d" % number).hexdigest() for number in range(size // 64))
    return "".join(blocks)


def chat_body(**changes):
    """The body of a request, with these fields besides or instead."""
    question = [{"role": "user", "content": "Hello"}]
    return json.dumps({"model": "gpt-5-mini", "messages": question, **changes}).encode()


def ask(gateway, **changes):
    """One chat request on a connection of its own."""
    return exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, body=chat_body(**changes))


def outcome(answer):
    """(status, the error's code or None) of an answer in JSON."""
    body = json.loads(answer.body)
    return answer.status, body["error"]["code"] if "error" in body else None


def completion(content="ok"):
    """The body of a chat completion."""
    message = {"role": "assistant", "content": content, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9}
    return json.dumps(
        {
            "id": "chatcmpl-123",
            "object": "chat.completion",
            "created": 1700000000,
            "model": "gpt-5-mini",
            "choices": [choice],
            "usage": usage,
        }
    ).encode()


def event(content=None, finish=None):
    """One event of a chat stream."""
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    data = {
        "id": "chatcmpl-123",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-5-mini",
        "choices": [choice],
    }
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def http(body, *, status=b"200 OK", fields=b""):
    """A whole JSON answer."""
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s" % (
        status, len(body), fields, body,
    )  # fmt: skip


@dataclass(frozen=True)
class Request:
    connection: int  # the number of the Link that it came on, from 0
    headers: dict  # lower-case names
    body: bytes


class Link:
    """One accepted connection, in the hands of the script that serves it."""

    def __init__(self, number, stream, upstream):
        self.number = number
        self.stream = stream
        self._upstream = upstream
        self._received = bytearray()

    def _more(self):
        data = self.stream.recv(256 * 1024)
        self._received += data
        return bool(data)

    def head(self):
        """The fields of the next request, its body unread; None where the gateway has closed."""
        while b"\r\n\r\n" not in self._received:
            if not self._more():
                assert not self._received, f"a request that was cut: {bytes(self._received)!r}"
                return None
        head, _, rest = self._received.partition(b"\r\n\r\n")
        self._received = rest
        lines = head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, value in (x.split(":", 1) for x in lines)}

    def request(self):
        """The next request, whole; None where the gateway has closed."""
        headers = self.head()
        return None if headers is None else self.body_of(headers)

    def body_of(self, headers):
        """The request whose head has been read, whole."""
        length = int(headers["content-length"])
        while len(self._received) < length:
            assert self._more(), f"a body cut after {len(self._received)} of {length} bytes"
        found = Request(self.number, headers, bytes(self._received[:length]))
        del self._received[:length]
        self._upstream.requests.append(found)
        return found

    def send(self, *pieces):
        for piece in pieces:
            self.stream.sendall(piece)

    def rest(self):
        """What else comes until the gateway ends the connection, in whichever way."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while self._more():
                pass
        return bytes(self._received)

    def end_writing(self):
        """An end of what we send, and nothing else: over TLS without close_notify."""
        socket.socket.shutdown(self.stream, socket.SHUT_WR)

    def end_tls(self):
        """close_notify, then waits for the gateway's own."""
        with contextlib.suppress(OSError):
            self.stream.unwrap()

    def reset(self):
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()


def serve_completions(link):
    """The script of a provider that behaves."""
    while link.request():
        link.send(http(completion()))


class Upstream:
    """Listens on a free loopback port until close(). `context` makes it speak TLS."""

    def __init__(
        self, script=serve_completions, *, context=None, send_buffer=None, receive_buffer=None
    ):
        self.requests = []
        self.links = []
        self.handshake_failures = []
        self.server_names = []  # what the handshakes named, None where they named nothing
        self._script = script
        self._context = context
        self._problems = []
        self._threads = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        for option, size in ((socket.SO_SNDBUF, send_buffer), (socket.SO_RCVBUF, receive_buffer)):
            if size is not None:  # accepted connections inherit it
                self._listener.setsockopt(socket.SOL_SOCKET, option, size)
        if context is not None:
            context.sni_callback = lambda _, name, __: self.server_names.append(name)
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def numbers(self):
        """The connections that the requests came on, in the order of the requests."""
        return [request.connection for request in self.requests]

    def bodies(self):
        return [request.body for request in self.requests]

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in self.links:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(link.stream, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not self._problems, "\n".join(self._problems)

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return  # close() ended the listener
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.settimeout(PATIENCE)
            self._start(self._serve, stream)

    def _serve(self, stream):
        if self._context is not None:
            try:
                stream = self._context.wrap_socket(stream, server_side=True)
            except OSError as failure:
                self.handshake_failures.append(failure)
                stream.close()
                return
        with self._lock:
            link = Link(len(self.links), stream, self)
            self.links.append(link)
        try:
            self._script(link)
        except AssertionError as problem:
            self._problems.append(f"connection {link.number}: {problem}")
        except OSError:
            pass  # the gateway has ended the connection: the test tells whether that was right
        finally:
            stream.close()


@contextlib.contextmanager
def upstreams():
    """play(script, …): starts an Upstream; all are closed at the end."""
    started = []

    def play(*arguments, **options):
        started.append(Upstream(*arguments, **options))
        return started[-1]

    yield play
    for upstream in started:
        upstream.close()


@dataclass(frozen=True)
class Certificate:
    path: str
    key: str

    def context(self, version=None):
        """A server's context; `version`: that one only."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.path, self.key)
        if version is not None:
            made.minimum_version = made.maximum_version = version
        return made


class Authority:
    """Makes certificates in `folder` with the openssl command, signed by one of its own."""

    NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")

    def __init__(self, folder):
        self._folder = folder
        folder.mkdir()
        self._root = self.issue_self_signed("authority", "Headgate's test authority")
        self.path = self._root.path

    def issue(self, name, host="DNS:localhost", days=2):
        """A certificate for `host`; expired where `days` is negative."""
        made = self._names(name)
        request = self._folder / f"{name}.csr"
        self._openssl(
            "req", "-new", *self.NEW_KEY, "-subj", "/CN=provider", "-keyout", made.key,
            "-addext", f"subjectAltName={host}", "-out", request,
        )  # fmt: skip
        self._openssl(
            "x509", "-req", "-in", request, "-CA", self._root.path, "-CAkey", self._root.key,
            "-copy_extensions", "copy", "-days", days, "-out", made.path,
        )  # fmt: skip
        return made

    def issue_self_signed(self, name, subject="provider"):
        made = self._names(name)
        self._openssl(
            "req", "-x509", *self.NEW_KEY, "-subj", f"/CN={subject}", "-keyout", made.key,
            "-addext", "subjectAltName=DNS:localhost", "-days", 2, "-out", made.path,
        )  # fmt: skip
        return made

    def _names(self, name):
        return Certificate(str(self._folder / f"{name}.crt"), str(self._folder / f"{name}.key"))

    def _openssl(self, *arguments):
        done = subprocess.run(
            ["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stderr
