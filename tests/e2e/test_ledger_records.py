"""The ledger in the record store: its rows by page, by id and by filter, and the sums over it."""

import csv
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from support.admin import ask_admin, call, ledger, ledger_row
from support.money import (
    SECOND_KEY,
    ask,
    await_ledger,
    await_rest,
    await_rows,
    billed,
    books,
    cost_of,
    second_project,
    tokens,
    total,
)
from support.policy import CLIENT_KEY
from support.process import run
from support.routes import in_turn
from support.scripted_upstream import outcome
from support.waiting import wait_for

FIELDS = [
    "id", "time", "project", "key", "endpoint", "route", "provider", "model", "requested_model",
    "status", "code", "outcome", "stream", "input_tokens", "cached_input_tokens",
    "cache_write_tokens", "output_tokens", "reasoning_tokens", "audio_tokens", "images", "cost_usd",
    "price", "estimated", "over_reserved", "cache", "saved_usd", "attempts", "skipped",
    "duration_ms", "first_byte_ms", "tags", "client_request_id", "count",
]  # fmt: skip


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


def page(gateway, **query):
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return ask_admin(gateway, f"/headgate/v1/ledger?{asked}")


def test_a_row_is_found_by_the_request_id_that_the_client_saw(begin, simulator):
    gateway = begin(simulator).gateway

    answer = ask(gateway, headers=[("x-headgate-tags", "team=a,feature=b")], stream=True)

    row = ledger_row(gateway, answer.headers["x-request-id"])
    assert list(row) == FIELDS
    assert row["tags"] == {"team": "a", "feature": "b"}
    assert (row["status"], row["outcome"], row["count"]) == (200, "complete", 1)
    assert row["stream"] is True
    assert page(gateway)["data"] == [row]
    assert gateway.log.await_row(row["id"]).items() >= row.items()  # the log's fields and more
    status, _, _ = call(gateway, "/headgate/v1/ledger/req_00000000000000000000000000")
    assert status == 404


def test_pages_hold_every_row_once_and_oldest_first(begin, simulator):
    gateway = begin(simulator).gateway
    with ThreadPoolExecutor(8) as pool:
        ids = {
            answer.headers["x-request-id"] for answer in pool.map(lambda _: ask(gateway), range(53))
        }
    await_rows(gateway, 53)

    for limit in (1, 10, 52, 53, 54, 1000):
        rows, after, pages = [], "", 0
        while after is not None:
            found = page(gateway, after=after, limit=limit)
            assert len(found["data"]) <= limit
            rows += found["data"]
            after, pages = found["next"], pages + 1
        assert {row["id"] for row in rows} == ids and len(rows) == 53
        assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
        assert pages == max(1, -(-53 // limit))


def test_rows_that_come_while_one_reads_are_on_later_pages(begin, simulator):
    gateway = begin(simulator).gateway
    for _ in range(3):
        ask(gateway)
    await_rows(gateway, 3)

    first = page(gateway, limit=2)
    late = ask(gateway).headers["x-request-id"]
    ledger_row(gateway, late)
    second = page(gateway, limit=2, after=first["next"])

    assert len(first["data"]) == len(second["data"]) == 2
    assert second["data"][-1]["id"] == late
    assert second["next"] is None


def await_next_millisecond():
    """Rows are ordered by the millisecond of their admission; within one by chance."""
    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == now:
        pass


def test_filters_by_project_and_time(begin, simulator):
    gateway = begin(simulator, others=second_project()).gateway
    for key in (CLIENT_KEY, SECOND_KEY, CLIENT_KEY):
        ask(await_rest(gateway), key=key)
        await_next_millisecond()
    rows = await_rows(gateway, 3)
    times = [row["time"] for row in rows]

    assert [row["project"] for row in rows] == ["tests", "second", "tests"]
    assert ledger(gateway, project="tests") == [rows[0], rows[2]]
    assert ledger(gateway, project="second") == [rows[1]]
    assert ledger(gateway, project="nobody") == []
    assert ledger(gateway, from_=times[0], to=times[2]) == [
        row for row in rows if times[0] <= row["time"] < times[2]
    ]
    assert ledger(gateway, from_="2099-01-01") == []
    assert ledger(gateway, from_="2020-01-01", to="2099-01-01T00:00:00Z") == rows
    assert ledger(gateway, project="tests", limit=1) == [rows[0], rows[2]]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=-1", "limit=ten", "from=yesterday", "to=2026-13-01",
     "after=%27%3B--", "nonsense=1"],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_told_so(begin, simulator, query):
    gateway = begin(simulator).gateway

    status, _, answer = call(gateway, f"/headgate/v1/ledger?{query}")

    assert status == 400
    assert answer["error"]["param"] == query.split("=")[0]


def test_many_refusals_of_a_second_are_one_row_with_their_count(begin, simulator):
    gateway = begin(simulator, "limits: [{rpd: 1}]", others=second_project()).gateway
    ask(gateway)
    with ThreadPoolExecutor(8) as pool:
        refused = list(pool.map(lambda _: ask(gateway), range(300)))
    other = ask(gateway, key=SECOND_KEY, model="gpt 5")

    assert {outcome(answer)[1] for answer in refused} == {"rate_limit_exceeded"}
    rows = await_ledger(gateway, lambda rows: sum(row["count"] for row in rows) >= 302)
    assert sum(row["count"] for row in rows) == 302
    assert len(rows) < 100
    assert {row["outcome"] for row in rows if row["count"] > 1} == {"refused"}
    by_id = {row["id"]: row for row in rows}
    assert by_id[other.headers["x-request-id"]]["count"] == 1
    ids = {answer.headers["x-request-id"] for answer in refused}
    assert all(row["id"] in ids for row in rows if row["outcome"] == "refused" and row["count"] > 1)


@pytest.mark.parametrize("durability", ["committed", "durable"])
def test_the_refusals_of_the_last_second_outlive_a_drain(begin, simulator, durability):
    begun = begin(simulator, "limits: [{rpd: 1}]", extra=f"state: {{durability: {durability}}}")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ask(begun.gateway), range(100)))

    begun.gateway.stop()  # which checks that it ended well

    rows = ledger(begun.begin_again())
    assert sum(row["count"] for row in rows) == 100


def usage(begun, *arguments):
    done = run(
        "usage", "--config", begun.gateway.policy_path, *arguments, cwd=begun.directory
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def summed(begun, *arguments):
    """The sums in JSON, once CSV and table have told the same."""
    told = json.loads(usage(begun, *arguments, "--format", "json"))["data"]
    values = [[str(value) for value in line.values()] for line in told]
    lines = list(csv.reader(io.StringIO(usage(begun, *arguments, "--format", "csv"))))
    assert lines == ([list(told[0])] if told else lines[:1]) + values
    cells = [line.split() for line in usage(begun, *arguments).splitlines()[1:]]
    assert cells == [[cell or "-" for cell in line] for line in values]
    return told


def test_usage_adds_the_ledger_up_by_whatever_one_asks_exactly(begin, play):
    upstream = play(in_turn(*(billed(tokens(100 + n, 3 * n, n)) for n in range(13))))
    begun = begin(upstream, others=second_project())
    gateway = begun.gateway
    answers = [
        ask(
            gateway,
            key=(CLIENT_KEY, SECOND_KEY)[number % 2],
            model=("gpt-5", "gpt-5-mini", "house")[number % 3],
            headers=[("x-headgate-tags", f"team={'abc'[number % 3]}")] if number % 4 else [],
        )
        for number in range(12)
    ]
    refused = ask(gateway, n=0)
    rows = await_rows(gateway, 13)

    assert refused.status == 400
    assert sum(map(cost_of, answers)) == total(rows)
    for by, names in (
        ("project", ["project"]),
        ("model", ["model"]),
        ("key,model", ["key", "model"]),
        ("provider", ["provider"]),
        ("tag:team", ["tag:team"]),
        ("project,tag:team", ["project", "tag:team"]),
    ):
        groups = {}
        for row in rows:
            of = dict(row, **{"tag:team": (row["tags"] or {}).get("team", "")})
            groups.setdefault(tuple(of[name] or "" for name in names), []).append(row)
        sums = summed(begun, "--by", by)
        assert {tuple(line[name] for name in names) for line in sums} == set(groups), by
        for line in sums:
            of_group = groups[tuple(line[name] for name in names)]
            assert Decimal(line["cost_usd"]) == total(of_group)
            assert line["requests"] == len(of_group)
            for kind in ("input_tokens", "output_tokens", "cached_input_tokens"):
                assert line[kind] == sum(row[kind] for row in of_group), (by, kind)


def test_usage_takes_the_times_that_it_is_given(begin, simulator):
    begun = begin(simulator)
    for _ in range(3):
        ask(await_rest(begun.gateway))
    rows = await_rows(begun.gateway, 3)

    (whole,) = summed(begun, "--from", "2020-01-01", "--to", "2099-01-01")
    (some,) = summed(begun, "--from", rows[1]["time"])

    assert (whole["requests"], Decimal(whole["cost_usd"])) == (3, total(rows))
    assert some["requests"] == sum(row["time"] >= rows[1]["time"] for row in rows)
    assert summed(begun, "--from", "2099-01-01") == []


def test_metrics_agree_with_the_ledger(begin, simulator):
    gateway = begin(simulator, "budget: {usd: 1}").gateway
    for _ in range(5):
        ask(gateway)
    rows = await_rows(gateway, 5)

    wait_for(lambda: gateway.metric("headgate_ledger_rows_total") == 5, "the rows in the metric")
    found = gateway.metrics()
    assert found["headgate_ledger_queue_rows"] == 0
    assert found['headgate_store_up{store="records"}'] == 1
    assert found['headgate_journal_bytes{kind="open"}'] == 0
    assert gateway.metric("headgate_budget_spent_usd") == pytest.approx(float(total(rows)))
    assert gateway.metric("headgate_unsettled_total") == 0
    assert gateway.metric("headgate_log_dropped_total") == 0


def test_an_answer_that_a_client_has_is_soon_a_row_also_under_load(begin, simulator):
    gateway = begin(simulator, access="none").gateway

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: ask(gateway, stream=n % 2 == 0), range(400)))

    rows = await_rows(gateway, 400)
    assert {row["id"] for row in rows} == {each.headers["x-request-id"] for each in answers}
    assert all(row["outcome"] == "complete" for row in rows)


def test_without_records_everything_else_serves_and_the_ledger_says_so(begin, simulator):
    gateway = begin(simulator, "limits: [{rpd: 1}]", extra="state: {records: none}").gateway

    answers = [ask(gateway) for _ in range(2)]
    status, _, answer = call(gateway, "/headgate/v1/ledger")

    assert [each.status for each in answers] == [200, 429]
    assert (status, answer["error"]["code"]) == (503, "records_unavailable")
