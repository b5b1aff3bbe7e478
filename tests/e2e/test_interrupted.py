"""Exchanges that end before their time: charged by our own count, and nothing stays reserved."""

import random
import signal
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from support.admin import buckets, budget
from support.money import Gate, ask, await_ledger, await_rest, await_rows, books, total
from support.one_route import asking
from support.policy import CLIENT_KEY
from support.routes import (
    attempts,
    closed_port,
    cut_after,
    error,
    in_turn,
    route,
    routes,
    stay_silent,
)
from support.scripted_upstream import (
    CHAT,
    CHUNKED,
    EVENT_HEAD,
    chat_body,
    chunk,
    completion,
    event,
    http,
)
from support.wire import connect, request_bytes

BOUNDS = "budget: {usd: 1}\nlimits: [{concurrent: 400, tpd: 86400000}]"
TEXT = "The gate opens for everyone who asks. " * 3  # 24 tokens; our own count may err by a third
OURS, NONE = range(16, 33), range(1)
BEGUN = EVENT_HEAD + CHUNKED + chunk(event(TEXT))
INPUT, OUTPUT = Decimal("0.00000025"), Decimal("0.000002")


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


def is_all_free(gateway):
    """Nothing reserved, no slot taken, nobody forgotten."""
    await_rest(gateway)
    assert budget(gateway)["reserved_usd"] == 0
    assert buckets(gateway)["project", "*", "concurrent"]["remaining"] == 400
    assert gateway.metric("headgate_unsettled_total") == 0
    assert gateway.metric("headgate_journal_bytes", kind="open") == 0
    return True


def begin_and_wait(link):
    """A provider that begins a stream and stays silent then."""
    if link.request():
        link.send(BEGUN)
        link.stream.settimeout(15)  # a bound for broken code
        link.rest()


def leave_at(*wanted, **changes):
    """A client that resets its connection once it has read that much."""

    def act(gateway):
        with asking(gateway, **changes) as link:
            data = b""
            while not all(each in data for each in wanted):
                more = link.recv(65536)
                assert more, data
                data += more

    return act


arrived = threading.Semaphore(0)


def tell_and_wait(link):
    """A provider that takes the request, tells the test so and never answers."""
    if link.request():
        arrived.release()
        link.rest()


def leave_silence(gateway):
    """A client that resets its connection once the provider has its request."""
    with asking(gateway, max_completion_tokens=100):
        assert arrived.acquire(timeout=60)


# script, what the client does, outcome, why the attempt ended, output tokens, is input charged?
ENDS = {
    "the client leaves a stream": (
        begin_and_wait,
        leave_at(TEXT.encode(), stream=True),
        "client_gone",
        "client_gone",
        OURS,
        True,
    ),
    "the client leaves before the answer": (
        tell_and_wait,
        leave_silence,
        "client_gone",
        "client_gone",
        NONE,
        True,
    ),
    "a stream is cut": (
        cut_after(BEGUN),
        lambda gateway: ask(gateway, stream=True),
        "upstream_cut",
        "cut",
        OURS,
        True,
    ),
    "a stream falls silent": (
        begin_and_wait,
        lambda gateway: ask(gateway, stream=True),
        "upstream_cut",
        "timeout",
        OURS,
        True,
    ),
    "no answer in time": (stay_silent, ask, "error", "timeout", NONE, True),
    "the client's own time-out": (
        stay_silent,
        lambda gateway: ask(gateway, headers=[("x-headgate-timeout", "100ms")]),
        "error",
        "timeout",
        NONE,
        True,
    ),
    "an error": (in_turn(error(500)), ask, "error", "status", NONE, False),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_was_used_is_charged_by_our_own_count_and_the_rest_is_given_back(begin, play, end):
    script, act, outcome, reason, output, is_charged = ENDS[end]
    patience = "300ms" if script is stay_silent else "60s"
    silence = "300ms" if reason == "timeout" else "60s"
    gateway = begin(
        play(script),
        BOUNDS,
        extra=routes(
            route(
                "upstream",
                timeouts={"first_byte": patience, "idle": silence},
                fallback_on=[],
            )
        ),
    ).gateway

    act(gateway)

    row = await_rows(gateway, 1)[0]
    assert row["outcome"] == outcome, row
    assert attempts(row)[0][2] == reason, row
    assert row["estimated"] is is_charged
    assert row["output_tokens"] in output
    assert (0 < row["input_tokens"] < 50) is is_charged
    cost = row["input_tokens"] * INPUT + row["output_tokens"] * OUTPUT
    assert Decimal(row["cost_usd"]) == cost
    assert is_all_free(gateway)
    assert budget(gateway)["spent_usd"] == Decimal(row["cost_usd"])


def test_a_provider_that_cannot_be_reached_costs_nothing(begin):
    with closed_port() as nobody:
        gateway = begin(nobody, BOUNDS).gateway
        assert ask(gateway).status == 503

    row = await_rows(gateway, 1)[0]
    assert (row["cost_usd"], row["input_tokens"], row["estimated"]) == ("0", 0, False)
    assert is_all_free(gateway)


def test_usage_that_came_before_the_cut_is_believed(begin, play):
    usage = (
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-5-mini",'
        b'"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}\n\n'
    )
    gateway = begin(play(cut_after(BEGUN + chunk(usage))), BOUNDS).gateway

    ask(gateway, stream=True)

    row = await_rows(gateway, 1)[0]
    assert (row["input_tokens"], row["output_tokens"], row["estimated"]) == (11, 7, False)
    assert is_all_free(gateway)


def test_every_attempt_that_may_be_charged_is_in_the_row(begin, play):
    """Two of three targets take the request and never answer."""
    targets = {
        "first": play(stay_silent),
        "second": play(stay_silent),
        "third": play(in_turn(http(completion()))),
    }
    gateway = begin(
        targets, BOUNDS, extra=routes(route(*targets, timeouts={"first_byte": "1s"}))
    ).gateway

    assert ask(gateway, max_completion_tokens=100).status == 200

    row = await_rows(gateway, 1)[0]
    assert [each[2] for each in attempts(row)] == ["timeout", "timeout", "ok"]
    ours = (row["input_tokens"] - 8) / 2
    assert ours == int(ours) and 0 < ours < 50
    assert (row["output_tokens"], row["estimated"]) == (1, True)
    assert is_all_free(gateway)


def test_an_answer_that_is_read_on_without_its_client_is_charged_as_told(begin, play):
    gate = Gate(http(completion()))
    gateway = begin(
        play(gate), BOUNDS, extra=routes(route("upstream", on_client_gone="finish"))
    ).gateway

    with asking(gateway):
        gate.await_arrivals()
    gate.open()

    row = await_rows(gateway, 1)[0]
    assert (row["outcome"], row["estimated"]) == ("client_gone", False)
    assert (row["input_tokens"], row["output_tokens"]) == (8, 1)
    assert is_all_free(gateway)


def test_a_shutdown_charges_what_it_stops(begin, play):
    """Three streams and one silent request run when the grace ends."""
    begun = begin(play(begin_and_wait), BOUNDS, extra="shutdown_grace: 0s")
    streams = [connect(begun.gateway.address) for _ in range(3)]
    for link in streams:
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body(stream=True)))
        data = b""
        while TEXT.encode() not in data:
            data += link.recv(65536)

    begun.gateway.signal(signal.SIGTERM)
    for link in streams:
        while link.recv(65536):
            pass
        link.close()
    begun.gateway.stop()

    gateway = begun.begin_again(BOUNDS)
    rows = await_rows(gateway, 3)
    assert {row["outcome"] for row in rows} == {"error"}
    assert all(row["output_tokens"] in OURS and row["estimated"] for row in rows)
    assert budget(gateway)["spent_usd"] == total(rows) > 0
    assert is_all_free(gateway)


def hang_up(gateway, number):
    """Leaves at some point between the first byte of the request and the end of the answer."""
    dice = random.Random(number)
    body = chat_body(stream=dice.random() < 0.7, max_completion_tokens=50)
    asked = request_bytes(
        "POST", CHAT, key=CLIENT_KEY, body=body, headers=[("Connection", "close")]
    )
    with connect(gateway.address) as link:
        if dice.random() < 0.1:
            link.sendall(asked[: dice.randrange(len(asked))])
        else:
            link.sendall(asked)
            for _ in range(dice.randrange(6)):
                if dice.random() < 0.2 or not link.recv(dice.choice([1, 100, 4096])):
                    break
        if dice.random() < 0.8:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_storm_of_hang_ups_leaves_nothing_reserved(begin, start_simulator, scale):
    print("seeds: the numbers of the clients")
    count = scale(300, 5000)
    simulator = start_simulator("--first-byte", "2ms", "--token-delay", "1ms")
    gateway = begin(simulator, BOUNDS).gateway

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda number: hang_up(gateway, number), range(count)))

    assert is_all_free(gateway)
    last = ask(gateway)
    assert last.status == 200
    await_rest(gateway)
    spent = budget(gateway)["spent_usd"]
    rows = await_ledger(gateway, lambda rows: total(rows) == spent)
    assert len({row["id"] for row in rows}) == len(rows) <= count + 1
    outcomes = {row["outcome"] for row in rows}
    assert "client_gone" in outcomes and outcomes <= {"client_gone", "complete", "refused"}
