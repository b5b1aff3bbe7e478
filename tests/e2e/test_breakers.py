"""Breakers and benches: a target that fails costs few calls, rests, and comes back by one probe."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.admin import ADMIN_KEY, call
from support.gateway import Gateway
from support.policy import CLIENT_KEY, policy, sha256
from support.routes import (
    always,
    attempts,
    closed_port,
    cut_after,
    error,
    last_rows,
    providers,
    route,
    routes,
    stay_silent,
)
from support.scripted_upstream import CHAT, ask, chat_body, completion, http, outcome
from support.waiting import wait_for
from support.wire import Reader, connect, request_bytes

HEALTHY = ("--first-byte", "0ms", "--token-delay", "0ms", "--tokens", "1")
AT_ONCE = {"backoff": "1ms", "max_backoff": "1ms"}
CLIENTS = 4


@pytest.fixture
def serve(start, tmp_path):
    """serve({name: address}, **settings of the route): with an admin key."""

    def begin(addresses, **settings):
        text = policy(
            providers=providers(addresses),
            extra=routes(route(*addresses, **settings)),
            access=f'"{tmp_path}/access.log"',
        )
        keys = f"  keys: [{{name: ops, sha256: {sha256(ADMIN_KEY)}}}]\nlog:"
        return start(Gateway, tmp_path, text.replace("log:", keys, 1))

    return begin


def target(gateway, provider):
    """What GET /headgate/v1/targets tells of it."""
    status, _, answer = call(gateway, "/headgate/v1/targets")
    assert status == 200
    return next(each for each in answer["data"] if each["provider"] == provider)


def await_state(gateway, provider, state):
    """An answer is told to the target's health once the client has it."""
    wait_for(lambda: target(gateway, provider)["state"] == state, f"{provider} to be {state}")


def ask_many(gateway, count):
    """The statuses of that many calls, of a few clients that keep their connections."""
    request = request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body())

    def ask_share(share):
        with connect(gateway.address, seconds=60) as link:
            reader = Reader(link)
            for _ in range(share):
                link.sendall(request)
                yield reader.answer().status

    with ThreadPoolExecutor(CLIENTS) as pool:
        shares = pool.map(lambda share: list(ask_share(share)), [count // CLIENTS] * CLIENTS)
        return [status for share in shares for status in share]


def upstream_calls(gateway):
    """Attempts at all targets since the start."""
    return sum(each["attempts"] for each in call(gateway, "/headgate/v1/targets")[2]["data"])


FAULTS = {
    "503": always(error(503)),
    "500": always(error(500)),
    "529": always(error(529)),
    "a cut": cut_after(b""),
    "an invalid answer": always(http(b"{}")),
    "silence": stay_silent,
    "429 without Retry-After": always(error(429)),
    "429 with Retry-After": always(error(429, fields=b"Retry-After: 5\r\n")),
    "401": always(error(401)),
    "429 for the quota": always(error(429, code="insufficient_quota")),
    "refused": None,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_with_one_healthy_target_every_call_succeeds_and_few_are_wasted(
    play, start_simulator, serve, fault
):
    healthy = start_simulator(*HEALTHY)
    with closed_port() as closed:
        script = FAULTS[fault]
        first = closed if script is None else play(script).address
        gateway = serve(
            {"first": first, "second": healthy.address}, timeouts={"first_byte": "200ms"}
        )

        statuses = ask_many(gateway, 1000)

    assert statuses == [200] * 1000
    assert healthy.forget() == 1000
    assert 1000 < upstream_calls(gateway) <= 1200


def test_calls_that_all_fail_cost_hardly_more_than_one_attempt_each(start_simulator, serve, scale):
    """Of both targets; what they counted themselves, from the first call on."""
    down = {name: start_simulator(*HEALTHY, "--fail", "503") for name in ("first", "second")}
    gateway = serve({name: each.address for name, each in down.items()}, retry=AT_ONCE)
    calls, counted = 0, 0

    for _ in range(scale(10, 100)):
        statuses = ask_many(gateway, 400)
        assert set(statuses) == {503}
        calls += len(statuses)
        counted += sum(each.forget() for each in down.values())

    assert upstream_calls(gateway) == counted
    assert calls <= counted <= 1.2 * calls


def test_an_open_breaker_shows_in_the_metrics_and_in_the_list_of_targets(
    play, serve, start_simulator
):
    healthy = start_simulator(*HEALTHY)
    gateway = serve(
        {"first": play(always(error(503))).address, "second": healthy.address},
        breaker={"failures": 3, "open_for": "1h"},
    )
    labels = {"provider": "first", "model": "gpt-5-mini"}

    answers = []
    for failures in range(3):
        assert gateway.metric("headgate_breaker_open", **labels) == 0, failures
        answers.append(ask(gateway))
    is_open = gateway.metric("headgate_breaker_open", **labels)
    answers.append(ask(gateway))

    assert is_open == 1
    assert gateway.metric("headgate_breaker_open", provider="second") == 0
    found = target(gateway, "first")
    assert (found["state"], found["breaker"], found["benched"]) == ("open", "open", None)
    assert 0 < found["open_for_ms"] <= 3_600_000
    assert found["attempts"] == 3
    assert (found["last_error"]["reason"], found["last_error"]["status"]) == ("status", 503)
    assert target(gateway, "second")["breaker"] == "closed"
    rows = last_rows(gateway, *answers)
    assert [len(row["attempts"]) for row in rows] == [2, 2, 2, 1]
    assert rows[3]["skipped"] == [
        {"provider": "first", "model": "gpt-5-mini", "reason": "breaker_open"}
    ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (error(429), "rate_limit"),
        (error(429, fields=b"Retry-After: 300\r\n"), "rate_limit"),
        (error(429, code="insufficient_quota"), "quota"),
        (error(402), "quota"),
        (error(401), "auth"),
    ],
    ids=["429", "429 with Retry-After", "insufficient_quota", "402", "401"],
)
def test_a_benched_target_rests_with_its_breaker_closed(
    play, serve, start_simulator, answer, reason
):
    first, healthy = play(always(answer)), start_simulator(*HEALTHY)
    gateway = serve(
        {"first": first.address, "second": healthy.address}, breaker={"failures": 1}
    )

    assert outcome(ask(gateway)) == (200, None)

    found = target(gateway, "first")
    assert (found["state"], found["breaker"]) == ("benched", "closed")
    assert found["benched"]["reason"] == reason
    longest = {"rate_limit": 1_000, "quota": 60_000, "auth": 60_000}[reason]
    assert found["benched"]["until_ms"] <= (300_000 if b"Retry-After" in answer else longest)
    assert gateway.metric("headgate_target_benched", provider="first", reason=reason) == 1
    assert gateway.metric("headgate_breaker_open", provider="first") == 0
    assert len(first.requests) == 1


def test_of_many_calls_at_once_one_probes_a_half_open_target(play, serve, start_simulator):
    probing, may_answer = threading.Event(), threading.Event()

    def fail_then_wait(link):
        while link.request():
            number = len(first.requests)
            if number == 2:
                probing.set()
                assert may_answer.wait(60)
            link.send(error(503) if number == 1 else http(completion()))

    first, healthy = play(fail_then_wait), start_simulator(*HEALTHY)
    gateway = serve(
        {"first": first.address, "second": healthy.address},
        breaker={"failures": 1, "open_for": "300ms"},
    )
    assert outcome(ask(gateway)) == (200, None)
    await_state(gateway, "first", "half_open")

    with ThreadPoolExecutor(11) as pool:
        probe = pool.submit(ask, gateway)
        assert probing.wait(20)
        others = list(pool.map(lambda _: ask(gateway), range(10)))
        seen = len(first.requests)
        may_answer.set()

    assert [each.headers["x-headgate-provider"] for each in others] == ["second"] * 10
    assert seen == 2
    assert probe.result().headers["x-headgate-provider"] == "first"
    await_state(gateway, "first", "closed")
    assert ask(gateway).headers["x-headgate-provider"] == "first"


def test_a_probe_that_fails_opens_the_breaker_again(serve, start_simulator):
    first, healthy = start_simulator(*HEALTHY, "--fail", "503"), start_simulator(*HEALTHY)
    gateway = serve(
        {"first": first.address, "second": healthy.address},
        breaker={"failures": 1, "open_for": "300ms"},
    )

    for round_number in range(1, 4):
        assert ask(gateway).headers["x-headgate-provider"] == "second"
        assert len(first.requests()) == round_number
        await_state(gateway, "first", "half_open")
    first.behave(fail=[])
    answer = ask(gateway)

    assert answer.headers["x-headgate-provider"] == "first"
    await_state(gateway, "first", "closed")


def test_a_client_that_leaves_gives_its_probe_back(play, serve, start_simulator):
    probing = threading.Event()

    def fail_then_hang(link):
        while link.request():
            number = len(first.requests)
            if number == 2:
                probing.set()
                return link.rest()
            link.send(error(503) if number == 1 else http(completion()))

    first, healthy = play(fail_then_hang), start_simulator(*HEALTHY)
    gateway = serve(
        {"first": first.address, "second": healthy.address},
        breaker={"failures": 1, "open_for": "300ms"},
    )
    assert outcome(ask(gateway)) == (200, None)
    await_state(gateway, "first", "half_open")
    with connect(gateway.address) as link:
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body()))
        assert probing.wait(20)
    wait_for(lambda: target(gateway, "first")["in_flight"] == 0, "the probe to end")

    answer = ask(gateway)

    assert answer.headers["x-headgate-provider"] == "first"
    assert len(first.requests) == 3


def test_with_probe_models_a_target_is_asked_for_its_models_before_any_request(
    serve, start_simulator
):
    first, healthy = start_simulator(*HEALTHY, "--fail", "503"), start_simulator(*HEALTHY)
    gateway = serve(
        {"first": first.address, "second": healthy.address},
        breaker={"failures": 1, "open_for": "200ms", "probe": "models"},
    )
    assert ask(gateway).headers["x-headgate-provider"] == "second"

    def asked():
        return [(each["method"], each["path"]) for each in first.requests()]

    wait_for(lambda: asked().count(("GET", "/v1/models")) >= 2, "two active probes")
    assert ask(gateway).headers["x-headgate-provider"] == "second"
    assert asked().count(("POST", CHAT)) == 1
    first.behave(fail=[])
    await_state(gateway, "first", "half_open")

    assert asked().count(("POST", CHAT)) == 1
    assert dict(first.requests()[-1]["headers"])["authorization"].startswith("Bearer sk-upstream")
    assert ask(gateway).headers["x-headgate-provider"] == "first"
    await_state(gateway, "first", "closed")


def test_without_probe_models_nobody_asks_for_models(serve, start_simulator):
    first, healthy = start_simulator(*HEALTHY, "--fail", "503"), start_simulator(*HEALTHY)
    gateway = serve(
        {"first": first.address, "second": healthy.address},
        breaker={"failures": 1, "open_for": "200ms"},
    )
    ask(gateway)
    await_state(gateway, "first", "half_open")

    assert [each["method"] for each in first.requests()] == ["POST"]


@pytest.mark.parametrize("status", ["503", "429", "401"])
def test_the_only_target_is_tried_although_it_rests(serve, start_simulator, status):
    only = start_simulator(*HEALTHY, "--fail", status)
    gateway = serve(
        {"only": only.address}, breaker={"failures": 1, "open_for": "1h"}, retry={"attempts": 1}
    )
    assert ask(gateway).status >= 400
    rests = target(gateway, "only")["state"]
    only.behave(fail=[])

    answer = ask(gateway)

    assert rests == ("open" if status == "503" else "benched")
    assert outcome(answer) == (200, None)
    await_state(gateway, "only", "closed")


def test_of_targets_that_all_rest_the_one_back_first_is_tried(play, serve):
    long, short = (
        play(always(error(429, fields=b"Retry-After: %d\r\n" % wait))) for wait in (500, 50)
    )
    gateway = serve({"long": long.address, "short": short.address}, timeouts={"total": "10s"})

    answers = [ask(gateway) for _ in range(2)]

    assert [answer.status for answer in answers] == [429, 429]
    rows = last_rows(gateway, *answers)
    assert [provider for provider, _, _ in attempts(rows[0])] == ["long", "short"]
    assert [provider for provider, _, _ in attempts(rows[1])] == ["short"]
    assert [each["provider"] for each in rows[1]["skipped"]] == ["long"]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    "header", [("x-headgate-timeout", "100ms"), ("x-stainless-read-timeout", "0.1")]
)
def test_clients_without_patience_open_no_breaker(play, serve, header, stream):
    gateway = serve(
        {"slow": play(stay_silent).address}, breaker={"failures": 1, "open_for": "1h"}
    )
    body = chat_body(stream=stream)

    def give_up(_):
        with connect(gateway.address) as link:
            link.sendall(
                request_bytes("POST", CHAT, key=CLIENT_KEY, body=body, headers=[header])
            )
            return outcome(Reader(link).answer())

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(give_up, range(8)))

    assert outcomes == [(504, "upstream_timeout")] * 8
    assert target(gateway, "slow")["state"] == "closed"
    assert target(gateway, "slow")["attempts"] == 8
    assert gateway.metric("headgate_breaker_open") == 0


def test_mistakes_of_clients_open_no_breaker(serve, start_simulator):
    only = start_simulator(*HEALTHY)
    gateway = serve({"only": only.address}, breaker={"failures": 1, "open_for": "1h"})

    for status in (400, 404, 409, 413, 422):
        only.behave(fail=[{"status": status}])
        assert ask(gateway).status == status

    assert target(gateway, "only")["state"] == "closed"
