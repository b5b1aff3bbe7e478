"""What the settings of a provider bring about."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from support.one_route import WHOLE, ask_with, asking, breaker_of, serving
from support.policy import UPSTREAM_KEY
from support.routes import (
    attempts,
)
from support.scripted_upstream import (
    ask,
)
from support.waiting import wait_for


@pytest.fixture
def serve(start, tmp_path):
    return serving(start, tmp_path)


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
