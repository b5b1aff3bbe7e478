"""Peers that are slow, silent, too many or gone: what they hold up is their own."""

import contextlib
import json
import os
import re
import select
import socket
import threading

import pytest
from support import process
from support.policy import CLIENT_KEY
from support.scripted_upstream import (
    CHAT,
    CHUNKED,
    DONE,
    EVENT_HEAD,
    LAST_CHUNK,
    PATIENCE,
    ask,
    chat_body,
    chunk,
    completion,
    event,
    http,
    outcome,
    serve_completions,
    text_of_size,
)
from support.waiting import Deadline, wait_for
from support.wire import Reader, connect, request_bytes

MIB = 1024 * 1024
BOUND = 8 * MIB  # what kernel buffers may hold of one stream, generously; ours is 64 KiB
MOST_HELD = 8 * MIB  # an unstreamed answer is held and judged up to this size
EVENT_BYTES = 16 * 1024
SMALL = 4096  # bytes; for the buffers of sockets


@pytest.fixture
def serve(play, start_gateway):
    """serve(upstream, **protect): one worker in front of it."""

    def begin(upstream, **protect):
        settings = ", ".join(f"{name}: {value}" for name, value in protect.items())
        extra = f"workers: 1\nprotect: {{{settings}}}"
        return start_gateway(upstream=upstream.address, extra=extra)

    return begin


class Endless:
    """A script: numbered events as fast as they are taken, `seed` of them, or until may_end."""

    def __init__(self):
        self.sent = {}  # user: bytes
        self.events = {}  # user: events
        self.ended = {}  # user: how
        self.may_end = threading.Event()

    def __call__(self, link):
        request = json.loads(link.request().body)
        user, limit = request["user"], request.get("seed", 1 << 40)
        self.sent[user] = self.events[user] = 0
        link.send(EVENT_HEAD + CHUNKED)
        try:
            while self.events[user] < limit and not self.may_end.is_set():
                piece = chunk(event(f"{self.events[user]}:" + "x" * EVENT_BYTES))
                while piece:  # in steps, so that what the gateway took is counted
                    taken = link.stream.send(piece)
                    self.sent[user] += taken
                    piece = piece[taken:]
                self.events[user] += 1
            link.send(chunk(event(finish="stop") + DONE), LAST_CHUNK)
            self.ended[user] = "whole"
        except ConnectionError:
            self.ended[user] = "cut"


@pytest.fixture
def endless(play):
    script = Endless()
    script.upstream = play(script, send_buffer=SMALL)
    yield script
    script.may_end.set()


@contextlib.contextmanager
def stalled_client(gateway, user):
    """A client that has read the head of an endless stream and reads no more."""
    with connect(gateway.address, receive_buffer=SMALL, seconds=PATIENCE) as link:
        body = chat_body(user=user, stream=True)
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=body))
        reader = Reader(link)
        yield reader, reader.head()


def numbers_in(body):
    return [int(number) for number in re.findall(rb'"content":"(\d+):x', body)]


def read_another_stream(gateway, user, events=2000):
    """32 MiB to a client that reads: the time in which a stream without bounds would have grown as
    much, for one worker serves both."""
    answer = ask(gateway, user=user, stream=True, seed=events)
    assert (answer.status, answer.ended) == (200, "last-chunk")
    assert numbers_in(answer.body) == list(range(events))


def resident_bytes(gateway):
    with open(f"/proc/{gateway.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) * 1024


def test_a_client_that_reads_nothing_stops_the_reading_from_the_provider(endless, serve):
    """Meanwhile other streams of the worker go on; later it finds every event, in order."""
    gateway = serve(endless.upstream)
    with stalled_client(gateway, "stalled") as (reader, head):
        read_another_stream(gateway, "first")
        read_another_stream(gateway, "second")
        sent = endless.sent["stalled"]

        endless.may_end.set()
        body = b"".join(reader.pieces(head))

    assert sent < BOUND
    assert (head.status, head.ended) == (200, "last-chunk")
    assert body.endswith(event(finish="stop") + DONE)
    assert numbers_in(body) == list(range(endless.events["stalled"]))
    assert len(body) >= sent - 64 * endless.events["stalled"]  # chunk sizes are not of the body


def test_memory_does_not_grow_with_what_clients_leave_unread(endless, serve):
    gateway = serve(endless.upstream)
    read_another_stream(gateway, "warm-up")
    before = resident_bytes(gateway)
    with contextlib.ExitStack() as clients:
        for number in range(8):
            clients.enter_context(stalled_client(gateway, f"stalled {number}"))
        read_another_stream(gateway, "first")
        early = resident_bytes(gateway)
        read_another_stream(gateway, "second")
        late = resident_bytes(gateway)

    assert max(endless.sent[f"stalled {number}"] for number in range(8)) < BOUND
    assert early - before < 32 * MIB  # eight times 32 MiB, had they been read
    assert late - early < 8 * MIB


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
def test_a_client_that_leaves_while_it_holds_the_provider_back_ends_the_attempt(
    endless, serve, is_reset
):
    gateway = serve(endless.upstream)
    with stalled_client(gateway, "stalled") as (reader, _):
        read_another_stream(gateway, "first")
        if is_reset:
            linger = (1).to_bytes(4, "little") + bytes(4)
            reader.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    wait_for(lambda: "stalled" in endless.ended, "the end of the upstream connection")
    assert endless.ended["stalled"] == "cut"
    rows = gateway.log.await_rows(lambda row: row["outcome"] == "client_gone", 1)
    assert rows[0]["output_tokens"] > 0


def as_sent(body, framing):
    """(pieces, fields) of a body with that framing."""
    if framing == "content-length":
        return [body], [("Content-Length", str(len(body)))]
    sizes = [1, 2, 4095, 4096, 16 * 1024, 64 * 1024 + 1, MIB]
    pieces, at = [], 0
    while at < len(body):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(chunk(body[at : at + size]))
        at += size
    return [*pieces, LAST_CHUNK], [("Transfer-Encoding", "chunked")]


each_framing = pytest.mark.parametrize("framing", ["content-length", "chunked"])


@each_framing
def test_a_large_answer_waits_upstream_for_a_client_that_reads_nothing(play, serve, framing):
    """One that is too large to be held goes through in a window. It comes whole when it is read."""
    given = completion(text_of_size(32 * MIB))
    pieces, fields = as_sent(given, framing)
    fields = [*fields, ("Content-Type", "application/json")]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    sent = {}

    def serve_counted(link):
        user = json.loads(link.request().body)["user"]
        link.send(b"HTTP/1.1 200 OK\r\n" + head.encode() + b"\r\n")
        for piece in pieces:
            for at in range(0, len(piece), EVENT_BYTES):
                link.send(piece[at : at + EVENT_BYTES])
                sent[user] = sent.get(user, 0) + EVENT_BYTES
        link.rest()

    gateway = serve(play(serve_counted, send_buffer=SMALL))
    with connect(gateway.address, receive_buffer=64 * 1024, seconds=PATIENCE) as link:
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body(user="slow")))
        reader = Reader(link)
        answer = reader.head()

        other = ask(gateway, user="quick")
        sent_while_stalled = sent["slow"]
        body = b"".join(reader.pieces(answer))

    assert sent_while_stalled < MOST_HELD + BOUND
    assert other.ended == answer.ended == ("last-chunk" if framing == "chunked" else "length")
    assert [body == given, other.body == given] == [True, True]


def upload(gateway, pieces, *, headers=()):
    """Sends as far as the gateway takes it, then reads the answer."""
    with connect(gateway.address, seconds=PATIENCE) as link:
        fields = [("Content-Type", "application/json"), *headers]
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, headers=fields))
        with contextlib.suppress(ConnectionError):  # it may refuse before it has all
            for piece in pieces:
                link.sendall(piece)
        return Reader(link).answer()


@each_framing
def test_a_body_of_20_mib_goes_up_byte_for_byte(play, serve, framing):
    body = chat_body(messages=[{"role": "user", "content": text_of_size(20 * MIB)}])
    upstream = play(receive_buffer=SMALL)
    pieces, fields = as_sent(body, framing)

    answer = upload(serve(upstream), pieces, headers=fields)

    assert (answer.status, answer.body) == (200, completion())
    assert [sent == body for sent in upstream.bodies()] == [True]


@each_framing
def test_a_body_of_33_mib_is_refused(play, serve, framing):
    upstream = play()
    pieces, fields = as_sent(chat_body(user="x" * (33 * MIB)), framing)

    answer = upload(serve(upstream), pieces, headers=fields)

    assert outcome(answer) == (413, "request_too_large")
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("begun", "field"),
    [
        (b"", ("Content-Length", "100")),
        (b'{"model": ', ("Content-Length", "100")),
        (b"", ("Transfer-Encoding", "chunked")),
        (chunk(b'{"model": ')[:-3], ("Transfer-Encoding", "chunked")),
    ],
)
def test_a_body_that_stalls_is_a_408(play, serve, begun, field):
    upstream = play()
    gateway = serve(upstream, body_idle_timeout="300ms")

    answer = upload(gateway, [begun], headers=[field])

    assert outcome(answer) == (408, "request_timeout")
    assert answer.headers["connection"] == "close"
    assert upstream.requests == []


def test_a_head_that_trickles_in_ends_with_the_header_timeout(serve, play):
    """Every byte comes soon after the one before: the bound is on the whole head."""
    gateway = serve(play(), header_timeout="300ms")
    head = request_bytes("GET", "/healthz", headers=[("x-long", "a" * 8000)])
    deadline = Deadline()
    with connect(gateway.address) as link:
        sent = 0
        while not select.select([link], [], [], 0.01)[0]:
            assert not deadline.is_over() and sent < len(head) - 4
            link.send(head[sent : sent + 1])
            sent += 1
        reader = Reader(link)
        answer = reader.answer()

        assert outcome(answer) == (408, "request_timeout")
        assert reader.is_closed()


def test_a_connection_that_never_begins_is_closed(play, serve):
    gateway = serve(play(), header_timeout="300ms")

    with connect(gateway.address) as link:
        assert Reader(link).is_closed()


def healthz(link):
    link.sendall(request_bytes("GET", "/healthz"))
    return Reader(link).answer().status


def test_an_idle_connection_is_closed_but_not_one_that_waits_for_its_answer(play, serve):
    may_answer = threading.Event()

    def serve_late(link):
        link.request()
        assert may_answer.wait(PATIENCE)
        link.send(http(completion()))

    upstream = play(serve_late)
    gateway = serve(upstream, keepalive_timeout="300ms")
    with connect(gateway.address) as waiting, connect(gateway.address) as idle:
        assert healthz(waiting) == 200
        waiting.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body()))
        wait_for(lambda: upstream.requests, "the request to reach the provider")

        assert healthz(idle) == 200
        assert Reader(idle).is_closed()  # more than 300 ms after the other's request
        may_answer.set()
        answer = Reader(waiting).answer()

    assert (answer.status, answer.body) == (200, completion())


def await_served(address, **options):
    """A new connection that is served, as soon as there is room for one."""

    def attempt():
        link = socket.create_connection(address, PATIENCE, **options)
        with contextlib.suppress(AssertionError, ConnectionError):
            if healthz(link) == 200:
                return link
        return link.close()

    return wait_for(attempt, "a connection that is served")


@pytest.mark.parametrize("setting", ["max_connections", "max_connections_per_ip"])
def test_surplus_connections_are_refused_until_there_is_room(play, serve, setting):
    gateway = serve(play(), **{setting: 3})
    host, port = gateway.address.rsplit(":", 1)
    with contextlib.ExitStack() as clients:
        open_ones = [clients.enter_context(connect(gateway.address)) for _ in range(3)]
        assert [healthz(link) for link in open_ones] == [200] * 3

        for _ in range(5):
            with connect(gateway.address) as surplus:
                reader = Reader(surplus)
                assert outcome(reader.answer()) == (503, "overloaded")
                assert reader.is_closed()
        if setting == "max_connections_per_ip":  # the bound is not on others
            await_served((host, int(port)), source_address=("127.0.0.2", 0)).close()
        assert [healthz(link) for link in open_ones] == [200] * 3

        open_ones[0].close()
        clients.enter_context(await_served((host, int(port))))


def test_the_refusal_of_a_surplus_connection_has_a_request_id(play, serve):
    gateway = serve(play(), max_connections=1)

    with connect(gateway.address) as only, connect(gateway.address) as surplus:
        assert healthz(only) == 200
        assert Reader(surplus).answer().headers["x-request-id"].startswith("req_")


@pytest.mark.skipif(
    os.environ.get("HEADGATE_SANITIZER") == "asan", reason="UBSan needs descriptors of its own"
)
def test_without_descriptors_accepting_pauses_for_a_while(play, serve, tmp_path, monkeypatch):
    limit = 48
    limited = tmp_path / "limited"
    limited.write_text(f'#!/bin/sh\nulimit -n {limit}\nexec "{process.BINARY}" "$@"\n')
    limited.chmod(0o755)
    monkeypatch.setattr(process, "BINARY", str(limited))
    gateway = serve(play(serve_completions))
    with contextlib.ExitStack() as clients:
        links = [clients.enter_context(connect(gateway.address)) for _ in range(2 * limit)]
        descriptors = f"/proc/{gateway.pid}/fd"
        wait_for(lambda: len(os.listdir(descriptors)) == limit, "the last descriptor")
        first, last = links[0], links[-1]

        assert [healthz(first) for _ in range(3)] == [200] * 3
        first.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body()))
        refused = Reader(first).answer()
        last.sendall(request_bytes("GET", "/healthz"))  # waits to be accepted
        for link in links[:-1]:
            link.close()
        served = Reader(last).answer()

    assert outcome(refused) == (503, "upstream_unavailable")
    assert "out of descriptors" in wait_for(lambda: gateway.stderr, "a line in the log")
    assert served.status == 200
    assert outcome(ask(gateway)) == (200, None)
