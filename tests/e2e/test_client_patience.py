"""How long a client waits, what happens when it leaves, and what a provider's settings bring about."""

import contextlib
import json
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import openai
import pytest
from support.admin import ADMIN_KEY, call
from support.gateway import Gateway
from support.policy import CLIENT_KEY, UPSTREAM_KEY, policy, sha256
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
)
from support.waiting import wait_for
from support.wire import Reader, connect, exchange, request_bytes

QUESTION = [{"role": "user", "content": "Hello"}]
WHOLE = http(completion())
USAGE = (
    b'data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1700000000,'
    b'"model":"gpt-5-mini","choices":[],'
    b'"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}\n\n'
)


@pytest.fixture
def serve(start, tmp_path):
    """serve({name: address}, {name: settings of that provider}, **settings of the route)."""
    count = 0

    def begin(addresses, of_providers=None, **settings):
        nonlocal count
        count += 1
        directory = tmp_path / f"gateway-{count}"
        directory.mkdir()
        text = policy(
            providers=providers(addresses, **(of_providers or {})),
            extra="workers: 1\n" + routes(route(*addresses, **settings)),
            access=f'"{directory}/access.log"',
        )
        keys = f"  keys: [{{name: ops, sha256: {sha256(ADMIN_KEY)}}}]\nlog:"
        return start(Gateway, directory, text.replace("log:", keys, 1))

    return begin


def breaker_of(gateway, provider):
    found = call(gateway, "/headgate/v1/targets")[2]["data"]
    return next(each["breaker"] for each in found if each["provider"] == provider)


def ask_with(gateway, *headers, **changes):
    return exchange(
        gateway.address, "POST", CHAT, key=CLIENT_KEY, body=chat_body(**changes), headers=headers
    )


@contextlib.contextmanager
def asking(gateway, **changes):
    """A connection whose request is under way; it is reset at the end."""
    with connect(gateway.address) as link:
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body(**changes)))
        yield link
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


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


# A provider's settings.


def test_what_exceeds_max_connections_goes_to_the_next_target_and_blames_nobody(play, serve):
    asked, may_answer = threading.Event(), threading.Event()

    def script(link):
        while link.request():
            asked.set()
            assert may_answer.wait(60)
            link.send(WHOLE)

    first, second = play(script), play()
    gateway = serve(
        {"first": first.address, "second": second.address},
        {"first": {"max_connections": 1}},
        timeouts={"connect": "300ms"},
        breaker={"failures": 1},
    )
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(ask, gateway)
        assert asked.wait(20)
        overflow = [ask(gateway) for _ in range(2)]
        may_answer.set()

    assert [each.headers["x-headgate-provider"] for each in overflow] == ["second"] * 2
    rows = [gateway.log.await_row(each.headers["x-request-id"]) for each in overflow]
    expected = [("first", None, "connect"), ("second", 200, "ok")]
    assert [attempts(row) for row in rows] == [expected] * 2
    assert breaker_of(gateway, "first") == "closed"
    assert holding.result().headers["x-headgate-provider"] == "first"
    assert ask(gateway).headers["x-headgate-provider"] == "first"


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "closed"])
def test_requests_queue_for_a_connection_and_are_served_one_after_the_other(play, serve, is_kept):
    asked, may_answer = threading.Event(), threading.Event()
    most = []

    def script(link):
        while link.request():
            most.append(1)
            assert len(most) == 1, "two requests at once"
            asked.set()
            assert may_answer.wait(60)
            most.pop()
            link.send(WHOLE if is_kept else WHOLE.replace(b"200 OK\r\n", b"200 OK\r\n" + CLOSE))
            if not is_kept:
                return

    first, second = play(script), play()
    gateway = serve(
        {"first": first.address, "second": second.address},
        {"first": {"max_connections": 1}},
        timeouts={"connect": "30s"},
    )
    with ThreadPoolExecutor(6) as pool:
        all_of_them = [pool.submit(ask, gateway) for _ in range(6)]
        assert asked.wait(20)
        may_answer.set()
        answers = [each.result() for each in all_of_them]

    assert [each.headers["x-headgate-provider"] for each in answers] == ["first"] * 6
    assert len(set(first.numbers())) == (1 if is_kept else 6)
    assert second.requests == []


CLOSE = b"Connection: close\r\n"


def test_a_client_that_leaves_the_queue_takes_no_connection(play, serve):
    asked, may_answer = threading.Event(), threading.Event()

    def script(link):
        while link.request():
            asked.set()
            assert may_answer.wait(60)
            link.send(WHOLE)

    only = play(script)
    gateway = serve(
        {"only": only.address}, {"only": {"max_connections": 1}}, timeouts={"connect": "30s"}
    )
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(ask, gateway)
        assert asked.wait(20)
        with asking(gateway, user="impatient"):
            wait_for(
                lambda: gateway.metric("headgate_in_flight", kind="requests") == 2,
                "the second request to wait",
            )
        (left,) = gateway.log.await_rows(lambda row: row["outcome"] == "client_gone", 1)
        may_answer.set()
        assert holding.result().status == 200

    assert ask(gateway).status == 200
    assert Decimal(left["cost_usd"]) == 0
    assert all(b"impatient" not in body for body in only.bodies())


SENT = {
    "openai-organization": "org-client",
    "openai-project": "proj-client",
    "openai-beta": "beta=1",
}


@pytest.mark.parametrize(
    ("settings", "headers", "expected"),
    [
        ({}, SENT, {}),
        ({"organization": "org-ours"}, SENT, {"openai-organization": "org-ours"}),
        (
            {"organization": "org-ours", "project": "proj-ours"},
            {},
            {"openai-organization": "org-ours", "openai-project": "proj-ours"},
        ),
        ({"forward_headers": ["openai-beta"]}, SENT, {"openai-beta": "beta=1"}),
        ({"forward_headers": list(SENT)}, SENT, SENT),
        (
            {"forward_headers": ["openai-organization"], "organization": "org-ours"},
            {},
            {"openai-organization": "org-ours"},
        ),
        ({"headers": {"x-team": "platform", "X-Cost": "a b"}}, {}, {"x-team": "platform"}),
        ({"headers": {"x-team": "platform"}}, {"x-team": "theirs"}, {"x-team": "platform"}),
    ],
    ids=["nothing", "ours", "both of ours", "beta", "all", "fallback", "headers", "their header"],
)
def test_what_goes_up_is_an_allow_list(play, serve, settings, headers, expected):
    upstream = play()
    kind = {"kind": "openai"} if {"organization", "project"} & set(settings) else {}
    gateway = serve({"only": upstream.address}, {"only": settings | kind})

    answer = ask_with(gateway, *headers.items(), ("x-secret-of-the-client", "1"))

    assert answer.status == 200
    up = upstream.requests[0].headers
    ours = {"host", "user-agent", "accept", "accept-encoding", "content-type", "content-length"}
    ours |= {"authorization", "traceparent", "x-cost"}
    assert {name: value for name, value in up.items() if name not in ours} == expected
    assert up["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert up["accept-encoding"] == "identity"
    assert up.get("x-cost") == settings.get("headers", {}).get("X-Cost")


def test_a_provider_that_is_not_enabled_is_left_out(play, serve):
    first, second = play(), play()
    gateway = serve(
        {"first": first.address, "second": second.address}, {"first": {"enabled": False}}
    )

    answer = ask(gateway)

    assert answer.headers["x-headgate-provider"] == "second"
    (row,) = last_rows(gateway)
    assert row["skipped"] == [
        {"provider": "first", "model": "gpt-5-mini", "reason": "disabled"}
    ]
    assert first.requests == []


def test_a_price_is_multiplied_by_the_providers_factor(play, serve):
    upstream = play()
    costs = [
        Decimal(
            ask(serve({"only": upstream.address}, {"only": settings})).headers[
                "x-headgate-cost-usd"
            ]
        )
        for settings in ({}, {"price_multiplier": 1.5}, {"price_multiplier": 0.1})
    ]

    assert costs[0] > 0
    assert costs[1:] == [costs[0] * Decimal("1.5"), costs[0] * Decimal("0.1")]


def test_a_fallbacks_price_is_that_of_who_answered(play, serve):
    down, healthy = play(always(error(503))), play()
    alone = serve({"second": healthy.address}, {"second": {"price_multiplier": 2}})
    gateway = serve(
        {"first": down.address, "second": healthy.address},
        {"first": {"price_multiplier": 100}, "second": {"price_multiplier": 2}},
    )

    costs = [ask(each).headers["x-headgate-cost-usd"] for each in (alone, gateway)]

    assert costs[0] == costs[1]
    assert json.loads(healthy.bodies()[0])["model"] == "gpt-5-mini"
