"""A provider that records every byte it gets, and answers a small valid chat completion or what a
test tells it to."""

import json
import socket
import threading
from dataclasses import dataclass

import wire

PATIENCE = 60  # seconds; for a test that has failed and does not call go_on()
KEY = "test-upstream-key-000000"
COMPLETION = json.dumps(
    {
        "id": "chatcmpl-123",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-5-mini",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "ok", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9},
    }
).encode()

# What may go up (the contract's allow-list), and the fields of the connection itself.
ALLOWED_FIELDS = {
    "host", "connection", "content-type", "content-length", "transfer-encoding", "accept",
    "accept-encoding", "authorization", "user-agent", "idempotency-key", "traceparent",
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """A request as the upstream must have received it."""

    body: bytes
    method: str = "POST"
    target: str = "/v1/chat/completions"


@dataclass(frozen=True)
class Script:
    """What to answer: the bytes as they are, then whether to end the connection. `then` follows
    when the test has called go_on()."""

    raw: bytes
    closes: bool = False
    then: bytes | None = None


def http(body, fields=b"", line=b"HTTP/1.1 200 OK"):
    """A well-formed answer of a provider."""
    return b"%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s" % (
        line, len(body), fields, body,
    )  # fmt: skip


class RecordingUpstream:
    """Listens on a free loopback port until close(). Thread-safe."""

    def __init__(self, forbidden=b""):
        """`forbidden` may stand nowhere in what comes in: the client's key."""
        self._forbidden = forbidden
        self._lock = threading.Lock()
        self._seen = []
        self._violations = []
        self._script = None
        self._may_go_on = threading.Event()
        self._connections = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def play(self, script):
        """Answers what comes with `script`; None: with a completion."""
        with self._lock:
            self._script = script
        self._may_go_on.clear()

    def go_on(self):
        """The client has what was sent so far: the rest of the script may follow."""
        self._may_go_on.set()

    def take(self):
        """What came since the last call: the requests, and whatever was not one."""
        with self._lock:
            seen, self._seen = self._seen, []
            violations, self._violations = self._violations, []
        return seen, violations

    def close(self):
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # close() ended the listener
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        received = bytearray()

        def more():
            try:
                data = connection.recv(65536)
            except OSError:
                return b""  # a reset ends the bytes as a close does
            received.extend(data)
            return data

        reader = wire.Reader(more)
        try:
            while self._answer(connection, reader, received):
                received.clear()
        except wire.Ended as end:
            if not end.between:
                self._violate(f"a request that ended early: {bytes(received)[:200]!r}")
        except wire.Malformed as problem:
            self._violate(f"{problem}: {bytes(received)[:200]!r}")
        except OSError:
            pass  # the gateway has gone while it was answered: some tests are about that
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _answer(self, connection, reader, received):
        request = wire.read_request(reader)
        problems = self._problems_of(request, bytes(received))
        with self._lock:
            self._seen.append(Seen(request.body, *request.start))
            self._violations += problems
            script = self._script or Script(http(COMPLETION))
        connection.sendall(script.raw)
        if script.then is not None and self._may_go_on.wait(PATIENCE):
            connection.sendall(script.then)
        return request.keeps_alive() and not script.closes

    def _problems_of(self, request, received):
        names = [name for name, _ in request.fields]
        wanted = {
            "host": f"127.0.0.1:{self.port}",
            "authorization": f"Bearer {KEY}",
        }
        problems = [f"field {name} went up" for name in set(names) - ALLOWED_FIELDS]
        problems += [f"repeated {name}" for name in set(names) if names.count(name) > 1]
        problems += [
            f"{name}: {request.value(name)!r} instead of {value!r}"
            for name, value in wanted.items()
            if request.value(name) != value
        ]
        if request.value("accept-encoding") not in (None, "identity"):
            problems.append("a coded answer was asked for")
        if request.start[0] == "POST" and request.framing == "none":
            problems.append("a POST without framing")
        if self._forbidden and self._forbidden in received:
            problems.append("the client's key went up")
        return problems

    def _violate(self, problem):
        with self._lock:
            self._violations.append(problem)
