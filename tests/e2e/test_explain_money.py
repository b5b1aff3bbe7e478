"""Limits, budgets and prices as `explain`, `test` and the admin call tell them, and as serving has them."""

import json
import urllib.parse

import pytest
from support.admin import ask_admin, buckets, budget
from support.money import Gate, ask, await_rest, billed, books, post, tokens, under_way
from support.policy import CLIENT_KEY, sha256
from support.process import run
from support.scripted_upstream import CHAT, chat_body, outcome

POLICY = f"""
providers:
  openai: {{kind: openai, api_key: "${{NO_SUCH_VARIABLE_HERE}}"}}
organization:
  limits: [{{model: "*", rpm: 10000}}]
projects:
  search:
    keys:
      - {{name: prod, sha256: {sha256(CLIENT_KEY)}}}
      - {{name: old, sha256: {sha256("old")}, expires: 2020-01-01}}
      - {{name: laptop, sha256: {sha256("laptop")}, limits: [{{rpm: 60}}]}}
    limits: [{{model: gpt-5*, rpm: 600, tpm: 300k, concurrent: 64}}]
    max_output: 32k
    budget: {{usd: 250, per: month}}
  capped:
    keys: [{{name: prod, sha256: {sha256("capped")}}}]
    max_output: 32k
    budget: {{usd: 1, per: day, when_tight: cap}}
prices:
  my-own: {{input: 0.10, output: 0.20, cached_input: 0.01}}
"""

TESTS = """
tests:
  - name: one request of the worked example
    given: {project: search, model: gpt-5, usage: {input: 2000, output: 500}}
    expect: {status: 200, cost_usd: "0.0075", reserved_usd: 0.320125}
  - name: a thousand of them
    given: {project: search, model: gpt-5, usage: {input: 2M, output: 500k}}
    expect: {cost_usd: "7.50"}
  - name: a thousand of them cached
    given: {project: search, model: gpt-5, usage: {cached_input: 2M, output: 500k}}
    expect: {cost_usd: 5.25}
  - name: an empty budget refuses
    given: {project: search, model: gpt-5, budget_used: 100%}
    expect: {status: 429, code: insufficient_quota, attempts: []}
  - name: more tokens than the limit holds
    given: {project: search, model: gpt-5, input_tokens: 270k}
    expect: {status: 413, code: tokens_exceeded}
  - name: an old key
    given: {project: search, key: old, model: gpt-5}
    expect: {status: 401, code: expired_api_key}
"""


@pytest.fixture
def explain(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)

    def asked(*options, project="search", model="gpt-5"):
        return run("explain", "--config", path, "--project", project, "--model", model, *options)

    return asked


def told(done):
    return json.loads(done.stdout)


def test_json_tells_limits_reservation_and_price(explain):
    done = explain("--json")

    assert done.returncode == 0, done.stderr
    found = told(done)
    assert found["limits"] == [
        {
            "scope": scope,
            "model": model,
            "kind": kind,
            "limit": limit,
            "remaining": limit,
            "takes": takes,
        }
        for scope, model, kind, limit, takes in [
            ("organization", "*", "rpm", 10_000, 1),
            ("project", "gpt-5*", "rpm", 600, 1),
            ("project", "gpt-5*", "tpm", 300_000, 32_100),
            ("project", "gpt-5*", "concurrent", 64, 1),
        ]
    ]
    assert found["reservation"] == {
        "input_tokens": 100,
        "output_tokens": 32_000,
        "usd": "0.320125",
    }
    assert found["price"]["source"] == "catalogue"


def test_a_price_of_the_policy_is_told_as_such(explain):
    found = told(explain("--json", model="my-own"))

    assert found["price"] == {
        "input": "0.1",
        "output": "0.2",
        "cached_input": "0.01",
        "source": "policy",
    }
    assert found["reservation"]["usd"] == "0.00641"


@pytest.mark.parametrize(
    ("options", "model", "status", "code", "words"),
    [
        (["--budget-used", "100%"], "gpt-5", 429, "insufficient_quota", "search: 250 spent of 250 USD a month"),
        (["--input-tokens", "270000"], "gpt-5", 413, "tokens_exceeded", "takes 302,000: does not fit"),
        ([], "my-unpriced", 400, "price_unknown", "cost unknown (openai/my-unpriced)"),
        (["--header", "x-headgate-max-cost-usd=0.3"], "gpt-5", 400, "max_cost_exceeded", "0.320125 USD"),
    ],
)  # fmt: skip
def test_what_limits_and_budgets_refuse_exits_1_and_says_why(
    explain, options, model, status, code, words
):
    shown = explain(*options, model=model)
    done = explain(*options, "--json", model=model)

    assert (shown.returncode, done.returncode) == (1, 1)
    assert shown.stdout.startswith(f"Refused: {status} {code}: ")
    assert words in shown.stdout, shown.stdout
    assert all(len(line) <= 100 for line in shown.stdout.splitlines())
    found = told(done)
    assert (found["served"], found["status"], found["code"]) == (False, status, code)
    assert found["attempts"] == []
    assert found["reservation"]["output_tokens"] == 32_000


def test_a_lowered_output_cap_is_told(explain):
    shown = explain("--budget-used", "90%", project="capped")
    found = told(explain("--budget-used", "90%", "--json", project="capped"))

    assert shown.returncode == 0
    assert "the output cap was lowered to" in shown.stdout
    assert found["reservation"] == {"input_tokens": 100, "output_tokens": 9987, "usd": "0.099995"}


def test_policy_tests_compare_money_and_limits(explain, tmp_path):
    tests = tmp_path / "tests.yaml"
    tests.write_text(TESTS)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(TESTS.replace("0.320125", "0.32"))
    config = tmp_path / "policy.yaml"

    done = run("test", "--config", config, tests)
    failed = run("test", "--config", config, wrong)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "6 passed, 0 failed"
    assert failed.returncode == 1
    assert failed.stdout.splitlines()[0] == (
        "FAIL one request of the worked example: reserved_usd: 0.320125, expected 0.32"
    )


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


def live(gateway, **parameters):
    """The admin call's answer for a chat request of the project `tests`."""
    asked = {"project": "tests", "model": "gpt-5-mini", **parameters}
    return ask_admin(gateway, "/headgate/v1/explain?" + urllib.parse.urlencode(asked))


def remaining(explanation):
    return {each["kind"]: each["remaining"] for each in explanation["limits"]}


def test_the_admin_call_tells_what_is_left_now(begin, play):
    gate = Gate(billed(tokens(8, 4)))
    limits = "limits: [{model: gpt-5*, rpd: 100, tpd: 100k, concurrent: 3}]"
    gateway = begin(play(gate), limits, organization='limits: [{model: "*", rpd: 7}]').gateway

    with under_way(gateway, gate, 2, max_completion_tokens=1000):
        busy = live(gateway)

    assert [each["scope"] for each in busy["limits"]] == ["organization"] + 3 * ["project"]
    assert [each["remaining"] for each in busy["limits"] if each["kind"] == "rpd"] == [5, 98]
    assert remaining(busy)["concurrent"] == 1
    assert abs(remaining(busy)["tpd"] - (100_000 - 2 * 1008)) < 100  # it drains meanwhile
    assert busy["served"] is True
    idle = live(await_rest(gateway))
    assert remaining(idle)["concurrent"] == 3
    assert remaining(idle)["tpd"] >= 100_000 - 2 * 12
    # Each answer of 4 tokens has taken a fifth from what is expected of the model, first 1,000.
    assert idle["limits"][2]["takes"] == 100 + 641


def test_explaining_counts_nothing(begin, simulator):
    settings = "limits: [{model: gpt-5*, rpd: 100, concurrent: 1}]\nbudget: {usd: 1, per: total}"
    gateway = begin(simulator, settings).gateway
    assert ask(gateway).status == 200
    await_rest(gateway)

    def counters():
        levels = {name: each["remaining"] for name, each in buckets(gateway).items()}
        return levels, budget(gateway), gateway.metric("headgate_requests_total")

    before = counters()

    explanations = [live(gateway) for _ in range(200)]

    assert all(each["served"] for each in explanations)
    assert counters() == before


def test_what_it_refuses_serving_refuses(begin, simulator):
    gateway = begin(simulator, "limits: [{model: gpt-5*, rpd: 3}]").gateway

    found = []
    for _ in range(5):
        explanation = live(gateway)
        found.append((explanation["status"], explanation["code"]))
        answer = ask(gateway)
        assert (answer.status, outcome(answer)[1]) == found[-1]

    assert found == 3 * [(200, None)] + 2 * [(429, "rate_limit_exceeded")]


def test_a_budget_that_runs_hold_refuses_in_both(begin, play):
    gate = Gate(billed(tokens(8, 4)))
    gateway = begin(play(gate), "max_output: 1000\nbudget: {usd: 0.003, per: total}").gateway

    with under_way(gateway, gate):
        busy = live(gateway)
        answer = ask(gateway)

    assert outcome(answer) == (429, "insufficient_quota")
    assert (busy["status"], busy["code"]) == (429, "insufficient_quota")
    assert busy["attempts"] == []
    assert live(await_rest(gateway))["served"] is True


def test_the_route_follows_what_is_used_of_the_budget(begin, play):
    extra = """
    routes:
      - name: tight
        model: gpt-5*
        when: {budget_used: ">= 50%"}
        targets: [{provider: upstream, model: gpt-5-nano}]
      - {name: usual, model: gpt-5*, targets: [{provider: upstream}]}
    """
    gate = Gate(billed(tokens(8000, 1000)))  # $0.004
    gate.open()
    settings = "max_output: 1000\nbudget: {usd: 0.006, per: total}"
    gateway = begin(play(gate), settings, extra=extra).gateway

    assert live(gateway)["route"] == "usual"
    assert ask(gateway).status == 200
    assert live(await_rest(gateway))["route"] == "tight"


def test_bytes_as_tokens_tell_what_serving_reserves(begin, simulator, tmp_path):
    """The same refusal, word for word, where the input's bound is given as its tokens."""
    settings = "max_output: 1000\nbudget: {usd: 0.002, per: month}"
    gateway = begin(simulator, settings).gateway
    bound = len(chat_body()) + 256  # what a template adds at most

    answer = ask(gateway)
    shown = run(
        "explain", "--config", gateway.policy_path, "--project", "tests", "--model", "gpt-5-mini",
        "--input-tokens", bound,
    )  # fmt: skip

    assert outcome(answer) == (429, "insufficient_quota")
    message = json.loads(answer.body)["error"]["message"]
    assert f"{bound} tokens in and 1000 out at most" in message
    wrapped = shown.stdout.split("\n\n")[0]
    assert " ".join(wrapped.split()) == f"Refused: 429 insufficient_quota: {message}"


def test_a_limit_that_can_never_hold_it_refuses_in_the_same_words(begin, simulator):
    gateway = begin(simulator, "limits: [{model: gpt-5*, tpm: 500}]").gateway

    answer = ask(gateway, max_completion_tokens=1000)

    assert outcome(answer) == (413, "tokens_exceeded")
    message = json.loads(answer.body)["error"]["message"]
    guess = int(message.split("about ")[1].split()[0]) - 1000
    shown = run(
        "explain", "--config", gateway.policy_path, "--project", "tests", "--model", "gpt-5-mini",
        "--input-tokens", guess, "--max-output", 1000,
    )  # fmt: skip
    wrapped = shown.stdout.split("\n\n")[0]
    assert " ".join(wrapped.split()) == f"Refused: 413 tokens_exceeded: {message}"


def test_the_lowered_cap_is_the_one_that_goes_upstream(begin, simulator):
    settings = "max_output: 1000\nbudget: {usd: 0.001, per: total, when_tight: cap}"
    gateway = begin(simulator, settings).gateway
    bound = len(chat_body()) + 256

    answer = post(gateway, CHAT, json.loads(chat_body()))
    found = told(
        run(
            "explain", "--config", gateway.policy_path, "--project", "tests", "--model", "gpt-5-mini",
            "--input-tokens", bound, "--json",
        )
    )  # fmt: skip

    assert answer.status == 200
    assert found["reservation"]["output_tokens"] == int(answer.headers["x-headgate-output-cap"])
