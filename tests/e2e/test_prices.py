"""What an exchange costs: the worked example, whose price counts, usage that nobody can believe."""

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from support.admin import budget, ledger_row
from support.money import (
    ABSENT,
    ask,
    await_rest,
    await_rows,
    billed,
    billed_stream,
    books,
    cost_of,
    post,
    tokens,
    total,
)
from support.policy import UPSTREAM_KEY
from support.process import run
from support.routes import in_turn
from support.scripted_upstream import http, outcome

MILLION = 1_000_000


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


@pytest.mark.parametrize(
    ("cached", "wanted"), [(0, "7.5"), (2000, "5.25")], ids=["nothing cached", "all cached"]
)
def test_a_thousand_requests_cost_what_the_worked_example_says(begin, play, cached, wanted):
    """2,000 tokens in and 500 out on gpt-5, a thousand times: $7.50; read from a cache, $5.25."""
    upstream = play(in_turn(billed(tokens(2000, 500, cached))))
    begun = begin(upstream, "budget: {usd: 100}")
    gateway = begun.gateway

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(gateway, model="gpt-5"), range(1000)))

    costs = [cost_of(answer) for answer in answers]
    rows = await_rows(gateway, 1000)
    assert sum(costs) == total(rows) == Decimal(wanted)
    assert budget(await_rest(gateway))["spent_usd"] == Decimal(wanted)
    assert {row["cached_input_tokens"] for row in rows} == {cached}
    sums = run("usage", "--config", gateway.policy_path, "--format", "csv", cwd=begun.directory)
    assert sums.stdout.splitlines()[1].split(",")[-1] == wanted


PRICES = """
prices:
  upstream/house-*: {input: 1, output: 2}
  upstream/house-exact: {input: 3, output: 4, cached_input: 0.5}
  house-*: {input: 5, output: 6}
  house-exact: {input: 7, output: 8}
  gpt-5-nano: {input: 9, output: 10}
  "second*/gpt-4o": {input: 11, output: 12}
  tiny: {input: 0.000001, output: 0}
"""


@pytest.mark.parametrize(
    ("model", "usage", "wanted", "source"),
    [
        ("house-exact", tokens(1000, 100), 1000 * 3 + 100 * 4, "policy"),
        ("house-exact", tokens(1000, 0, cached=400), 600 * 3 + 400 * Decimal("0.5"), "policy"),
        ("house-other", tokens(1000, 100), 1000 * 1 + 100 * 2, "policy"),
        ("house-other", tokens(1000, 0, cached=400), 1000 * 1, "policy"),
        ("gpt-5-nano", tokens(1000, 100), 1000 * 9 + 100 * 10, "policy"),
        ("gpt-4o", tokens(1000, 100), 1000 * Decimal("2.5") + 100 * 10, "catalogue"),
        ("gpt-5", tokens(1000, 100, 0, 60), 1000 * Decimal("1.25") + 100 * 10, "catalogue"),
        ("gpt-5.4", tokens(272_000, 10), 272_000 * Decimal("2.5") + 10 * 15, "catalogue"),
        ("gpt-5.4", tokens(272_001, 10), 272_001 * 5 + 10 * Decimal("22.5"), "catalogue"),
        ("unheard-of", tokens(1000, 100), 0, "none"),
        ("tiny", tokens(1, 0), Decimal("0.001"), "policy"),  # rounded up to a nanodollar
        ("tiny", tokens(1001, 0), Decimal("0.002"), "policy"),
    ],
)
def test_the_price_is_the_first_that_is_found(begin, play, model, usage, wanted, source):
    gateway = begin(play(in_turn(billed(usage))), extra=PRICES).gateway

    answer = ask(gateway, model=model)

    assert cost_of(answer) == Decimal(wanted) / MILLION
    row = ledger_row(gateway, answer.headers["x-request-id"])
    assert (row["price"], row["estimated"]) == (source, False)
    assert (row["input_tokens"], row["output_tokens"]) == (
        usage["prompt_tokens"],
        usage["completion_tokens"],
    )


@pytest.mark.parametrize(
    ("asked", "told", "prices"),
    [
        ("flex", "flex", ("0.625", "5")),
        ("priority", "priority", ("2.5", "20")),
        ("priority", "default", ("1.25", "10")),  # served at the usual tier: charged so
        ("flex", None, ("0.625", "5")),
        (None, "priority", ("2.5", "20")),
    ],
)
def test_the_tier_that_served_it_sets_the_price(begin, play, asked, told, prices):
    members = {} if told is None else {"service_tier": told}
    gateway = begin(play(in_turn(billed(tokens(1000, 100), **members)))).gateway

    answer = ask(gateway, model="gpt-5", **({} if asked is None else {"service_tier": asked}))

    assert cost_of(answer) == (1000 * Decimal(prices[0]) + 100 * Decimal(prices[1])) / MILLION


def test_azure_is_charged_by_the_model_and_its_own_multiplier(begin, play):
    upstream = play(in_turn(billed(tokens(1000, 100))))
    azure = {
        "kind": "azure",
        "base_url": f"http://{upstream.address}",
        "api_key": UPSTREAM_KEY,
        "api_version": "v1",
        "deployments": {"gpt-5": "gpt-5-nano"},
        "price_multiplier": 1.1,
    }
    gateway = begin({"azure": azure}).gateway

    answer = ask(gateway, model="gpt-5")

    usual = 1000 * Decimal("1.25") + 100 * 10
    assert cost_of(answer) == usual * Decimal("1.1") / MILLION


def test_embeddings_are_charged_by_their_input(begin, play):
    told = {"object": "list", "data": [], "usage": {"prompt_tokens": 700, "total_tokens": 700}}
    gateway = begin(play(in_turn(http(json.dumps(told).encode()))), "budget: {usd: 1}").gateway

    answer = post(gateway, "/v1/embeddings", {"model": "text-embedding-3-small", "input": "Hi"})

    assert cost_of(answer) == 700 * Decimal("0.02") / MILLION


def test_pictures_without_usage_are_charged_by_our_own_count(begin, play):
    """gpt-image-1 charges a picture by its tokens: one that tells none is not free."""
    told = {"created": 1700000000, "data": [{"b64_json": "aGVhZGdhdGU="}] * 2}
    gateway = begin(play(in_turn(http(json.dumps(told).encode()))), "budget: {usd: 9}").gateway

    answer = post(
        gateway,
        "/v1/images/generations",
        {
            "model": "gpt-image-1",
            "prompt": "A gate",
            "n": 2,
            "size": "1024x1024",
            "quality": "low",
        },
    )

    row = ledger_row(gateway, answer.headers["x-request-id"])
    assert (row["images"], row["estimated"]) == (2, True)
    assert cost_of(answer) >= 2 * 272 * Decimal(40) / MILLION  # 272 tokens a low square picture


def test_a_model_without_a_price_is_refused_by_a_budget_or_free(begin, simulator):
    begun = begin(simulator, "budget: {usd: 1}")

    refused = ask(begun.gateway, model="house-model", max_completion_tokens=10)
    begun.change("budget: {usd: 1}\nunpriced_models: free")
    served = ask(begun.gateway, model="house-model", max_completion_tokens=10)
    unbounded = ask(begun.gateway, model="house-model")

    assert outcome(refused) == (400, "price_unknown")
    assert json.loads(refused.body)["error"]["param"] == "model"
    assert "house-model" in json.loads(refused.body)["error"]["message"]
    assert cost_of(served) == cost_of(unbounded) == 0
    assert budget(await_rest(begun.gateway))["spent_usd"] == 0


def test_a_tool_that_runs_at_the_provider_needs_a_price_on_a_budget(begin, simulator):
    begun = begin(simulator, "budget: {usd: 1}")
    asked = {"model": "gpt-5-mini", "input": "Hello", "tools": [{"type": "web_search"}]}

    refused = post(begun.gateway, "/v1/responses", asked)
    begun.change()
    served = post(begun.gateway, "/v1/responses", asked)

    assert outcome(refused) == (400, "price_unknown")
    assert json.loads(refused.body)["error"]["param"] == "tools"
    assert served.status == 200


# A number of tokens that nobody can have used, or that is none; as raw JSON.
SENSELESS = {
    "nothing": ABSENT,
    "null": "null",
    "no object": "7",
    "a list": "[1,2]",
    "a text": '"many"',
    "empty": "{}",
    "negative": '{"prompt_tokens":-5,"completion_tokens":3}',
    "negative output": '{"prompt_tokens":5,"completion_tokens":-3000000}',
    "texts": '{"prompt_tokens":"5","completion_tokens":"3"}',
    "a fraction": '{"prompt_tokens":5.5,"completion_tokens":3}',
    "an exponent": '{"prompt_tokens":1e300,"completion_tokens":3}',
    "beyond 64 bits": '{"prompt_tokens":99999999999999999999999,"completion_tokens":3}',
    "the largest": '{"prompt_tokens":9223372036854775807,"completion_tokens":9223372036854775807}',
    "beyond the window": '{"prompt_tokens":272001,"completion_tokens":3}',
    "beyond the output limit": '{"prompt_tokens":5,"completion_tokens":128001}',
    "half of it": '{"prompt_tokens":5}',
    "booleans": '{"prompt_tokens":true,"completion_tokens":false}',
    "nested": '{"prompt_tokens":{"prompt_tokens":1},"completion_tokens":3}',
    "more cached than read": '{"prompt_tokens":5,"completion_tokens":3,'
    '"prompt_tokens_details":{"cached_tokens":9}}',
    "negative parts": '{"prompt_tokens":5,"completion_tokens":3,'
    '"completion_tokens_details":{"reasoning_tokens":-9}}',
    "details that are none": '{"prompt_tokens":5,"completion_tokens":3,"prompt_tokens_details":7}',
}
EIGHTY_TOKENS = "The gate opens for everyone who asks. " * 10
OURS = range(56, 105)  # what our own count may make of it


def test_usage_that_cannot_be_is_replaced_by_our_own_count(begin, play):
    cases = [(name, stream) for name in SENSELESS for stream in (False, True)]
    upstream = play(
        in_turn(
            *(
                (billed_stream if stream else billed)(SENSELESS[name], content=EIGHTY_TOKENS)
                for name, stream in cases
            ),
            billed(tokens(8, 3)),
        )
    )
    gateway = begin(upstream, "budget: {usd: 1}\nlimits: [{tpd: 100M}]").gateway

    answers = [ask(gateway, stream=stream, max_completion_tokens=200) for _, stream in cases]
    honest = ask(gateway)

    assert {answer.status for answer in answers} == {200}
    rows = {row["id"]: row for row in await_rows(gateway, len(cases) + 1)}
    for (name, stream), answer in zip(cases, answers, strict=True):
        row = rows[answer.headers["x-request-id"]]
        what = (name, stream, row)
        assert row["estimated"] and row["outcome"] == "complete", what
        assert 0 < row["input_tokens"] < 50 and row["output_tokens"] in OURS, what
        assert row["reasoning_tokens"] == row["cached_input_tokens"] == 0, what
        cost = row["input_tokens"] * Decimal("0.25") + row["output_tokens"] * 2
        assert Decimal(row["cost_usd"]) == cost / MILLION, what
    assert not rows[honest.headers["x-request-id"]]["estimated"]
    assert budget(await_rest(gateway))["spent_usd"] == total(rows.values())


def test_responses_are_charged_by_their_own_usage_and_counted_where_it_lies(begin, play):
    def response(usage):
        message = {"type": "message", "content": [{"type": "output_text", "text": EIGHTY_TOKENS}]}
        told = {"id": "resp_1", "object": "response", "status": "completed", "output": [message]}
        return http(json.dumps(told | {"usage": usage}).encode())

    upstream = play(
        in_turn(
            response({"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}),
            response({"input_tokens": -9, "output_tokens": 4}),
            response(None),
        )
    )
    gateway = begin(upstream, "budget: {usd: 1}").gateway
    asked = {"model": "gpt-5-mini", "input": "Hello", "max_output_tokens": 200}

    ids = [
        post(gateway, "/v1/responses", asked).headers["x-request-id"] for _ in range(3)
    ]

    rows = [ledger_row(gateway, each) for each in ids]
    assert [row["estimated"] for row in rows] == [False, True, True]
    assert (rows[0]["input_tokens"], rows[0]["output_tokens"]) == (9, 4)
    assert all(row["output_tokens"] in OURS for row in rows[1:])
