"""Limits that processes share in Redis: exact over all of them; and which Redis serves."""

import threading
import time

import pytest
from support.admin import readiness
from support.crowd import Crowd
from support.money import SECOND_KEY, ask, billed, cost_of, second_project, tokens
from support.redis_books import RedisBooks
from support.redis_server import RedisCluster, RedisServer
from support.scripted_upstream import outcome
from support.shared_stores import *
from support.waiting import wait_for

CLOSED = {"on_redis_failure": "closed"}
UNAVAILABLE = (503, "limits_unavailable")
REFUSED = (429, "rate_limit_exceeded")

pytestmark = needs_redis


def until_decided(gateway, **changes):
    """Asks until Redis has answered in time: a machine that is busy may make it late."""
    while outcome(answer := ask(gateway, **changes)) == UNAVAILABLE:
        pass
    return answer


def test_requests_a_day_are_exact_over_three_processes(install, simulator):
    three = install(simulator, "limits: [{rpd: 100}]", state=CLOSED)
    three.await_redis()

    with Crowd(three.addresses, clients=48) as crowd:
        crowd.await_answers(200, lambda told: told.status == 429)

    assert len(crowd.served) == 100, crowd.counts()
    assert crowd.counts().keys() <= {(200, ""), REFUSED, UNAVAILABLE}
    refused = next(told for told in crowd.told if told.status == 429)
    assert refused.reason.startswith("limit=tests/*/rpd; limit-is=100; resets="), refused.reason


def test_requests_a_minute_are_exact_over_three_processes(install, simulator):
    three = install(simulator, "limits: [{rpm: 600}]", state=CLOSED)
    three.await_redis()
    began = time.monotonic()

    with Crowd(three.addresses, clients=48) as crowd:
        crowd.await_answers(50, lambda told: told.status == 429)
    took = time.monotonic() - began

    assert 600 <= len(crowd.served) <= 600 + 10 * took + 1, (crowd.counts(), took)


def test_tokens_a_day_are_never_above_the_limit_over_three_processes(install, simulator):
    three = install(simulator, "limits: [{tpd: 20000}]", state=CLOSED)
    three.await_redis()

    with Crowd(three.addresses, clients=48) as crowd:
        crowd.await_answers(200, lambda told: told.status == 429)

    three.await_rest()
    served = {told.id for told in crowd.served}
    rows = three.rows(lambda rows: served <= {row["id"] for row in rows})
    used = [r["input_tokens"] + r["output_tokens"] for r in rows if r["id"] in served]
    assert sum(used) <= 20000
    assert sum(used) > 20000 - 2 * max(used) - 100  # what one request more is thought to need


class Counting:
    """A provider's script that counts how many requests it has at once."""

    def __init__(self, most):
        self.most = 0
        self._full = most
        self._now = 0
        self._lock = threading.Lock()
        self.is_full = threading.Event()

    def __call__(self, link):
        while link.request():
            with self._lock:
                self._now += 1
                self.most = max(self.most, self._now)
                if self._now == self._full:
                    self.is_full.set()
            # The first ones wait for each other, later ones for nobody.
            self.is_full.wait(20)
            with self._lock:
                self._now -= 1
            link.send(billed(tokens(8, 1)))


def test_slots_are_exact_over_three_processes(install, play, redis):
    provider = Counting(8)
    three = install(play(provider), "limits: [{concurrent: 8}]", state=CLOSED)
    three.await_redis()

    with Crowd(three.addresses, clients=48, pause=0.002) as crowd:
        crowd.await_answers(200, lambda told: told.status == 200)

    assert provider.most == 8
    assert crowd.counts().keys() <= {(200, ""), REFUSED, UNAVAILABLE}, crowd.counts()
    with RedisBooks(redis) as books:
        wait_for(lambda: books.slots() == 0, "all slots to be free")


def test_without_redis_each_process_has_its_share(install, simulator, redis):
    three = install(simulator, "limits: [{rpd: 90}]", workers=2, state={"replicas": 3})
    three.await_redis()
    redis.kill()
    wait_for(three.is_redis_away, "all to notice")

    for gateway in three.gateways:
        statuses = [ask(gateway).status for _ in range(40)]
        assert statuses == [200] * 30 + [429] * 10
        assert "redis is away" in readiness(gateway)["warnings"]


def test_a_gateway_that_starts_without_redis_serves_and_counts_there_later(
    install, simulator, redis
):
    redis.kill()
    one = install(simulator, "budget: {usd: 1}\nlimits: [{rpd: 1000}]", count=1)
    gateway = one.gateways[0]
    wait_for(lambda: ask(gateway, max_completion_tokens=50).status == 200, "an answer")
    answers = [ask(gateway, max_completion_tokens=50) for _ in range(5)]
    one.await_rest()

    redis.start()
    one.await_redis()

    rows = one.rows(lambda rows: len(rows) >= 6)
    spent = sum(map(cost_of, answers))
    with RedisBooks(redis) as books:
        wait_for(lambda: books.budget()[0] >= spent, "the sum in Redis")
        booked = sum(float(row["cost_usd"]) for row in rows)
        assert float(books.budget()[0]) == pytest.approx(booked, abs=1e-12)


def test_a_closed_policy_starts_without_redis_and_refuses_until_it_is_there(
    install, simulator, redis
):
    redis.kill()
    one = install(simulator, "limits: [{rpd: 1000}]", count=1, state=CLOSED)
    gateway = one.gateways[0]

    assert outcome(ask(gateway)) == UNAVAILABLE
    assert "redis is away" in readiness(gateway)["reasons"]
    redis.start()
    one.await_redis()

    assert until_decided(gateway).status == 200
    assert readiness(gateway)["ready"]


@pytest.mark.parametrize("kind", ["allkeys-lru", "volatile-lru", "allkeys-random"])
def test_a_redis_that_evicts_keys_keeps_a_gateway_from_starting(kind, install, simulator):
    with (
        RedisServer("--maxmemory", "100mb", "--maxmemory-policy", kind) as evicting,
        pytest.raises(AssertionError, match=kind),
    ):
        install(simulator, "limits: [{rpd: 9}]", redis=evicting.url, count=1, records="none")


def test_a_redis_with_a_password_serves_and_the_password_is_told_to_nobody(install, simulator):
    password = "p@ss:word/0123"
    with RedisServer(password=password) as guarded:
        one = install(simulator, "limits: [{rpd: 3}]", redis=guarded.url, count=1, state=CLOSED)
        one.await_redis()
        gateway = one.gateways[0]

        assert [until_decided(gateway).status for _ in range(4)] == [200] * 3 + [429]
        guarded.kill()
        wait_for(one.is_redis_away, "the process to notice")
        assert outcome(ask(gateway)) == UNAVAILABLE
        assert "p@ss" not in gateway.stderr and "p%40ss" not in gateway.stderr


def test_a_wrong_password_is_as_no_redis_and_told(install, simulator):
    with RedisServer(password="right-0123456789") as guarded:
        wrong = guarded.url.replace("right-", "wrong-")
        one = install(simulator, "limits: [{rpd: 3}]", redis=wrong, count=1, state=CLOSED)

        assert outcome(ask(one.gateways[0])) == UNAVAILABLE
        assert "wrong-0123" not in one.gateways[0].stderr
        assert "password" in one.gateways[0].stderr.lower()


def test_limits_by_unix_socket(install, simulator, tmp_path):
    place = tmp_path / "redis.sock"
    with RedisServer("--unixsocket", place):
        one = install(simulator, "limits: [{rpd: 3}]", redis=f"redis+unix://{place}", count=1)
        one.await_redis()

        assert [until_decided(one.gateways[0]).status for _ in range(4)] == [200] * 3 + [429]


@pytest.mark.timeout(180)
def test_projects_spread_over_a_cluster_and_their_limits_are_exact(install, simulator):
    other = second_project("limits: [{rpd: 10}]\nbudget: {usd: 1}")
    with RedisCluster() as cluster:
        both = install(
            simulator,
            "limits: [{rpd: 10}]\nbudget: {usd: 1}",
            redis=cluster.url,
            count=2,
            others=other,
            state=CLOSED | {"shard_by": "project"},
        )
        both.await_redis()

        for key in ({}, {"key": SECOND_KEY}):
            statuses = [until_decided(both.gateways[n % 2], **key).status for n in range(12)]
            assert statuses == [200] * 10 + [429] * 2
        for project in ("tests", "second"):
            key = f"{{hg:default:{project}}}:limits"
            assert cluster.master_of(key).cli("EXISTS", key) == "1"
