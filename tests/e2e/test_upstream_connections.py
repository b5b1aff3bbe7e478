"""Connections to providers: kept, lost, refused, never come; and the limits on the clients' own."""

import contextlib
import json
import socket
import threading

import pytest
from support.policy import CLIENT_KEY, UPSTREAM_KEY
from support.routes import route, routes
from support.scripted_upstream import (
    CHAT,
    CHUNKED,
    DONE,
    EVENT_HEAD,
    LAST_CHUNK,
    ask,
    chat_body,
    chunk,
    completion,
    event,
    http,
    outcome,
    serve_completions,
)
from support.waiting import wait_for
from support.wire import Reader, connect, request_bytes

ANSWER = http(completion())
STREAM = event("Hello") + event(finish="stop") + DONE
UNAVAILABLE = (503, "upstream_unavailable")


@pytest.fixture
def serve(play, start_gateway):
    """serve(a=address, b=address, …): one worker in front of these providers, in this order."""

    def begin(**addresses):
        providers = "".join(
            f"""
  {name}:
    kind: openai-compatible
    base_url: http://{address}/v1
    api_key: {UPSTREAM_KEY}
    models: [{name}-*, gpt-*]
"""
            for name, address in addresses.items()
        )
        # Each provider once: what is seen is what one attempt does.
        once = route(*addresses, retry={"attempts": len(addresses)})
        return start_gateway(providers=providers, extra="workers: 1\n" + routes(once))

    return begin


def test_a_connection_serves_one_request_after_another(play, serve):
    upstream = play()
    gateway = serve(a=upstream.address)
    users = [f"number {number}" for number in range(10)]

    outcomes = [outcome(ask(gateway, user=user)) for user in users]

    assert outcomes == [(200, None)] * 10
    assert upstream.numbers() == [0] * 10
    assert upstream.bodies() == [chat_body(user=user) for user in users]


@pytest.mark.parametrize(
    "pieces",
    [
        [EVENT_HEAD + CHUNKED + chunk(STREAM) + LAST_CHUNK],
        [EVENT_HEAD + CHUNKED, chunk(STREAM), LAST_CHUNK],
        [EVENT_HEAD + CHUNKED + chunk(STREAM)[:-2], b"\r\n" + LAST_CHUNK],
    ],
    ids=["one piece", "last chunk apart", "last line end apart"],
)
def test_a_connection_serves_streams_and_plain_requests_in_turn(play, serve, pieces):
    sent = threading.Semaphore(0)

    def serve_both(link):
        while request := link.request():
            link.send(*pieces if json.loads(request.body).get("stream") else [ANSWER])
            sent.release()

    def ask_and_await_all(**changes):
        """The client has its answer before the provider's last chunk has come."""
        answer = ask(gateway, **changes)
        assert sent.acquire(timeout=60)
        return answer.body

    upstream = play(serve_both)
    gateway = serve(a=upstream.address)

    bodies = [ask_and_await_all(stream=is_stream) for is_stream in (True, False, True, False)]

    assert bodies == [STREAM, completion()] * 2
    assert upstream.numbers() == [0] * 4


IDLE_ENDINGS = {
    "closed": lambda link: link.end_writing(),
    "reset": lambda link: link.reset(),
    "stray byte": lambda link: link.send(b"\n"),
    "stray answer": lambda link: link.send(http(b"{}", status=b"408 Request Timeout")),
}


@pytest.mark.parametrize("ending", IDLE_ENDINGS.values(), ids=IDLE_ENDINGS)
def test_an_idle_connection_with_bytes_or_an_end_to_tell_is_not_used(play, serve, ending):
    is_answered, ended = threading.Event(), threading.Event()
    leftovers = []

    def serve_one(link):
        if link.number > 0:
            return serve_completions(link)
        link.request()
        link.send(http(completion("first")))
        is_answered.wait(60)
        ending(link)
        ended.set()
        leftovers.append(link.rest() if link.stream.fileno() >= 0 else b"")

    upstream = play(serve_one)
    gateway = serve(a=upstream.address)

    first = ask(gateway, user="first")
    is_answered.set()
    assert ended.wait(60)
    second = ask(gateway, user="second")

    assert (first.body, second.body) == (completion("first"), completion())
    assert second.headers["x-headgate-attempts"] == "1"
    assert upstream.numbers() == [0, 1]
    assert upstream.bodies() == [chat_body(user="first"), chat_body(user="second")]
    wait_for(lambda: leftovers, "the end of the first connection")
    assert leftovers == [b""]


def test_bytes_behind_an_answer_are_no_answer_to_the_next_request(play, serve):
    def serve_one(link):
        if link.number > 0:
            return serve_completions(link)
        link.request()
        link.send(http(completion("first")) + http(completion("smuggled")))
        link.rest()

    upstream = play(serve_one)
    gateway = serve(a=upstream.address)

    bodies = [ask(gateway).body for _ in range(2)]

    assert bodies == [completion("first"), completion()]
    assert upstream.numbers() == [0, 1]


DEATHS = {"closed": lambda link: None, "reset": lambda link: link.reset()}


def dies_on_second_request(death, words=b""):
    """Connection 0 answers once, takes another request, says `words` and dies."""

    def script(link):
        if link.number > 0:
            return serve_completions(link)
        link.request()
        link.send(ANSWER)
        link.request()
        link.send(words)
        death(link)

    return script


@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS)
def test_a_kept_connection_that_dies_on_a_request_costs_the_client_nothing(play, serve, death):
    upstream = play(dies_on_second_request(death))
    gateway = serve(a=upstream.address)

    ask(gateway, user="first")
    answer = ask(gateway, user="second")

    assert (answer.status, answer.body) == (200, completion())
    assert answer.headers["x-headgate-attempts"] == "1"
    assert upstream.numbers() == [0, 0, 1]
    assert upstream.bodies()[1:] == [chat_body(user="second")] * 2


def test_a_request_is_repeated_on_a_fresh_connection_only_once(play, serve):
    def serve_one(link):
        link.request()
        if link.number == 0:
            link.send(ANSWER)
            link.request()

    upstream = play(serve_one)
    gateway = serve(a=upstream.address)

    outcomes = [outcome(ask(gateway)) for _ in range(2)]

    assert outcomes == [(200, None), UNAVAILABLE]
    assert upstream.numbers() == [0, 0, 1]


@pytest.mark.parametrize("words", [b"H", b"HTTP/1.1 200 OK\r\n", ANSWER[:-1]])
def test_a_kept_connection_that_dies_after_an_answer_byte_is_not_repeated(play, serve, words):
    upstream = play(dies_on_second_request(DEATHS["closed"], words))
    gateway = serve(a=upstream.address)

    outcomes = [outcome(ask(gateway)) for _ in range(2)]

    assert outcomes == [(200, None), UNAVAILABLE]
    assert upstream.numbers() == [0, 0]


@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS)
def test_a_fresh_connection_that_dies_is_not_repeated_on_the_same_target(play, serve, death):
    """Alone it is an error; else the next provider is asked."""
    dead, alive = play(lambda link: (link.request(), death(link))), play()

    alone = ask(serve(a=dead.address))
    moved = ask(serve(a=dead.address, b=alive.address))

    assert outcome(alone) == UNAVAILABLE
    assert (moved.status, moved.headers["x-headgate-provider"]) == (200, "b")
    assert moved.headers["x-headgate-attempts"] == "2"
    assert dead.bodies() == [chat_body()] * 2
    assert alive.bodies() == [chat_body()]


@contextlib.contextmanager
def nobody_listens():
    with socket.socket() as reserved:  # bound, so that no one else gets the port
        reserved.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{reserved.getsockname()[1]}"


@contextlib.contextmanager
def black_hole():
    """A listener whose queue is full: a further connect is never answered."""
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = open_sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"




@pytest.mark.parametrize(
    ("place", "wanted", "reason"),
    [
        (nobody_listens, UNAVAILABLE, "connect: Connection refused"),
        (black_hole, (504, "upstream_timeout"), "connect timed out"),
    ],
)
def test_a_provider_that_cannot_be_reached(play, serve, place, wanted, reason):
    """Alone it is an error, whose reason only the operator learns; else the next one is asked."""
    alive = play()
    with place() as address:
        alone = serve(a=address)
        answer = ask(alone)
        moved = ask(serve(a=address, b=alive.address))

    assert outcome(answer) == wanted
    assert "127.0.0.1" not in json.dumps(answer.headers) + answer.body.decode()
    assert f"provider a: {reason}" in wait_for(lambda: alone.stderr, "a line in the log")
    assert (moved.status, moved.headers["x-headgate-provider"]) == (200, "b")


def test_host_names_are_looked_up(play, serve):
    upstream = play()

    answer = ask(serve(a=f"localhost:{upstream.port}"))

    assert (answer.status, answer.body) == (200, completion())
    assert upstream.requests[0].headers["host"] == f"localhost:{upstream.port}"


def test_an_unknown_host_name_hurts_no_other_request_of_the_worker(play, serve):
    may_end = threading.Event()

    def stream(link):
        link.request()
        link.send(EVENT_HEAD + CHUNKED, chunk(event("Hello")))
        may_end.wait(60)
        link.send(chunk(event(finish="stop") + DONE), LAST_CHUNK)

    gateway = serve(a="does-not-exist.invalid", b=play(stream).address)
    with connect(gateway.address) as link:
        body = chat_body(model="b-1", stream=True)
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=body))
        head = (reader := Reader(link)).head()
        pieces = reader.pieces(head)
        began = next(pieces)

        unknown = ask(gateway, model="a-1")
        may_end.set()
        ended = b"".join(pieces)

    assert outcome(unknown) == UNAVAILABLE
    assert "does-not-exist" not in json.dumps(unknown.headers) + unknown.body.decode()
    log = wait_for(lambda: gateway.stderr, "a line in the operator's log")
    assert "provider a: " in log and "does-not-exist.invalid" in log
    assert (head.ended, began + ended) == ("last-chunk", STREAM)


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </secret>; rel=preload\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [CONTINUE + ANSWER],
        [HINTS[:30], HINTS[30:] + HINTS, CONTINUE, ANSWER[:10], ANSWER[10:]],
        [bytes([byte]) for byte in CONTINUE + HINTS + ANSWER],
    ],
    ids=["one piece", "cut", "byte by byte"],
)
def test_interim_answers_are_skipped(play, serve, pieces):
    def serve_in_pieces(link):
        while link.request():
            link.send(*pieces)

    upstream = play(serve_in_pieces)
    gateway = serve(a=upstream.address)

    answers = [ask(gateway) for _ in range(2)]

    assert [(answer.status, answer.body) for answer in answers] == [(200, completion())] * 2
    assert all("link" not in answer.headers for answer in answers)
    assert upstream.numbers() == [0, 0]


LARGE = "x" * (12 * 1024 * 1024)


def test_an_interim_answer_does_not_end_the_sending_of_a_body(play, serve):
    """It comes while the gateway waits for the provider to take more."""

    def serve_one(link):
        fields = link.head()
        link.send(CONTINUE)
        link.body_of(fields)
        link.send(ANSWER)

    upstream = play(serve_one, receive_buffer=16 * 1024)

    answer = ask(serve(a=upstream.address), user=LARGE)

    assert (answer.status, answer.body) == (200, completion())
    assert [body == chat_body(user=LARGE) for body in upstream.bodies()] == [True]


@pytest.mark.parametrize("is_closed", [False, True], ids=["left open", "closed"])
def test_an_answer_before_the_body_was_taken_passes(play, serve, is_closed):
    error = {"message": "Too much.", "type": "invalid_request_error", "param": None, "code": "big"}
    given = json.dumps({"error": error}).encode()
    is_told = threading.Event()

    def refuse(link):
        if link.number > 0:
            return serve_completions(link)
        link.head()
        link.send(http(given, status=b"413 Content Too Large"))
        if not is_closed:
            is_told.wait(60)

    upstream = play(refuse, receive_buffer=16 * 1024)
    gateway = serve(a=upstream.address)

    answer = ask(gateway, user=LARGE)
    is_told.set()
    after = ask(gateway)

    assert (answer.status, json.loads(answer.body)) == (413, {"error": error})
    assert (after.status, upstream.numbers()) == (200, [1])


def test_an_answer_in_pieces_of_one_byte_comes_through(play, serve):
    streamed_bytes = EVENT_HEAD + CHUNKED + chunk(STREAM[:70]) + chunk(STREAM[70:]) + LAST_CHUNK

    def serve_both(link):
        while request := link.request():
            is_stream = json.loads(request.body).get("stream")
            link.send(*(bytes([byte]) for byte in (streamed_bytes if is_stream else ANSWER)))

    upstream = play(serve_both)
    gateway = serve(a=upstream.address)

    plain, streamed = ask(gateway), ask(gateway, stream=True)

    assert (plain.status, plain.body) == (200, completion())
    assert (streamed.body, streamed.ended) == (STREAM, "last-chunk")
    assert upstream.numbers() == [0, 0]
