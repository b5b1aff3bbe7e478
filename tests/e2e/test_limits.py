"""Limits in memory: what refuses and what it tells, what an answer corrects."""

import json
import re
import time

import openai
import pytest
from support.admin import buckets, ledger_row
from support.money import (
    SECOND_KEY,
    Gate,
    ask,
    await_rest,
    await_rows,
    billed,
    books,
    post,
    second_project,
    tokens,
    under_way,
)
from support.routes import in_turn, route, routes
from support.scripted_upstream import http, outcome
from support.sdk import sdk
from support.waiting import wait_for


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


def reason_of(answer):
    """x-headgate-reason as a dictionary."""
    return dict(part.split("=", 1) for part in answer.headers["x-headgate-reason"].split("; "))


def is_refused_by(answer, label, limit):
    """Checks everything that a refusal by a limit tells."""
    assert outcome(answer) == (429, "rate_limit_exceeded"), answer.body
    assert label in json.loads(answer.body)["error"]["message"]
    reason = reason_of(answer)
    assert (reason["limit"], reason["limit-is"]) == (label, str(limit))
    assert re.fullmatch(r"\d+(\.\d)?s", reason["resets"])
    wait_ms = int(answer.headers["retry-after-ms"])
    assert wait_ms > 0
    assert int(answer.headers["retry-after"]) == -(-wait_ms // 1000)
    assert "x-should-retry" not in answer.headers
    return True


def picture(count=1):
    pictures = [{"b64_json": "aGVhZGdhdGU="}] * count
    usage = {"input_tokens": 5, "output_tokens": 100 * count, "total_tokens": 5 + 100 * count}
    return http(json.dumps({"created": 1700000000, "data": pictures, "usage": usage}).encode())


@pytest.mark.parametrize(
    ("kind", "period"), [("rpm", 60_000), ("rpd", 86_400_000)], ids=["a minute", "a day"]
)
def test_a_limit_of_requests_refuses_the_one_too_many(begin, simulator, kind, period):
    gateway = begin(simulator, f"limits: [{{model: gpt-5*, {kind}: 2}}]").gateway

    answers = [ask(gateway) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert is_refused_by(answers[2], f"tests/gpt-5*/{kind}", 2)
    assert period / 4 < int(answers[2].headers["retry-after-ms"]) <= period / 2
    remaining = [answer.headers["x-ratelimit-remaining-requests"] for answer in answers]
    assert remaining == ["1", "0", "0"]
    assert {answer.headers["x-ratelimit-limit-requests"] for answer in answers} == {"2"}
    assert all(
        re.fullmatch(r"((\d+h)?\d+m)?\d+s", answer.headers["x-ratelimit-reset-requests"])
        for answer in answers
    )
    assert not any("x-ratelimit-limit-tokens" in answer.headers for answer in answers)


@pytest.mark.parametrize("kind", ["tpm", "tpd"])
def test_a_limit_of_tokens_refuses_once_answers_have_used_it(begin, play, kind):
    upstream = play(in_turn(billed(tokens(100, 880))))
    gateway = begin(upstream, f"limits: [{{{kind}: 1000}}]").gateway

    first = ask(gateway, max_completion_tokens=10)
    second = ask(await_rest(gateway), max_completion_tokens=900)

    assert first.status == 200
    assert first.headers["x-ratelimit-limit-tokens"] == "1000"
    assert 900 < int(first.headers["x-ratelimit-remaining-tokens"]) < 990  # what was guessed is out
    assert is_refused_by(second, f"tests/*/{kind}", 1000)
    assert len(upstream.requests) == 1


def test_a_limit_of_pictures_counts_each_picture(begin, play):
    upstream = play(in_turn(picture(2)))
    gateway = begin(upstream, "limits: [{ipm: 3}]").gateway
    ask_for = lambda count: post(  # noqa: E731
        gateway, "/v1/images/generations", {"model": "gpt-image-1", "prompt": "A gate", "n": count}
    )

    first, second, fitting, too_many = ask_for(2), ask_for(2), ask_for(1), ask_for(4)

    assert (first.status, fitting.status) == (200, 200)
    assert is_refused_by(second, "tests/*/ipm", 3)
    assert too_many.status == 413
    assert outcome(ask(gateway)) != (429, "rate_limit_exceeded")  # chat asks for no picture


def test_one_more_than_may_run_at_once_is_refused(begin, play):
    gate = Gate(billed(tokens(8, 1)))
    gateway = begin(play(gate), "limits: [{model: gpt-5*, concurrent: 2}]").gateway

    with under_way(gateway, gate, 2) as answers:
        refused = ask(gateway)

    assert is_refused_by(refused, "tests/gpt-5*/concurrent", 2)
    assert [answer.status for answer in answers] == [200, 200]


def test_a_refusal_takes_nothing_from_any_limit(begin, simulator):
    gateway = begin(
        simulator, "limits: [{model: '*', rpd: 100, tpd: 864}, {model: gpt-5*, rpd: 1}]"
    ).gateway
    assert ask(gateway, max_completion_tokens=1).status == 200
    before = buckets(await_rest(gateway))

    refusals = [ask(gateway, max_completion_tokens=100) for _ in range(5)]

    after = buckets(gateway)
    assert {answer.status for answer in refusals} == {429}
    assert after["project", "*", "rpd"]["remaining"] == 99
    assert after["project", "*", "tpd"]["remaining"] >= before["project", "*", "tpd"]["remaining"]
    assert after["project", "gpt-5*", "rpd"]["remaining"] == 0


def test_the_key_the_project_and_the_organization_each_have_their_say(begin, simulator):
    gateway = begin(
        simulator,
        "limits: [{rpd: 2}]",
        key="limits: [{rpd: 1}]",
        organization="limits: [{model: '*', rpd: 3}]",
        others="second:\n  keys:\n"
        + "".join(f"    - {{name: k{n}, key: {SECOND_KEY}{n}}}\n" for n in range(2)),
    ).gateway

    assert ask(gateway).status == 200
    assert is_refused_by(ask(gateway), "tests/pytest/*/rpd", 1)
    assert ask(gateway, key=SECOND_KEY + "0").status == 200
    assert ask(gateway, key=SECOND_KEY + "1").status == 200
    assert is_refused_by(ask(gateway, key=SECOND_KEY + "0"), "organization/*/rpd", 3)
    left = {of: each["remaining"] for of, each in buckets(gateway).items()}
    assert left == {
        ("organization", "*", "rpd"): 0,
        ("project", "*", "rpd"): 1,
        ("key", "*", "rpd"): 0,
    }


def test_an_entry_is_one_bucket_for_all_models_that_it_matches(begin, simulator):
    gateway = begin(
        simulator, "limits: [{model: gpt-5*, rpd: 2}, {model: [gpt-4o, gpt-4.1*], rpd: 1}]"
    ).gateway

    spent = [ask(gateway, model=model).status for model in ("gpt-5", "gpt-5-mini", "gpt-4o")]
    refused = [ask(gateway, model=model) for model in ("gpt-5-nano", "gpt-4.1-mini")]
    free = ask(gateway, model="o4-mini")

    assert spent == [200, 200, 200]
    assert is_refused_by(refused[0], "tests/gpt-5*/rpd", 2)
    assert reason_of(refused[1])["limit"].startswith("tests/gpt-4o")
    assert free.status == 200
    assert "x-ratelimit-limit-requests" not in free.headers


def test_all_entries_that_match_apply_and_the_tightest_is_told(begin, simulator):
    gateway = begin(simulator, "limits: [{model: gpt-5*, rpd: 50}, {model: gpt-5, rpd: 2}]").gateway

    answers = [ask(gateway, model="gpt-5") for _ in range(3)]

    assert [answer.headers["x-ratelimit-limit-requests"] for answer in answers] == ["2"] * 3
    assert is_refused_by(answers[2], "tests/gpt-5/rpd", 2)
    assert ask(gateway, model="gpt-5-mini").headers["x-ratelimit-remaining-requests"] == "47"


def test_limits_match_the_model_that_was_asked_for_not_the_targets(begin, simulator):
    gateway = begin(
        simulator,
        "limits: [{model: gpt-5-nano, rpd: 1}, {model: gpt-5, rpd: 1}]",
        extra=routes(route({"provider": "upstream", "model": "gpt-5-nano"}, model="gpt-5")),
    ).gateway

    answers = [ask(gateway, model="gpt-5") for _ in range(2)]

    assert answers[0].headers["x-headgate-model"] == "gpt-5-nano"
    assert is_refused_by(answers[1], "tests/gpt-5/rpd", 1)


def test_a_limit_in_shadow_counts_and_lets_pass(begin, simulator):
    gateway = begin(simulator, "limits: [{rpd: 1, tpd: 10, mode: shadow}]").gateway

    answers = [ask(gateway, max_completion_tokens=50) for _ in range(3)]

    assert [answer.status for answer in answers] == [200] * 3
    assert not any("x-ratelimit-limit-requests" in answer.headers for answer in answers)
    shadow = {
        kind: gateway.metric("headgate_shadow_refusals_total", project="tests", kind=kind)
        for kind in ("rpm", "rpd", "tpd")
    }
    assert shadow == {"rpm": 0, "rpd": 2, "tpd": 3}
    assert gateway.metric("headgate_refused_total") == 0


def test_a_request_that_can_never_fit_is_413(begin, simulator):
    gateway = begin(simulator, "limits: [{model: gpt-5*, tpm: 100}]").gateway

    refused = ask(gateway, max_completion_tokens=101)

    assert outcome(refused) == (413, "tokens_exceeded")
    assert refused.headers["x-should-retry"] == "false"
    assert reason_of(refused) == {"limit": "tests/gpt-5*/tpm", "limit-is": "100"}
    assert "retry-after" not in refused.headers
    row = await_rows(gateway, 1)[0]
    assert (row["status"], row["code"], row["outcome"]) == (413, "tokens_exceeded", "refused")


@pytest.mark.parametrize(
    ("settings", "changes", "output"),
    [
        ("", {"max_completion_tokens": 5000}, 5000),
        ("", {"max_completion_tokens": 5000, "n": 3}, 15000),
        ("max_output: 20k", {}, 20000),
        ("max_output: 20k", {"max_completion_tokens": 5000}, 5000),
        ("", {}, 1000),
    ],
    ids=["the request's cap", "of each choice", "the project's", "the request's own", "the usual"],
)
def test_at_admission_the_output_that_may_come_is_taken(begin, play, settings, changes, output):
    gate = Gate(billed(tokens(8, 1)))
    gateway = begin(play(gate), f"limits: [{{tpd: 86400}}]\n{settings}").gateway
    began = time.monotonic()

    with under_way(gateway, gate, **changes):
        taken = 86_400 - buckets(gateway)["project", "*", "tpd"]["remaining"]

    refilled = time.monotonic() - began + 1  # one a second
    most = 40  # tokens that our guess of "Hello" may have
    assert output - refilled < taken <= output + most


def test_an_answer_corrects_what_was_taken_at_its_admission(begin, play):
    gate = Gate(billed(tokens(30, 12)))
    gateway = begin(play(gate), "limits: [{tpd: 8640}]").gateway  # refills 0.1 a second
    began = time.monotonic()

    with under_way(gateway, gate, max_completion_tokens=5000):
        during = buckets(gateway)["project", "*", "tpd"]["remaining"]
    after = buckets(await_rest(gateway))["project", "*", "tpd"]["remaining"]

    refilled = 0.1 * (time.monotonic() - began) + 1
    assert 8640 - 5000 - 40 < during < 8640 - 5000 + refilled
    assert 8640 - 42 <= after + 1 and after <= 8640 - 42 + refilled


def test_a_project_learns_how_long_a_models_answers_usually_are(begin, play):
    upstream = play(in_turn(billed(tokens(8, 10))))
    gateway = begin(upstream, "limits: [{tpd: 864k}]").gateway
    told = [
        int(ask(await_rest(gateway)).headers["x-ratelimit-remaining-tokens"]) for _ in range(12)
    ]

    # What is left behind an admission: the first takes 1,000 for its output, later ones less.
    assert told[0] < 864_000 - 1000
    assert told[-1] > 864_000 - 12 * 18 - 200


def test_counters_outlive_a_reload_and_a_lowered_limit_holds_at_once(begin, simulator):
    begun = begin(simulator, "limits: [{model: gpt-5*, rpd: 5}]")
    gateway = begun.gateway
    assert [ask(gateway).status for _ in range(2)] == [200, 200]

    begun.change("limits: [{model: gpt-5*, rpd: 5}, {model: gpt-4o, rpd: 1}]")
    assert buckets(gateway)["project", "gpt-5*", "rpd"]["remaining"] == 3
    begun.change("limits: [{model: gpt-5*, rpd: 2}]")
    assert is_refused_by(ask(gateway), "tests/gpt-5*/rpd", 2)
    begun.change("limits: [{model: gpt-5*, rpd: 3}]")
    assert [ask(gateway).status for _ in range(2)] == [200, 429]
    begun.change("")
    assert ask(gateway).status == 200


def test_a_limit_that_a_reload_brings_knows_the_slots_of_its_own_time_only(begin, play):
    """What began without the limit gives nothing back that it did not take."""
    gate = Gate(billed(tokens(8, 1)))
    begun = begin(play(gate))

    with under_way(begun.gateway, gate, 2):
        begun.change("limits: [{concurrent: 1, tpd: 1000}]")

    after = buckets(await_rest(begun.gateway))
    assert after["project", "*", "concurrent"]["remaining"] == 1
    assert after["project", "*", "tpd"]["remaining"] <= 1000


def test_projects_do_not_share_their_limits(begin, simulator):
    gateway = begin(
        simulator, "limits: [{rpd: 1}]", others=second_project("limits: [{rpd: 1}]")
    ).gateway

    assert [ask(gateway, key=SECOND_KEY).status for _ in range(2)] == [200, 429]
    assert ask(gateway).status == 200


def test_metrics_tell_of_refusals_and_of_what_is_left(begin, simulator):
    gateway = begin(simulator, "limits: [{model: gpt-5*, rpd: 2, concurrent: 4}]").gateway
    for _ in range(3):
        ask(gateway)

    await_rest(gateway)
    refused = gateway.metric(
        "headgate_refused_total", project="tests", reason="rate_limit_exceeded", kind="rpd"
    )
    ratio = {
        kind: gateway.metric(
            "headgate_limit_remaining_ratio",
            scope="project",
            project="tests",
            model="gpt-5*",
            kind=kind,
        )
        for kind in ("rpd", "concurrent")
    }
    assert refused == 1
    assert ratio["rpd"] < 0.01 and ratio["concurrent"] == 1


def test_the_official_sdk_waits_as_long_as_it_is_told_and_is_served(begin, simulator):
    gateway = begin(simulator, "limits: [{rpm: 60}]").gateway
    wait_for(lambda: ask(gateway).status == 429, "the first refusal")

    with sdk(gateway, max_retries=4) as client:
        answer = client.chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": "Hello"}]
        )
    with sdk(gateway) as client, pytest.raises(openai.RateLimitError) as refused:
        for _ in range(60):
            client.chat.completions.create(
                model="gpt-5-mini", messages=[{"role": "user", "content": "Hello"}]
            )

    assert answer.choices[0].message.content
    assert refused.value.code == "rate_limit_exceeded"
    assert refused.value.response.headers["x-headgate-reason"].startswith("limit=tests/*/rpm;")


def test_the_row_of_a_refusal_costs_nothing_and_says_why(begin, simulator):
    gateway = begin(simulator, "limits: [{rpd: 1}]").gateway
    ask(gateway)

    refused = ask(gateway)

    row = ledger_row(gateway, refused.headers["x-request-id"])
    assert (row["status"], row["code"]) == (429, "rate_limit_exceeded")
    assert (row["outcome"], row["attempts"], row["cost_usd"]) == ("refused", [], "0")
