"""Budgets over time: periods, restarts, and reloads that raise and lower them."""

import datetime
import sqlite3

import pytest
from support.admin import budget, call
from support.money import (
    SECOND_KEY,
    ask,
    await_rest,
    billed,
    books,
    cost_of,
    is_refused_by_budget,
    second_project,
    spent,
    tokens,
)
from support.routes import in_turn


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


def test_a_reload_raises_and_lowers_a_budget_and_resets_nothing(begin, play):
    upstream = play(in_turn(billed(tokens(8, 500))))
    begun = begin(upstream, "budget: {usd: 0.002}")
    gateway = begun.gateway
    first = cost_of(ask(gateway, max_completion_tokens=500))
    await_rest(gateway)

    begun.change("budget: {usd: 0.0005}")
    told = budget(gateway)
    assert (told["spent_usd"], told["remaining_usd"]) == (first, 0)
    is_refused_by_budget(ask(gateway, max_completion_tokens=1), "tests", "0.0005")
    begun.change("budget: {usd: 0.0025}")
    second = cost_of(ask(gateway, max_completion_tokens=500))
    assert spent(gateway) == first + second
    begun.change("budget: {usd: 0.0025, per: total}")
    assert spent(gateway) == first + second
    begun.change("")
    assert budget(gateway)["limit_usd"] is None
    third = cost_of(ask(gateway, max_completion_tokens=500))
    begun.change("budget: {usd: 1}")
    assert spent(gateway) == first + second + third  # counted also while there was no budget


def midnight(day):
    return f"{day.isoformat()}T00:00:00Z"


def months_after(day, count):
    month = day.month - 1 + count
    return day.replace(year=day.year + month // 12, month=month % 12 + 1, day=1)


def test_every_period_is_summed_from_the_ledger_after_a_restart(begin, play):
    """Rows of other days are made by moving what the ledger holds, while no process has it."""
    begun = begin(play(in_turn(billed(tokens(8, 500)))), "budget: {usd: 1}")
    cost = cost_of(ask(begun.gateway))
    begun.gateway.stop()
    today = datetime.datetime.now(datetime.UTC).date()
    epoch = datetime.date(1970, 1, 1)
    days = [today - datetime.timedelta(days=back) for back in (0, 1, 7, 40, 400)]
    with sqlite3.connect(begun.database) as records:
        instance, nanos = records.execute(
            "SELECT instance, spent_nanos FROM day_sums WHERE project = 'tests'"
        ).fetchone()
        records.executemany(
            "INSERT OR REPLACE INTO day_sums VALUES(?, 'tests', ?, ?)",
            [
                ((day - epoch).days, instance, nanos * 10**place)
                for place, day in enumerate(days)
            ],
        )
    records.close()

    def since(first):
        return sum(cost * 10**place for place, day in enumerate(days) if day >= first)

    monday = today - datetime.timedelta(days=today.weekday())
    first_of_month = today.replace(day=1)
    tomorrow = today + datetime.timedelta(days=1)
    periods = {
        "day": (today, tomorrow, since(today)),
        "week": (monday, monday + datetime.timedelta(days=7), since(monday)),
        "month": (first_of_month, months_after(today, 1), since(first_of_month)),
        "total": (None, None, since(datetime.date.min)),
        f"total, since: {days[3]}": (days[3], None, since(days[3])),
        f"total, since: {tomorrow}": (tomorrow, None, 0),
    }

    begun.begin_again("budget: {usd: 1000, per: day}")
    for per, (first, end, wanted) in periods.items():
        begun.change(f"budget: {{usd: 1000, per: {per}}}")
        told = budget(begun.gateway)
        assert told["spent_usd"] == wanted, per
        assert told["starts_at"] == (first and midnight(first)), per
        assert told["ends_at"] == (end and midnight(end)), per
    begun.begin_again(f"budget: {{usd: 1000, per: total, since: {days[1]}}}")
    assert budget(begun.gateway)["spent_usd"] == since(days[1])


def test_what_was_spent_is_known_before_the_first_request_after_a_restart(begin, play):
    upstream = play(in_turn(billed(tokens(8, 500))))
    begun = begin(upstream, "budget: {usd: 0.0015}", organization="budget: {usd: 0.0025}")
    cost = cost_of(ask(begun.gateway, max_completion_tokens=500))

    gateway = begun.begin_again(
        "budget: {usd: 0.0015}", organization="budget: {usd: 0.0025}", others=second_project()
    )

    refused = ask(gateway, max_completion_tokens=500)
    assert is_refused_by_budget(refused, "tests", "0.0015")[0] == cost
    other = ask(gateway, key=SECOND_KEY, max_completion_tokens=1000)
    assert is_refused_by_budget(other, "organization", "0.0025")[0] == cost


def test_a_budget_without_records_is_refused_by_check(begin, simulator, tmp_path):
    begun = begin(simulator, "budget: {usd: 1}")
    begun.gateway.policy_path.write_text(
        begun.gateway.policy_path.read_text().replace(
            "providers:", "state: {records: none}\nproviders:", 1
        )
    )

    status, _, answer = call(begun.gateway, "/headgate/v1/reload", method="POST")

    assert status == 422
    assert any("records" in problem["message"] for problem in answer["problems"])
