"""The gateway under test as a process, and a raw client of it.

HEADGATE_BINARY    the binary (build/release/headgate where unset)
HEADGATE_SLOWDOWN  a factor on every bound of time, for sanitized binaries
"""

import json
import os
import pathlib
import selectors
import signal
import socket
import subprocess

import wire
from case import CLIENT_KEY, Await
from upstream import KEY

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("HEADGATE_BINARY", str(ROOT / "build/release/headgate"))
DEADLINE = 10 * float(os.environ.get("HEADGATE_SLOWDOWN", "1"))  # seconds; for what comes at once

# One worker, so that an exchange which was answered is over before the next begins.
POLICY = """\
listen: 127.0.0.1:0
admin: {{listen: none}}
workers: 1
protect: {{max_json: 64KiB, header_timeout: 2s, body_idle_timeout: 2s}}
log: {{access: none}}
providers:
  rec:
    kind: openai-compatible
    base_url: "http://127.0.0.1:{port}/v1"
    api_key: {upstream_key}
# One attempt an exchange: what is judged is one answer.
routes: [{{name: all, model: "*", targets: [{{provider: rec}}], retry: {{attempts: 1}},
  breaker: {{failures: 100, window: 1ms}}}}]
projects:
  demo:
    keys: [{{name: k, key: "{client_key}"}}]
"""
MAX_JSON = 64 * 1024


class Gateway:
    """`headgate serve` in front of one upstream, until stop()."""

    def __init__(self, folder, upstream_port):
        policy = folder / "policy.yaml"
        policy.write_text(
            POLICY.format(port=upstream_port, upstream_key=KEY, client_key=CLIENT_KEY.decode())
        )
        self.log = folder / "stderr.log"
        with self.log.open("wb") as log:
            self._child = subprocess.Popen(
                [BINARY, "serve", "--config", str(policy)],
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
            )
        ready = self._ready_line()
        host, _, port = ready["listen"][0].rpartition(":")
        self.address = (host, int(port))

    def _ready_line(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stdout, selectors.EVENT_READ)
            line = self._child.stdout.readline() if selector.select(DEADLINE) else b""
        if not line:
            self._child.kill()
            self._child.wait()
            raise AssertionError(f"no ready line; stderr: {self.log.read_text()}")
        ready = json.loads(line)
        assert ready["event"] == "ready", ready
        return ready

    def stop(self):
        """Drains; gives the exit code."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
        try:
            return self._child.wait(4 * DEADLINE)
        finally:
            self._child.kill()
            self._child.stdout.close()


class Client:
    """One raw connection. Every wait is bounded by DEADLINE."""

    def __init__(self, address):
        self._socket = socket.create_connection(address, DEADLINE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = wire.Reader(self._more)
        self.received = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _more(self):
        try:
            data = self._socket.recv(65536)
        except ConnectionResetError:
            return b""  # a gateway that closes with bytes unread resets; what it said came before
        self.received += data
        return data

    def send(self, data, piece=None):
        """Sends in pieces of `piece` bytes, each a packet; stops where the gateway has closed."""
        piece = piece or len(data) or 1
        try:
            for at in range(0, len(data), piece):
                self._socket.sendall(data[at : at + piece])
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answers that were read tell whether that was right

    def end(self):
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as problem:
            if not isinstance(problem, ConnectionError) and problem.errno != 107:  # ENOTCONN
                raise

    def answer(self, is_to_head=False):
        return wire.read_answer(self._reader, is_to_head)

    def wait_for(self, data):
        """Reads ahead until `data` has come, or the end."""
        while data not in self.received and self._reader.fill():
            pass

    def has_more(self):
        return self._reader.has_more()


class Transcript:
    """What came of a case: the final answers, and how the connection stood behind them."""

    def __init__(self):
        self.answers = []
        self.interim = []
        self.closed = False
        self.surplus = False  # bytes behind the last answer that no request asked for
        self.probe = None  # the answer to a further request on an open connection


PROBE = b"GET /healthz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"


def _next_answer(client, transcript, is_to_head):
    """Reads one answer, also an interim one; None at the end of the connection."""
    try:
        answer = client.answer(is_to_head)
    except wire.Ended as end:
        assert end.between, "the gateway's answer was cut inside its head"
        return None
    is_final = answer.start[0] >= 200
    (transcript.answers if is_final else transcript.interim).append(answer)
    return answer


def _final_answers(client, transcript, case):
    """Reads until all answers that the case expects are there, or the connection has ended."""
    while len(transcript.answers) < len(case.answers):
        if _next_answer(client, transcript, case.is_head) is None:
            transcript.closed = True
            return


def _probe(client, transcript):
    """An open connection has to be in step: it answers one request more, then ends."""
    client.send(PROBE)
    transcript.probe = _next_answer(client, Transcript(), False)
    transcript.closed = transcript.probe is None
    transcript.surplus = client.has_more()


def run(address, case, piece=None):
    """Plays a case against a gateway; `piece` cuts what is sent into packets of that size."""
    transcript = Transcript()
    with Client(address) as client:
        for step in case.steps:
            if isinstance(step, bytes):
                client.send(step, piece)
                continue
            assert isinstance(step, Await)
            answer = _next_answer(client, transcript, case.is_head)
            if answer is None or answer.start[0] != step.status:
                break
        if case.half_close:
            client.end()
        _final_answers(client, transcript, case)
        if transcript.closed:
            return transcript
        if case.closed:
            transcript.surplus = client.has_more()
            transcript.closed = not transcript.surplus
        else:
            _probe(client, transcript)
    return transcript

