"""How long a client waits, and what its leaving does."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import openai
import pytest
from support.one_route import QUESTION, USAGE, WHOLE, ask_with, asking, breaker_of, serving
from support.routes import (
    always,
    attempts,
    error,
    last_rows,
    providers,
    route,
    routes,
    stay_silent,
)
from support.scripted_upstream import (
    CHUNKED,
    DONE,
    EVENT_HEAD,
    LAST_CHUNK,
    chunk,
    event,
    outcome,
)
from support.waiting import wait_for
from support.wire import Reader


@pytest.fixture
def serve(start, tmp_path):
    return serving(start, tmp_path)


# Patience.


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    "header",
    [
        ("x-headgate-timeout", "300ms"),
        ("x-stainless-read-timeout", "0.3"),
        ("x-stainless-timeout", "0.3"),
    ],
    ids=["ours", "python", "node"],
)
def test_a_clients_patience_ends_a_wait_that_the_route_would_go_on_with(
    play, serve, header, stream
):
    first, second = play(stay_silent), play()
    gateway = serve({"first": first.address, "second": second.address}, breaker={"failures": 1})

    answer = ask_with(gateway, header, stream=stream)

    assert outcome(answer) == (504, "upstream_timeout")
    assert breaker_of(gateway, "first") == "closed"
    (row,) = last_rows(gateway)
    assert attempts(row) == [("first", None, "timeout")]
    assert second.requests == []


def test_a_client_may_not_ask_for_more_patience_than_the_route_has(play, serve):
    gateway = serve({"only": play(stay_silent).address}, timeouts={"first_byte": "200ms"})

    answer = ask_with(gateway, ("x-headgate-timeout", "600s"), ("x-stainless-read-timeout", "3600"))

    assert outcome(answer) == (504, "upstream_timeout")


@pytest.mark.parametrize("deadline", ["500ms", "20s", "2m", "1h", "1d"])
def test_a_deadline_is_spelled_like_every_duration(play, serve, deadline):
    answer = ask_with(serve({"only": play().address}), ("x-headgate-timeout", deadline))

    assert outcome(answer) == (200, None)


def test_a_silence_inside_a_stream_ends_with_the_clients_patience(play, serve):
    def one_event(link):
        link.request()
        link.send(EVENT_HEAD + CHUNKED, chunk(event("Hello")))
        link.rest()

    gateway = serve({"only": play(one_event).address}, breaker={"failures": 1})

    answer = ask_with(gateway, ("x-stainless-read-timeout", "0.3"), stream=True)

    assert answer.ended == "cut"
    assert b"upstream_interrupted" in answer.body
    assert breaker_of(gateway, "only") == "closed"
    (row,) = last_rows(gateway)
    assert attempts(row) == [("only", 200, "timeout")]


def test_the_python_client_tells_its_patience(play, serve, make_client):
    """The client gives up first or is told first: either way the target is not to blame."""
    upstream = play(stay_silent)
    gateway = serve({"only": upstream.address}, breaker={"failures": 1})

    with pytest.raises((openai.APITimeoutError, openai.InternalServerError)):
        make_client(gateway, timeout=0.4).chat.completions.create(
            model="gpt-5-mini", messages=QUESTION
        )

    assert breaker_of(gateway, "only") == "closed"
    (row,) = last_rows(gateway)
    assert row["attempts"][0]["reason"] in ("timeout", "client_gone")
    assert not [name for name in upstream.requests[0].headers if name.startswith("x-")]


def test_a_clients_deadline_spans_all_attempts(play, serve):
    """The first target uses up part of it by the route's own time-out, the second the rest."""
    first, second, third = play(stay_silent), play(stay_silent), play()
    gateway = serve(
        {"first": first.address, "second": second.address, "third": third.address},
        timeouts={"first_byte": "600ms"},
    )

    answer = ask_with(gateway, ("x-headgate-timeout", "900ms"))

    assert outcome(answer) == (504, "upstream_timeout")
    (row,) = last_rows(gateway)
    assert attempts(row) == [("first", None, "timeout"), ("second", None, "timeout")]
    assert third.requests == []


# Clients that leave.


def test_a_stream_is_read_to_its_end_for_a_client_that_has_left(play, serve):
    has_left = threading.Event()

    def script(link):
        link.request()
        link.send(EVENT_HEAD + CHUNKED, chunk(event("Hello")))
        assert has_left.wait(60)
        link.send(*(chunk(event(" and on")) for _ in range(20)))
        link.send(chunk(event(finish="stop")), chunk(USAGE), chunk(DONE), LAST_CHUNK)

    gateway = serve({"only": play(script).address}, on_client_gone="finish")
    with asking(gateway, stream=True) as link:
        reader = Reader(link)
        head = reader.head()
        next(reader.pieces(head))
    has_left.set()

    (row,) = last_rows(gateway)
    assert (row["outcome"], row["estimated"]) == ("client_gone", False)
    assert (row["input_tokens"], row["output_tokens"]) == (11, 7)
    assert Decimal(row["cost_usd"]) > 0


def test_a_busy_stream_is_read_to_its_end_too(play, serve):
    """The client leaves while events are on their way: the gateway learns of it as it sends."""
    clients = 30

    def script(link):
        while link.request():
            link.send(EVENT_HEAD + CHUNKED, *(chunk(event("more")) for _ in range(3000)))
            link.send(chunk(event(finish="stop")), chunk(USAGE), chunk(DONE), LAST_CHUNK)

    gateway = serve({"only": play(script).address}, on_client_gone="finish")

    def leave(_):
        with asking(gateway, stream=True) as link:
            reader = Reader(link)
            next(reader.pieces(reader.head()))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(leave, range(clients)))

    rows = last_rows(gateway)
    assert len(rows) == clients
    told = [(row["outcome"], row["estimated"], row["output_tokens"]) for row in rows]
    assert told == [("client_gone", False, 7)] * clients


def test_a_plain_answer_is_read_to_its_end_for_a_client_that_has_left(play, serve):
    asked, has_left = threading.Event(), threading.Event()

    def script(link):
        link.request()
        asked.set()
        assert has_left.wait(60)
        link.send(WHOLE)

    gateway = serve({"only": play(script).address}, on_client_gone="finish")
    with asking(gateway):
        assert asked.wait(20)
    has_left.set()

    (row,) = last_rows(gateway)
    assert (row["outcome"], row["estimated"]) == ("client_gone", False)
    assert (row["input_tokens"], row["output_tokens"]) == (8, 1)
    assert attempts(row)[0][:2] == ("only", 200)


def test_a_failure_after_the_client_has_left_goes_to_no_second_target(play, serve):
    asked, has_left = threading.Event(), threading.Event()

    def script(link):
        link.request()
        asked.set()
        assert has_left.wait(60)
        link.send(error(503))

    second = play()
    gateway = serve(
        {"first": play(script).address, "second": second.address}, on_client_gone="finish"
    )
    with asking(gateway):
        assert asked.wait(20)
    has_left.set()

    (row,) = last_rows(gateway)
    assert row["outcome"] == "client_gone"
    assert [provider for provider, _, _ in attempts(row)] == ["first"]
    assert second.requests == []


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("settings", [{}, {"on_client_gone": "cancel"}], ids=["default", "cancel"])
def test_the_provider_is_told_when_the_client_has_left(play, serve, stream, settings):
    begun, is_cancelled = threading.Event(), threading.Event()

    def script(link):
        link.request()
        if stream:
            link.send(EVENT_HEAD + CHUNKED, chunk(event("Hello")))
        begun.set()
        link.rest()
        is_cancelled.set()

    gateway = serve({"only": play(script).address}, **settings)
    with asking(gateway, stream=stream) as link:
        assert begun.wait(20)
        if stream:
            reader = Reader(link)
            next(reader.pieces(reader.head()))

    assert is_cancelled.wait(20)
    assert breaker_of(gateway, "only") == "closed"
    (row,) = last_rows(gateway)
    assert (row["outcome"], row["estimated"]) == ("client_gone", True)
    assert attempts(row) == [("only", 200 if stream else None, "client_gone")]


def test_nothing_is_repeated_for_a_client_that_left_during_a_backoff(play, serve):
    upstream = play(always(error(503, fields=b"Retry-After: 600\r\n")))
    gateway = serve({"only": upstream.address})
    with asking(gateway):
        wait_for(lambda: upstream.requests, "the first attempt")

    (row,) = last_rows(gateway)
    assert row["outcome"] == "client_gone"
    assert len(upstream.requests) == 1


# Comments during a silence.


def test_a_silence_inside_a_stream_is_bridged_by_comments_where_the_route_wants_them(
    play, start_gateway
):
    may_end = threading.Event()

    def script(link):
        while link.request():
            link.send(EVENT_HEAD + CHUNKED, chunk(event("Hello")))
            assert may_end.wait(60)
            link.send(chunk(event(finish="stop") + DONE), LAST_CHUNK)

    gateway = start_gateway(
        providers=providers({"only": play(script).address}),
        extra=routes(
            route("only", name="short", model="short", keepalive="100ms"),
            route("only", name="never", model="never", keepalive="0s"),
        ),
    )
    with asking(gateway, stream=True, model="never") as quiet:
        quiet_reader = Reader(quiet)
        quiet_head = quiet_reader.head()
        with asking(gateway, stream=True, model="short") as bridged:
            reader = Reader(bridged)
            head = reader.head()
            seen = b""
            for piece in reader.pieces(head):
                seen += piece
                if seen.count(b": keep-alive\n\n") == 3:
                    may_end.set()
            silent = b"".join(quiet_reader.pieces(quiet_head))

    assert (head.ended, quiet_head.ended) == ("last-chunk", "last-chunk")
    assert seen.endswith(DONE)
    assert seen.replace(b": keep-alive\n\n", b"") == silent
    assert b"keep-alive" not in silent
