"""Repeats of a target: how many, after which wait, and what is told when nothing has worked."""

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import pytest
from support.gateway import Gateway
from support.policy import CLIENT_KEY, policy
from support.routes import (
    Case,
    Cases,
    always,
    attempts,
    cut_after,
    error,
    in_turn,
    last_rows,
    providers,
    route,
    routes,
    stay_silent,
)
from support.scripted_upstream import (
    CHAT,
    ask,
    chat_body,
    completion,
    http,
    outcome,
    upstreams,
)
from support.wire import exchange

WHOLE = http(completion())
AT_ONCE = {"attempts": 3, "backoff": "1ms", "max_backoff": "1ms"}


def asked(count):
    return [("only", 503, "status")] * (count - 1) + [("only", 200, "ok")]


@pytest.fixture
def serve(start_gateway):
    """serve(upstream, …, **settings of the route): providers named only, or first and second."""

    def begin(*served, **settings):
        names = ["only"] if len(served) == 1 else ["first", "second"]
        addresses = {name: each.address for name, each in zip(names, served, strict=True)}
        settings = {"retry": AT_ONCE} | settings
        return start_gateway(
            providers=providers(addresses), extra=routes(route(*addresses, **settings))
        )

    return begin


def ask_within(gateway, timeout):
    return exchange(
        gateway.address,
        "POST",
        CHAT,
        key=CLIENT_KEY,
        body=chat_body(),
        headers=[("x-headgate-timeout", timeout)],
    )


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("failures", [1, 2])
def test_a_lone_target_is_repeated_until_it_works(play, serve, failures, stream):
    failing = error(503)

    def script(link):
        while request := link.request():
            if len(upstream.requests) <= failures:
                link.send(failing)
            elif json.loads(request.body).get("stream"):
                link.send(STREAM)
            else:
                link.send(WHOLE)

    upstream = play(script)
    gateway = serve(upstream)

    answer = ask(gateway, stream=stream)

    assert answer.status == 200
    assert answer.headers["x-headgate-attempts"] == str(failures + 1)
    (row,) = last_rows(gateway)
    assert attempts(row) == asked(failures + 1)
    assert row["outcome"] == "complete"
    assert len(set(upstream.bodies())) == 1


STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_attempts_are_at_most_what_the_route_allows(play, serve, most):
    upstream = play(always(error(503, message="Down.", code="down")))
    gateway = serve(upstream, retry=AT_ONCE | {"attempts": most}, breaker={"failures": 100})

    answer = ask(gateway)

    # Of the budget of three repeats where there are hardly any calls.
    made = min(most, 4)
    assert len(upstream.requests) == made
    assert answer.headers.get("x-headgate-attempts", str(made)) == str(made)
    assert outcome(answer) == (503, "down")  # the only one who was asked says why


def test_targets_used_up_begin_again_with_the_first(play, serve):
    first, second = play(in_turn(error(503), WHOLE)), play(always(error(500)))
    gateway = serve(first, second)

    answer = ask(gateway)

    assert outcome(answer) == (200, None)
    (row,) = last_rows(gateway)
    assert attempts(row) == [
        ("first", 503, "status"),
        ("second", 500, "status"),
        ("first", 200, "ok"),
    ]


@pytest.mark.parametrize("status", [401, 402])
def test_what_is_the_operators_is_not_repeated(play, serve, status):
    upstream = play(always(error(status)))

    assert ask(serve(upstream)).status >= 500

    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("advice", "least"),
    [
        (lambda: b"Retry-After: 1", 1.0),
        (lambda: b"Retry-After: 0.3", 0.3),
        (lambda: b"retry-after-ms: 250", 0.25),
        (lambda: b"Retry-After: 600\r\nretry-after-ms: 250.5", 0.25),
        (lambda: b"Retry-After: " + formatdate(time.time() + 2, usegmt=True).encode(), 0.9),
    ],
    ids=["seconds", "a fraction", "milliseconds", "both", "a date"],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_repeat_comes_no_earlier_than_it_was_asked_to(play, serve, status, advice, least):
    at = []

    def script(link):
        while link.request():
            at.append(time.monotonic())
            refusal = error(status, fields=advice() + b"\r\n")
            link.send(refusal if len(at) == 1 else WHOLE)

    gateway = serve(play(script))

    answer = ask(gateway)

    assert outcome(answer) == (200, None)
    assert len(at) == 2
    assert at[1] - at[0] >= least


@pytest.mark.parametrize("advice", [b"Retry-After: 0", b"Retry-After: nonsense"])
def test_advice_that_says_nothing_leaves_the_backoff(play, serve, advice):
    gateway = serve(play(in_turn(error(429, fields=advice + b"\r\n"), WHOLE)))

    assert outcome(ask(gateway)) == (200, None)


def test_nobody_waits_for_a_retry_after_beyond_the_deadline(play, serve):
    long, short = (
        play(always(error(429, code="slow_down", fields=b"Retry-After: %d\r\n" % wait)))
        for wait in (3600, 1800)
    )
    gateway = serve(long, short)

    answer = ask(gateway)

    assert outcome(answer) == (429, "slow_down")
    assert answer.headers["retry-after"] == "1800"
    assert answer.headers["x-headgate-attempts"] == "2"
    assert (len(long.requests), len(short.requests)) == (1, 1)


def test_the_clients_deadline_is_one_beyond_which_nobody_waits(play, serve):
    upstream = play(always(error(429, fields=b"Retry-After: 60\r\n")))
    gateway = serve(upstream)

    answer = ask_within(gateway, "30s")

    assert answer.status == 429
    assert answer.headers["retry-after"] == "60"
    assert len(upstream.requests) == 1


def test_where_one_retry_after_fits_that_target_is_repeated(play, serve):
    first = play(always(error(429, fields=b"Retry-After: 3600\r\n")))
    second = play(in_turn(error(429, fields=b"retry-after-ms: 100\r\n"), WHOLE))
    gateway = serve(first, second)

    answer = ask(gateway)

    assert outcome(answer) == (200, None)
    (row,) = last_rows(gateway)
    assert [provider for provider, _, _ in attempts(row)] == ["first", "second", "second"]


def test_repeats_are_a_fifth_of_the_calls_at_most(play, serve):
    upstream = play(always(error(503)))
    never_opens = {"failures": 100, "window": "1ms"}
    gateway = serve(upstream, breaker=never_opens)
    began = time.monotonic()

    for _ in range(100):
        assert ask(gateway).status == 503

    # Twenty where the calls took less than ten seconds; a slow machine has more windows.
    windows = 1 + int((time.monotonic() - began) / 10)
    repeats = len(upstream.requests) - 100
    assert 3 <= repeats <= 20 + 3 * (windows - 1)


def test_few_calls_may_repeat_three_times(play, serve):
    upstream = play(always(error(503)))
    gateway = serve(upstream, breaker={"failures": 100})

    for _ in range(4):
        assert ask(gateway).status == 503

    assert 4 < len(upstream.requests) <= 4 + 3 + 3  # two windows at most


LIMITED = always(error(429, code="slow_down", message="Slow down."))
DOWN = always(error(503, code="down", message="Down."))
REFUSED = always(error(401, code="invalid_api_key", message="sk-secret is wrong."))
EMPTY = always(error(429, code="insufficient_quota", message="Pay org-secret0123456789abcd."))
CUT = cut_after(b"")
INVALID = always(http(b"{}"))

# The targets' behaviour, what the client gets, and whether the text is the provider's own.
VERDICTS = {
    "a lone 500": ([always(error(500, code="broken"))], (500, "broken"), True),
    "a lone 529": ([always(error(529, code="busy"))], (529, "busy"), True),
    "a lone 429": ([LIMITED], (429, "slow_down"), True),
    "a lone cut": ([CUT], (503, "upstream_unavailable"), False),
    "a lone time-out": ([stay_silent], (504, "upstream_timeout"), False),
    "a lone invalid answer": ([INVALID], (502, "upstream_invalid_response"), False),
    "a lone refused key": ([REFUSED], (502, "provider_auth_failed"), False),
    "a lone empty account": ([EMPTY], (503, "provider_quota_exhausted"), False),
    "429 everywhere": ([LIMITED, LIMITED], (429, "slow_down"), True),
    "time-outs everywhere": ([stay_silent, stay_silent], (504, "upstream_timeout"), False),
    "503 everywhere": ([DOWN, DOWN], (503, "upstream_unavailable"), False),
    "429, then 503": ([LIMITED, DOWN], (503, "upstream_unavailable"), False),
    "503, then 429": ([DOWN, LIMITED], (503, "upstream_unavailable"), False),
    "a time-out, then a cut": ([stay_silent, CUT], (503, "upstream_unavailable"), False),
    "503, then a refused key": ([DOWN, REFUSED], (502, "provider_auth_failed"), False),
    "503, then an empty account": ([DOWN, EMPTY], (503, "provider_quota_exhausted"), False),
}


@pytest.fixture(scope="module")
def verdicts(shared_start, tmp_path_factory):
    def serve(providers, extra):
        directory = tmp_path_factory.mktemp("verdicts")
        access = f'"{directory}/access.log"'
        return shared_start(
            Gateway, directory, policy(providers=providers, extra=extra, access=access)
        )

    def ask_for(gateway, model, case):
        answer = ask(gateway, model=model, stream=case.stream)
        return answer.headers["x-request-id"], answer

    cases = {
        (name, stream): Case(
            dict(zip(("first", "second"), scripts)),  # noqa: B905 (of one or two)
            {"retry": {"attempts": len(scripts)}, "timeouts": {"first_byte": "200ms"}},
            stream,
        )
        for (name, (scripts, _, _)), stream in itertools.product(VERDICTS.items(), (False, True))
    }
    with upstreams() as play:
        yield Cases(serve, play, cases).ask_all(ask_for)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("name", VERDICTS)
def test_what_is_told_when_nothing_has_worked(verdicts, name, stream):
    scripts, wanted, is_theirs = VERDICTS[name]

    answer, row = verdicts[name, stream]

    assert outcome(answer) == wanted
    assert answer.headers["content-type"] == "application/json"
    assert len(row["attempts"]) == len(scripts)
    assert (row["outcome"], row["status"], row["code"]) == ("error", *wanted)
    assert "secret" not in answer.body.decode()
    assert "127.0.0.1" not in answer.body.decode()
    assert ("x-headgate-provider" in answer.headers) == is_theirs
    if wanted == (503, "upstream_unavailable"):
        assert int(answer.headers["retry-after"]) >= 1


def test_calls_at_once_share_one_retry_budget(play, serve):
    upstream = play(always(error(503)))
    gateway = serve(upstream, breaker={"failures": 100, "window": "1ms"})

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: ask(gateway).status, range(64)))

    assert statuses == [503] * 64
    # A fifth; under races one more for each worker at most, and ten seconds may pass on the way.
    assert len(upstream.requests) <= 64 + 12 + 8 + 3
