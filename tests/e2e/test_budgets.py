"""Budgets: the worst case is held while a request runs, then the cost is booked."""

import json
from decimal import Decimal

import openai
import pytest
from support.admin import budget, call, ledger_row
from support.money import (
    SECOND_KEY,
    Gate,
    ask,
    await_rest,
    await_rows,
    billed,
    books,
    cost_of,
    is_refused_by_budget,
    post,
    second_project,
    spent,
    tokens,
    total,
    under_way,
)
from support.routes import in_turn, route, routes, stay_silent
from support.scripted_upstream import outcome
from support.sdk import sdk

# What gpt-5-mini costs, a token.
INPUT, OUTPUT = Decimal("0.00000025"), Decimal("0.000002")


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


def test_the_worst_case_is_held_while_a_request_runs_and_the_cost_is_booked(begin, play):
    gate = Gate(billed(tokens(8, 12)))
    gateway = begin(play(gate), "budget: {usd: 1, per: month}").gateway

    with under_way(gateway, gate, max_completion_tokens=1000) as answers:
        during = budget(gateway)

    worst = during["reserved_usd"]
    assert 1000 * OUTPUT < worst < 1000 * OUTPUT + 1000 * INPUT
    assert during["spent_usd"] == 0
    assert during["remaining_usd"] == 1 - worst
    assert cost_of(answers[0]) == 8 * INPUT + 12 * OUTPUT
    assert spent(gateway) == cost_of(answers[0])
    assert total(await_rows(gateway, 1)) == cost_of(answers[0])


def test_every_choice_is_held(begin, play):
    gate = Gate(billed(tokens(8, 12)))
    gateway = begin(play(gate), "budget: {usd: 1}").gateway

    with under_way(gateway, gate, max_completion_tokens=1000, n=8):
        assert budget(gateway)["reserved_usd"] > 8000 * OUTPUT


def test_the_dearest_target_of_the_plan_is_held(begin, play):
    gate = Gate(billed(tokens(8, 12)))
    targets = [{"provider": "upstream"}, {"provider": "upstream", "model": "gpt-5"}]
    gateway = begin(play(gate), "budget: {usd: 1}", extra=routes(route(*targets))).gateway

    with under_way(gateway, gate, max_completion_tokens=1000):
        assert budget(gateway)["reserved_usd"] > 1000 * Decimal("0.00001")


def test_what_the_worst_case_does_not_fit_into_is_refused_and_goes_nowhere(begin, play):
    upstream = play(in_turn(billed(tokens(8, 12))))
    gateway = begin(upstream, "budget: {usd: 0.001, per: day}").gateway

    refused = ask(gateway, max_completion_tokens=1000)
    served = ask(gateway, max_completion_tokens=400)

    assert is_refused_by_budget(refused, "tests", "0.001")[:2] == (0, 0)
    assert "a day" in json.loads(refused.body)["error"]["message"]
    assert served.status == 200
    assert len(upstream.requests) == 1
    row = ledger_row(gateway, refused.headers["x-request-id"])
    assert (row["outcome"], row["code"], row["cost_usd"]) == ("refused", "insufficient_quota", "0")
    assert (
        gateway.metric("headgate_refused_total", project="tests", reason="insufficient_quota") == 1
    )


def test_the_official_sdk_does_not_try_again_in_vain(begin, simulator):
    gateway = begin(simulator, "budget: {usd: 0.000001}").gateway

    with sdk(gateway, max_retries=5) as client, pytest.raises(openai.RateLimitError) as refused:
        client.chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": "Hello"}]
        )

    assert refused.value.code == refused.value.type == "insufficient_quota"
    await_rows(gateway, 1)


def test_a_refusal_takes_nothing(begin, simulator):
    gateway = begin(
        simulator, "budget: {usd: 0.001}\nlimits: [{rpd: 5}]", organization="budget: {usd: 1}"
    ).gateway

    for _ in range(10):
        is_refused_by_budget(ask(gateway, max_completion_tokens=1000), "tests", "0.001")

    assert budget(gateway)["reserved_usd"] == 0
    assert gateway.metric("headgate_budget_reserved_usd") == 0
    answer = ask(gateway, max_completion_tokens=1)
    assert answer.headers["x-ratelimit-remaining-requests"] == "4"


def test_the_organizations_budget_is_one_for_all_projects(begin, play):
    upstream = play(in_turn(billed(tokens(8, 400))))
    gateway = begin(
        upstream,
        "budget: {usd: 1}",
        organization="budget: {usd: 0.002, per: week}",
        others=second_project(),
    ).gateway

    first = ask(gateway, max_completion_tokens=500)
    other = ask(await_rest(gateway), key=SECOND_KEY, max_completion_tokens=500)
    refused = [ask(await_rest(gateway), key=key, max_completion_tokens=500) for key in KEYS]

    assert (first.status, other.status) == (200, 200)
    for answer in refused:
        money = is_refused_by_budget(answer, "organization", "0.002")
        assert money[0] == cost_of(first) + cost_of(other)
    assert gateway.metric("headgate_budget_spent_usd", scope="organization") > 0
    assert spent(gateway) == cost_of(first)


KEYS = ["hg-test-0123456789abcdefghijklmnopqrstuvwxyz", SECOND_KEY]


def sent_by(simulator):
    return json.loads(simulator.requests()[-1]["body"])


@pytest.mark.parametrize(
    ("path", "fields", "cap"),
    [
        ("/v1/chat/completions", {"messages": []}, "max_completion_tokens"),
        ("/v1/responses", {"input": "Hello"}, "max_output_tokens"),
    ],
    ids=["chat", "responses"],
)
def test_max_output_caps_what_sets_no_cap_itself(begin, simulator, path, fields, cap):
    gateway = begin(simulator, "max_output: 32\nbudget: {usd: 1}").gateway
    if "messages" in fields:
        fields = {"messages": [{"role": "user", "content": "Hello"}]}

    capped = post(gateway, path, {"model": "gpt-5-mini", **fields})
    sent = sent_by(simulator)
    own = post(gateway, path, {"model": "gpt-5-mini", cap: 40, **fields})

    assert sent[cap] == 32
    assert capped.headers["x-headgate-output-cap"] == "32"
    assert sent_by(simulator)[cap] == 40
    assert "x-headgate-output-cap" not in own.headers
    rows = await_rows(gateway, 2)
    assert [row["output_tokens"] for row in rows] == [32, 40]


def test_max_output_is_what_a_budget_holds(begin, play):
    gate = Gate(billed(tokens(8, 12)))
    gateway = begin(play(gate), "max_output: 500\nbudget: {usd: 1}").gateway

    with under_way(gateway, gate):
        assert 500 * OUTPUT < budget(gateway)["reserved_usd"] < 500 * OUTPUT + 1000 * INPUT


def test_a_tight_budget_lowers_the_cap_as_far_as_it_must(begin, simulator):
    gateway = begin(
        simulator, "budget: {usd: 0.0004, when_tight: cap}", others=second_project()
    ).gateway

    first = ask(gateway, max_completion_tokens=5000)
    cap = int(first.headers["x-headgate-output-cap"])
    sent = sent_by(simulator)["max_completion_tokens"]
    caps = [cap]
    while (answer := ask(await_rest(gateway))).status == 200:
        caps.append(int(answer.headers["x-headgate-output-cap"]))
        assert len(caps) < 20

    assert sent == cap
    assert cap < 200 and cap * OUTPUT < Decimal("0.0004")
    assert caps == sorted(caps, reverse=True)
    is_refused_by_budget(answer, "tests", "0.0004")
    assert spent(gateway) <= Decimal("0.0004")
    assert "x-headgate-output-cap" not in ask(gateway, key=SECOND_KEY).headers


def test_a_client_may_name_the_most_that_a_request_may_cost(begin, simulator):
    begun = begin(simulator)
    gateway = begun.gateway
    for settings in ("", "budget: {usd: 1}"):
        begun.change(settings)

        refused = ask(gateway, headers=[("x-headgate-max-cost-usd", "0.001")])
        served = ask(
            gateway, headers=[("x-headgate-max-cost-usd", "0.001")], max_completion_tokens=100
        )
        senseless = ask(gateway, headers=[("x-headgate-max-cost-usd", "much")])

        assert outcome(refused) == (400, "max_cost_exceeded")
        assert refused.headers["x-should-retry"] == "false"
        assert "0.001" in json.loads(refused.body)["error"]["message"]
        assert served.status == 200
        assert outcome(senseless)[0] == 400


def test_what_is_used_of_a_budget_chooses_the_route(begin, play):
    """Spent and reserved together."""
    upstream = play(in_turn(billed(tokens(8, 500))))
    gateway = begin(
        upstream,
        "budget: {usd: 0.0025}",
        extra=routes(
            route(
                {"provider": "upstream", "model": "gpt-5-nano"},
                name="tight",
                when={"budget_used": ">= 40%"},
            ),
            route("upstream", name="usual"),
        ),
    ).gateway

    answers = [ask(await_rest(gateway), max_completion_tokens=500) for _ in range(3)]

    taken = [answer.headers["x-headgate-route"] for answer in answers]
    assert taken == ["usual", "tight", "tight"]
    assert answers[1].headers["x-headgate-model"] == "gpt-5-nano"


def test_a_budget_in_shadow_counts_and_lets_pass(begin, simulator):
    gateway = begin(simulator, "budget: {usd: 0.0001, mode: shadow}").gateway

    answers = [ask(gateway, max_completion_tokens=50) for _ in range(4)]

    costs = [cost_of(answer) for answer in answers]
    assert spent(gateway) == sum(costs) > Decimal("0.0001")
    shadow = gateway.metric("headgate_shadow_refusals_total", project="tests", kind="budget")
    assert 3 <= shadow <= 4
    assert budget(gateway)["remaining_usd"] == 0


def test_a_budget_in_shadow_refuses_nothing_for_its_price_and_explain_says_so(begin, simulator):
    gateway = begin(simulator, "budget: {usd: 1, mode: shadow}").gateway

    served = ask(gateway, model="house-model", max_completion_tokens=10)
    _, _, told = call(gateway, "/headgate/v1/explain?project=tests&model=house-model")

    assert served.status == 200 and cost_of(served) == 0
    assert told["served"] and told["status"] == 200


def test_a_bill_above_the_bound_is_booked_as_given_and_flagged(begin, play):
    upstream = play(in_turn(billed(tokens(20_000, 5000))))
    gateway = begin(upstream, "budget: {usd: 0.01}").gateway

    answer = ask(gateway, max_completion_tokens=100)

    assert cost_of(answer) == 20_000 * INPUT + 5000 * OUTPUT
    row = ledger_row(gateway, answer.headers["x-request-id"])
    assert (row["over_reserved"], row["estimated"]) == (True, False)
    assert gateway.metric("headgate_over_reserved_total", project="tests") == 1
    assert spent(gateway) == cost_of(answer)  # more than the budget: the provider's doing
    is_refused_by_budget(ask(gateway, max_completion_tokens=1), "tests", "0.01")


def test_a_further_attempt_is_made_where_one_more_worst_case_fits(begin, play):
    """An attempt that timed out may be charged: it is held beside the next one."""
    upstreams = {"silent": play(stay_silent), "second": play(in_turn(billed(tokens(8, 12))))}
    path = routes(route("silent", "second", timeouts={"first_byte": "1s"}))
    begun = begin(upstreams, "budget: {usd: 0.0025}", extra=path)

    alone = ask(begun.gateway, max_completion_tokens=1000)
    begun.change("budget: {usd: 0.005}", extra=path)
    helped = ask(begun.gateway, max_completion_tokens=1000)

    assert outcome(alone) == (504, "upstream_timeout")
    assert [len(each.requests) for each in upstreams.values()] == [2, 1]
    rows = await_rows(begun.gateway, 2)
    assert [len(row["attempts"]) for row in rows] == [1, 2]
    assert [row["estimated"] for row in rows] == [True, True]
    assert rows[0]["input_tokens"] > 0 and rows[1]["input_tokens"] == 8 + rows[0]["input_tokens"]
    assert cost_of(helped) == Decimal(rows[1]["cost_usd"])
    assert spent(begun.gateway) == total(rows)


def test_metrics_tell_of_each_budget_from_the_first_scrape(begin, simulator):
    gateway = begin(
        simulator, "budget: {usd: 2.5}", organization="budget: {usd: 9, per: day}"
    ).gateway

    def all_of(scope):
        names = ("usd", "spent_usd", "reserved_usd", "period_end_timestamp_seconds")
        return [gateway.metric(f"headgate_budget_{name}", scope=scope) for name in names]

    assert all_of("project")[:3] == [2.5, 0, 0]
    assert all_of("organization")[:3] == [9, 0, 0]
    assert all_of("project")[3] >= all_of("organization")[3] > 0
    cost = cost_of(ask(gateway))
    await_rest(gateway)
    assert all_of("project")[1] == all_of("organization")[1] == pytest.approx(float(cost))


def test_a_project_without_a_budget_says_so_and_an_unknown_one_is_404(begin, simulator):
    gateway = begin(simulator).gateway

    told = budget(gateway)
    status, _, _ = call(gateway, "/headgate/v1/projects/nobody/budget")

    assert {value for name, value in told.items() if name != "project"} == {None}
    assert status == 404
