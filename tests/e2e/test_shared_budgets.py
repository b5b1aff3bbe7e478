"""A budget that processes share in Redis: never overspent, nothing lost, whatever happens to them
and to it."""

import contextlib
import json
import socket
import struct
import threading
from collections import Counter
from decimal import Decimal

import pytest
from support.admin import budget
from support.crowd import Crowd
from support.faults import played as faults
from support.faults.redis_faults import FAULTS, Stand
from support.installation import Watch
from support.length import IS_LONG
from support.money import Gate, ask, await_rest, billed, cost_of, tokens, total
from support.policy import CLIENT_KEY
from support.process import run
from support.redis_books import RedisBooks
from support.scripted_upstream import CHAT, chat_body, outcome
from support.shared_stores import *
from support.waiting import wait_for
from support.wire import connect, request_bytes

CLIENTS = 256
REQUESTS = 5000
LIMIT = Decimal("0.4")  # of about 4,000 requests at $0.0001
CLOSED = {"on_redis_failure": "closed"}
UNAVAILABLE = (503, "limits_unavailable")
USED_UP = (429, "insufficient_quota")

pytestmark = needs_redis


def until_served(gateway, **changes):
    """Asks until Redis has answered in time: a machine that is busy may make it late."""
    while outcome(answer := ask(gateway, **changes)) == UNAVAILABLE:
        pass
    return answer


def use_up(gateways):
    """One request after the other until none fits any more. Returns the good ones and a refusal."""
    good = []
    while True:
        gateway = gateways[len(good) % len(gateways)]
        answer = until_served(gateway, max_completion_tokens=50)
        if answer.status != 200:
            return good, answer
        good.append(answer)
        await_rest(gateway)


def needed_of(refused):
    return Decimal(refused.headers["x-headgate-reason"].rsplit("needed=", 1)[1])


def await_books(redis, spent, reserved=0, **where):
    """Until Redis has exactly that."""
    with RedisBooks(redis, **where) as books:
        wait_for(
            lambda: books.budget() == (spent, reserved),
            f"Redis to have {spent} and {reserved}; it has {books.budget()}",
        )


@pytest.mark.timeout(1200)
def test_clients_of_three_processes_use_a_budget_up_and_never_overspend_it(
    install, simulator, redis, scale
):
    count = scale(REQUESTS, 20 * REQUESTS)
    limit = LIMIT * count / REQUESTS
    all_of_it = install(simulator, f"budget: {{usd: {limit}, per: total}}", state=CLOSED)
    all_of_it.await_redis()

    with Watch(redis) as watch:
        with Crowd(all_of_it.addresses, clients=CLIENTS, requests=count) as crowd:
            crowd.join(1000)
        all_of_it.await_rest()
        more, last = use_up(all_of_it.gateways)

    assert crowd.counts().keys() <= {(200, ""), USED_UP, UNAVAILABLE}, crowd.counts()
    assert outcome(last) == USED_UP
    assert len(watch.samples) > 10 and watch.most <= limit
    assert any(reserved > 0 for _, reserved in watch.samples)
    served = {told.id: told.cost for told in crowd.served}
    served |= {answer.headers["x-request-id"]: cost_of(answer) for answer in more}
    spent = sum(served.values())
    assert 0 <= limit - spent < needed_of(last)
    await_books(redis, spent)
    for gateway in all_of_it.gateways:
        wait_for(lambda one=gateway: budget(one)["spent_usd"] == spent, "each to tell the sum")

    all_of_it.rows(lambda rows: completed(rows).keys() == served.keys(), seconds=60)
    rows = all_of_it.rows(lambda rows: True)
    assert completed(rows) == served
    assert total(rows) == spent
    assert not any(row["over_reserved"] or row["estimated"] for row in rows)
    gateway = all_of_it.gateways[0]
    told = run("usage", "--config", gateway.policy_path, "--format", "json")
    (whole,) = json.loads(told.stdout)["data"]
    assert Decimal(whole["cost_usd"]) == spent


def completed(rows):
    """{id: cost} of the whole answers; each has one row."""
    found = [row for row in rows if row["outcome"] == "complete"]
    costs = {row["id"]: Decimal(row["cost_usd"]) for row in found}
    assert len(costs) == len(found)
    return costs


def test_a_process_that_is_killed_under_load_leaves_exact_books(install, simulator, redis):
    """Restarted, it reads its journal: what was open is booked, and Redis follows the ledger."""
    settings = {"state": CLOSED}
    both = install(simulator, "budget: {usd: 5}\nlimits: [{concurrent: 64}]", count=2, **settings)
    both.await_redis()

    with Crowd(both.addresses, clients=24) as crowd:
        crowd.await_answers(300)
        both.kill(0)
        crowd.await_round()
        crowd.replace(0, both.begin_again(0).address)
        both.await_redis()
        crowd.await_round()

    assert crowd.counts().keys() <= {(200, ""), (0, ""), UNAVAILABLE}, crowd.counts()
    both.await_rest()
    served = {told.id for told in crowd.served}
    rows = both.rows(lambda rows: served <= {row["id"] for row in rows})
    assert max(Counter(row["id"] for row in rows).values()) == 1
    costs = {row["id"]: Decimal(row["cost_usd"]) for row in rows}
    assert all(costs[told.id] == told.cost for told in crowd.served)
    assert {row["outcome"] for row in rows} <= {"complete", "expired", "refused", "client_gone"}
    await_books(redis, total(rows))
    with RedisBooks(redis) as books:
        wait_for(lambda: books.slots() == 0, "all slots to be free")


def test_what_a_killed_process_had_open_is_booked_in_full_by_its_next_life(install, play, redis):
    gate = Gate(billed(tokens(8, 1)))
    one = install(play(gate), "budget: {usd: 5}\nlimits: [{concurrent: 2}]", count=1, state=CLOSED)
    one.await_redis()
    with RedisBooks(redis) as books, contextlib.ExitStack() as links:
        open_two(links, one.gateways[0], gate)
        reserved = books.budget()[1]
        assert reserved > 0 and books.slots() == 2

        one.kill(0)
        gate.open()
        gateway = one.begin_again(0)

        rows = one.rows(lambda rows: len(rows) == 2)
        assert {row["outcome"] for row in rows} == {"expired"}
        assert total(rows) == reserved
        await_books(redis, reserved)
        wait_for(lambda: books.slots() == 0, "the slots to be free")
        answer = until_served(gateway)
        await_books(redis, reserved + cost_of(answer))


def open_two(links, gateway, gate):
    """Two requests that the provider has, and does not answer."""
    for _ in range(2):
        link = links.enter_context(connect(gateway.address))
        body = chat_body(max_completion_tokens=1000)
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=body))
    gate.await_arrivals(2)


@pytest.mark.skipif(not IS_LONG, reason="waits for a lease of 15 s to end: HEADGATE_LONG=1")
def test_others_free_what_a_dead_process_held_once_its_lease_has_ended(install, play, redis):
    gate = Gate(billed(tokens(8, 1)))
    both = install(play(gate), "budget: {usd: 5}\nlimits: [{concurrent: 2}]", count=2, state=CLOSED)
    both.await_redis()
    with RedisBooks(redis) as books, contextlib.ExitStack() as links:
        open_two(links, both.gateways[0], gate)
        reserved = books.budget()[1]
        both.kill(0)
        gate.open()
        assert outcome(ask(both.gateways[1])) == (429, "rate_limit_exceeded")

        wait_for(lambda: books.slots() == 0, "the end of the lease", seconds=60)

        await_books(redis, reserved)
        answer = until_served(both.gateways[1])
        await_books(redis, reserved + cost_of(answer))
        both.begin_again(0)
        rows = both.rows(lambda rows: len(rows) >= 3)
        assert total(row for row in rows if row["outcome"] == "expired") == reserved
        await_books(redis, reserved + cost_of(answer))


def test_nothing_stays_reserved_after_a_storm_of_clients_that_hang_up(
    install, start_simulator, redis, scale
):
    slow = start_simulator("--first-byte", "5ms", "--token-delay", "5ms")
    both = install(slow, "budget: {usd: 5}\nlimits: [{concurrent: 64}]", count=2, state=CLOSED)
    both.await_redis()
    left = threading.Semaphore(0)
    is_over = threading.Event()

    def hang_up(number):
        asked = request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body(stream=number % 2 == 0))
        while not is_over.is_set():
            with connect(both.addresses[number % 2]) as link:
                link.sendall(asked)
                if number % 4 < 2:
                    link.recv(2000)
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            left.release()

    threads = [threading.Thread(target=hang_up, args=(n,), daemon=True) for n in range(16)]
    for thread in threads:
        thread.start()
    for _ in range(scale(500, 20_000)):
        assert left.acquire(timeout=60)
    is_over.set()
    for thread in threads:
        thread.join(60)

    both.await_rest()
    with RedisBooks(redis) as books:
        wait_for(lambda: books.budget()[1] == 0 and books.slots() == 0, "all to be given back", 60)
        settled = books.budget()[0]
    rows = both.rows(lambda rows: total(rows) == settled)
    assert "client_gone" in {row["outcome"] for row in rows}


@pytest.mark.parametrize("name", FAULTS)
def test_no_client_hangs_and_no_money_is_lost_when_redis_is(
    name, start, simulator, tmp_path, records
):
    fault = FAULTS[name]

    played = faults.play(fault, start, tmp_path / "installation", simulator, records)

    assert played.counts.keys() <= {(200, ""), USED_UP, UNAVAILABLE}, played.counts
    assert played.given <= played.allowance
    assert played.overshoot <= played.bound, played
    assert played.outages > 0 or played.overshoot == 0, played
    assert played.lost == 0
    assert played.answered == played.booked == played.counted, played
    assert played.reserved == 0


@pytest.mark.parametrize("mode", ["open", "closed"])
def test_a_policy_says_what_happens_while_redis_is_away(
    mode, start, simulator, tmp_path, records
):
    played = faults.play(
        FAULTS["stopped"], start, tmp_path / "installation", simulator, records, mode=mode
    )

    if mode == "open":
        assert UNAVAILABLE not in played.counts, played.counts
    else:
        assert played.given == 0 and played.overshoot == 0, played
    assert played.lost == 0
    assert played.answered == played.booked == played.counted, played


def test_without_redis_each_process_gives_a_twentieth_of_what_it_knew_was_left(
    install, simulator, redis
):
    both = install(simulator, "budget: {usd: 0.1, per: total}", count=2)
    both.await_redis()
    spent = sum(
        cost_of(until_served(gateway, max_completion_tokens=50))
        for gateway in both.gateways
        for _ in range(3)
    )
    both.await_rest()

    redis.kill()
    wait_for(both.is_redis_away, "both to notice")
    for gateway in both.gateways:
        given, last = use_up_locally(gateway)
        assert outcome(last) == UNAVAILABLE and last.headers["retry-after"]
        assert 0 < given <= (Decimal("0.1") - spent / 2) / 20
        spent += given

    redis.start()
    both.await_redis()
    await_books(redis, spent)
    spent += cost_of(until_served(both.gateways[0], max_completion_tokens=50))
    await_books(redis, spent)


def use_up_locally(gateway):
    """Returns what the answers cost, and the refusal."""
    given = Decimal(0)
    while (answer := ask(gateway, max_completion_tokens=50)).status == 200:
        given += cost_of(answer)
        await_rest(gateway)
    return given, answer


def test_a_process_that_knows_an_old_sum_overspends_by_its_allowance_at_most(
    install, simulator, redis
):
    """The only way to spend above a budget: others have used it up since this one last asked."""
    limit = Decimal("0.02")
    both = install(simulator, f"budget: {{usd: {limit}, per: total}}", count=2)
    both.await_redis()
    idle, busy = both.gateways
    spent = cost_of(until_served(idle, max_completion_tokens=50))
    good, last = use_up([busy])
    spent += sum(map(cost_of, good))
    assert outcome(last) == USED_UP and spent <= limit

    redis.kill()
    wait_for(both.is_redis_away, "both to notice")
    given, last = use_up_locally(idle)

    assert outcome(last) == UNAVAILABLE
    assert 0 < given <= limit / 20
    redis.start()
    both.await_redis()
    await_books(redis, spent + given)
    assert outcome(until_served(idle, max_completion_tokens=50)) == USED_UP


def test_dollars_bound_what_is_given_without_redis_of_a_large_budget(install, simulator, redis):
    prices = "prices: {gpt-5-mini: {input: 0, output: 4000}}"  # $0.2 for 50 tokens
    one = install(simulator, "budget: {usd: 10000}", count=1, extra=prices)
    one.await_redis()
    assert cost_of(until_served(one.gateways[0], max_completion_tokens=50)) == Decimal("0.2")

    redis.kill()
    wait_for(one.is_redis_away, "the process to notice")
    given, _ = use_up_locally(one.gateways[0])

    assert given == 1


def test_a_project_alone_has_the_sum_of_its_own_namespace(install, simulator, redis):
    budget_of_one = "budget: {usd: 0.0002, per: total}"
    blue = install(simulator, budget_of_one, count=1, state=CLOSED | {"namespace": "blue"})
    green = install(simulator, budget_of_one, count=1, state=CLOSED | {"namespace": "green"})
    blue.await_redis()
    green.await_redis()

    good, last = use_up(blue.gateways)
    assert good and outcome(last) == USED_UP
    answer = until_served(green.gateways[0], max_completion_tokens=50)

    await_books(redis, sum(map(cost_of, good)), namespace="blue")
    await_books(redis, cost_of(answer), namespace="green")


def test_a_redis_that_lost_its_data_learns_from_the_records_what_others_spent(
    install, simulator, redis
):
    """Also of a process that is gone and that nobody but the ledger knows."""
    both = install(simulator, "budget: {usd: 0.003, per: total}", count=2, state=CLOSED)
    both.await_redis()
    gone, stays = both.gateways
    answers = [until_served(gone, max_completion_tokens=50) for _ in range(20)]
    answers.append(until_served(stays, max_completion_tokens=50))
    spent = sum(map(cost_of, answers))
    both.await_rest()
    both.rows(lambda rows: len(completed(rows)) == len(answers))
    both.kill(0)

    redis.forget()

    # Needs $0.0022, for which there is room where only what `stays` has spent is known.
    refused = until_served(stays, max_completion_tokens=1100)
    assert outcome(refused) == USED_UP, refused.headers
    assert Decimal(refused.headers["x-headgate-reason"].split("spent=")[1].split(";")[0]) == spent
    await_books(redis, spent)


def test_a_process_that_is_idle_tells_a_replica_that_lags_what_it_spent(
    install, simulator, records
):
    fault = FAULTS["failed over to a replica that lags"]
    with Stand(fault) as stand:
        settings = {"redis": stand.url, "records": records, "state": CLOSED}
        both = install(simulator, "budget: {usd: 0.1, per: total}", count=2, **settings)
        both.await_redis()
        fault.early(stand)
        answers = [until_served(both.gateways[0], max_completion_tokens=50) for _ in range(20)]
        both.await_rest()

        fault.do(stand)

        await_books(stand, sum(map(cost_of, answers)))
