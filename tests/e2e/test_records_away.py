"""The record store is away while requests are served: rows wait in the journal, none is lost, none
is there twice."""

import contextlib
import os
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from decimal import Decimal

import pytest
from support.admin import budget, call, ledger
from support.crowd import Crowd
from support.installation import is_up
from support.money import ask, await_rest, billed, books, tokens, total
from support.scripted_upstream import outcome
from support.shared_stores import *
from support.waiting import wait_for

BOUNDS = "budget: {usd: 100}"
PAUSE = 0.02  # of each client, so that no test has many thousands of rows


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


class Provider:
    """Counts the calls that it answers."""

    def __init__(self):
        self.calls = 0
        self._lock = threading.Lock()

    def __call__(self, link):
        while link.request():
            with self._lock:
                self.calls += 1
            link.send(billed(tokens(8, 50)))


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def upstream(play, provider):
    return play(provider)


def lose_and_regain(gateway, lose, regain, *, outage=0.0):
    """Requests before, while and after the records are away. Returns the clients."""
    with Crowd([gateway.address], clients=4, pause=PAUSE) as crowd:
        crowd.await_answers(20)
        lose()
        try:
            bear(gateway, crowd, outage)
        finally:
            regain()
        wait_for(lambda: is_up(gateway, "records"), "the records to be back", 60)
        crowd.await_answers(20)
    await_rest(gateway)
    assert crowd.counts().keys() == {(200, "")}, crowd.counts()
    return crowd


def bear(gateway, crowd, outage):
    began, first = time.monotonic(), len(crowd.told)
    wait_for(lambda: not is_up(gateway, "records"), "the gateway to notice", 60)
    crowd.await_answers(20)
    assert ask(gateway).status == 200
    wait_for(lambda: time.monotonic() >= began + outage, "the outage's end", outage + 10)
    assert gateway.metric("headgate_ledger_queue_rows") > 0
    assert {told.status for told in crowd.told[first:]} == {200}


def has_a_row_for_each_call(gateway, provider, crowd, extra=1):
    """`extra`: requests beside the clients'."""
    wait_for(lambda: gateway.metric("headgate_ledger_queue_rows") == 0, "the queue to empty", 60)
    rows = ledger(gateway)
    found = Counter(row["id"] for row in rows)
    assert set(found.values()) == {1}
    assert {told.id for told in crowd.served} <= found.keys()
    assert len(rows) == len(crowd.served) + extra == provider.calls
    costs = {row["id"]: Decimal(row["cost_usd"]) for row in rows}
    assert all(costs[told.id] == told.cost for told in crowd.served)
    assert budget(gateway)["spent_usd"] == total(rows)
    assert budget(gateway)["reserved_usd"] == 0


POSTGRES = {
    "stopped": (lambda server: server.stop(), lambda server: server.start()),
    "killed": (lambda server: server.kill(), lambda server: server.start()),
    "paused": (lambda server: server.pause(), lambda server: server.resume()),
}


@pytest.mark.parametrize("how", POSTGRES)
def test_no_row_is_lost_while_postgresql_is(how, begin, upstream, provider, postgresql, records):
    lose, regain = POSTGRES[how]
    records += "%20-cstatement_timeout%3D1000"  # a call is given up sooner
    begun = begin(upstream, BOUNDS, extra=f"state: {{records: '{records}'}}")
    gateway = begun.gateway

    crowd = lose_and_regain(gateway, lambda: lose(postgresql), lambda: regain(postgresql))

    has_a_row_for_each_call(gateway, provider, crowd)
    assert "the record store is reachable" in gateway.stderr


def test_rows_of_a_killed_gateway_follow_once_postgresql_is_back(
    begin, upstream, postgresql, records
):
    """Both die: what waited in the journal is stored by the gateway's next life."""
    settings = {"extra": f"state: {{records: '{records}'}}"}
    begun = begin(upstream, BOUNDS, **settings)
    with Crowd([begun.gateway.address], clients=4, pause=PAUSE) as crowd:
        crowd.await_answers(10)
        postgresql.kill()
        crowd.await_answers(30)
    await_rest(begun.gateway)
    begun.gateway.kill()

    gateway = begun.begin_again(BOUNDS, **settings)
    refused = ask(gateway)
    assert outcome(refused) == (503, "records_unavailable")
    assert call(gateway, "/headgate/v1/ledger")[0] == 503
    postgresql.start()
    wait_for(lambda: ask(gateway).status == 200, "the sums to be known", 60)

    await_rest(gateway)
    wait_for(lambda: gateway.metric("headgate_ledger_queue_rows") == 0, "the queue to empty")
    wait_for(lambda: call(gateway, "/headgate/v1/ledger")[0] == 200, "the ledger to be told")
    rows = ledger(gateway)
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids)) and {told.id for told in crowd.served} <= set(ids)
    assert sum(row["outcome"] == "complete" for row in rows) == len(crowd.served) + 1
    assert budget(gateway)["spent_usd"] == total(rows)


def test_no_row_is_lost_while_another_program_locks_the_database(begin, upstream, provider, scale):
    begun = begin(upstream, BOUNDS)
    other = sqlite3.connect(begun.database, isolation_level=None, check_same_thread=False)

    crowd = lose_and_regain(
        begun.gateway,
        lambda: other.execute("BEGIN EXCLUSIVE"),
        lambda: other.execute("ROLLBACK"),
        outage=scale(10, 30),
    )

    other.close()
    has_a_row_for_each_call(begun.gateway, provider, crowd)


@contextlib.contextmanager
def small_disk(place, size="256k"):
    """A file system of that size at `place`."""
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700,uid={os.getuid()}", "tmpfs", place],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def test_no_row_is_lost_while_the_disk_of_the_database_is_full(
    begin, upstream, provider, tmp_path
):
    with small_disk(tmp_path / "disk") as disk:
        place = f"sqlite:{disk}/headgate.db"
        begun = begin(upstream, BOUNDS, extra=f"state: {{records: '{place}'}}")
        ballast = disk / "ballast"

        def fill():
            with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(1024))

        crowd = lose_and_regain(begun.gateway, fill, lambda: grow(disk, ballast))

        has_a_row_for_each_call(begun.gateway, provider, crowd)
        begun.gateway.stop()


def grow(disk, ballast):
    """An operator makes room."""
    subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
    ballast.unlink()


@needs_redis
def test_processes_that_share_records_lose_no_row_while_these_are_away(
    install, upstream, postgresql, redis
):
    both = install(upstream, BOUNDS, count=2, state={"on_redis_failure": "closed"})
    both.await_redis()
    with Crowd(both.addresses, clients=4, pause=PAUSE) as crowd:
        crowd.await_answers(20)
        postgresql.kill()
        crowd.await_answers(40)
        both.kill(0)
        crowd.await_answers(20)
        postgresql.start()
        crowd.replace(0, both.begin_again(0).address)
        crowd.await_answers(20)
    both.await_rest()

    served = {told.id for told in crowd.served}
    rows = both.rows(lambda rows: served <= {row["id"] for row in rows}, seconds=60)
    assert max(Counter(row["id"] for row in rows).values()) == 1
    costs = {row["id"]: Decimal(row["cost_usd"]) for row in rows}
    assert all(costs[told.id] == told.cost for told in crowd.served)
