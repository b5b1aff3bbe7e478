"""kill -9: no answer that a client got in full lacks its row, and nothing stays reserved."""

import collections
import contextlib
import http.client
import random
import socket
import sqlite3
import struct
import threading

import pytest
from support.admin import buckets, budget, ledger
from support.money import (
    Gate,
    ask,
    await_ledger,
    await_rest,
    await_rows,
    billed,
    books,
    cost_of,
    damage,
    tokens,
    total,
)
from support.policy import CLIENT_KEY
from support.scripted_upstream import CHAT, chat_body
from support.waiting import wait_for
from support.wire import connect, request_bytes

KILLS = 10
CLIENTS = 8
BOUNDS = "budget: {usd: 100}\nlimits: [{concurrent: 64}]"


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


class Askers:
    """Clients that ask until the gateway is gone. `whole`: the ids of answers read to their end,
    and their costs where these were told."""

    def __init__(self, gateway):
        self.whole = {}
        self._gateway = gateway
        self._threads = [
            threading.Thread(target=self._ask, args=(number,), daemon=True)
            for number in range(CLIENTS)
        ]
        for thread in self._threads:
            thread.start()

    def join(self):
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a client still waits for a gateway that is gone"

    def _ask(self, number):
        link = http.client.HTTPConnection(self._gateway.address, timeout=30)
        fields = {"Authorization": f"Bearer {CLIENT_KEY}", "Content-Type": "application/json"}
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                body = chat_body(max_completion_tokens=20, stream=number % 2 == 1)
                link.request("POST", CHAT, body=body, headers=fields)
                answer = link.getresponse()
                text = answer.read()
                assert answer.status == 200, text
                self.whole[answer.headers["x-request-id"]] = answer.headers["x-headgate-cost-usd"]
        link.close()


def kill(gateway):
    gateway.child.kill()
    gateway.wait()


def test_whoever_got_a_whole_answer_is_in_the_ledger_once_after_a_kill(
    begin, start_simulator, scale
):
    seed = random.randrange(2**32)
    print("seed", seed)
    dice = random.Random(seed)
    simulator = start_simulator("--first-byte", "1ms", "--token-delay", "0ms")
    begun = begin(simulator, BOUNDS, access="none")
    whole = {}

    for _ in range(scale(KILLS, 20 * KILLS)):
        askers = Askers(begun.gateway)
        goal = dice.randrange(1, 400)
        wait_for(lambda n=goal, some=askers: len(some.whole) >= n, "answers", pause=0.001)
        kill(begun.gateway)
        askers.join()
        whole |= askers.whole
        gateway = begun.begin_again(BOUNDS, access="none")
        assert budget(gateway)["reserved_usd"] == 0
        assert buckets(gateway)["project", "*", "concurrent"]["remaining"] == 64

    rows = ledger(gateway)
    counts = collections.Counter(row["id"] for row in rows)
    assert not [each for each in counts if counts[each] > 1]
    missing = whole.keys() - counts.keys()
    assert not missing, (len(missing), len(whole))
    by_id = {row["id"]: row for row in rows}
    assert all(by_id[each]["outcome"] == "complete" for each in whole)
    assert all(cost is None or by_id[each]["cost_usd"] == cost for each, cost in whole.items())
    outcomes = collections.Counter(row["outcome"] for row in rows)
    assert outcomes.keys() <= {"complete", "expired", "client_gone"}, outcomes
    for row in rows:
        if row["outcome"] == "expired":
            assert row["status"] is None and row["estimated"], row
    assert budget(gateway)["spent_usd"] == total(rows)


def test_what_was_open_is_booked_in_full_and_told(begin, play):
    gate = Gate(billed(tokens(8, 1)))
    begun = begin(play(gate), BOUNDS)
    links = []
    for _ in range(3):
        links.append(connect(begun.gateway.address))
        links[-1].sendall(
            request_bytes(
                "POST",
                CHAT,
                key=CLIENT_KEY,
                body=chat_body(max_completion_tokens=1000),
                headers=[("x-headgate-tags", "team=a")],
            )
        )
    gate.await_arrivals(3)
    reserved = budget(begun.gateway)["reserved_usd"]

    kill(begun.gateway)
    gate.open()
    gateway = begun.begin_again(BOUNDS)

    rows = await_rows(gateway, 3)
    assert total(rows) == reserved == budget(gateway)["spent_usd"]
    assert budget(gateway)["reserved_usd"] == 0
    for row in rows:
        assert (row["outcome"], row["status"], row["estimated"]) == ("expired", None, True)
        assert row["output_tokens"] == 1000 and row["input_tokens"] > 100
        assert (row["project"], row["key"], row["provider"]) == ("tests", "pytest", "upstream")
        assert row["tags"] == {"team": "a"}
    assert gateway.metric("headgate_reservations_expired_total", project="tests") == 3
    assert "3 open exchanges" in gateway.stderr
    assert cost_of(ask(gateway)) > 0
    for link in links:
        link.close()
    begun.begin_again(BOUNDS)
    await_rows(begun.gateway, 4)  # booked once, however often it is read


def test_what_is_open_without_a_budget_is_booked_too(begin, play):
    gate = Gate(billed(tokens(8, 1)))
    begun = begin(play(gate))
    with connect(begun.gateway.address) as link:
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body(max_tokens=70)))
        gate.await_arrivals()
        kill(begun.gateway)
    gate.open()

    row = await_rows(begun.begin_again(), 1)[0]

    assert (row["outcome"], row["output_tokens"], row["estimated"]) == ("expired", 70, True)


def test_a_second_process_in_the_same_directory_does_not_start(begin, simulator):
    begun = begin(simulator, BOUNDS)
    first = begun.gateway

    with pytest.raises(AssertionError, match="another process uses"):
        begun.begin_beside(BOUNDS)

    assert ask(first).status == 200


def cut_in_half(whole):
    return whole[: len(whole) // 2]


def cut_to_nothing(_):
    return b""


def cut_its_head(whole):
    return whole[:100]


def flip_in(first, last, count):
    def change(whole):
        dice = random.Random(count)
        for _ in range(count):
            place = dice.randrange(min(first, len(whole) - 1), min(last, len(whole)))
            whole[place] ^= 1 << dice.randrange(8)
        return whole

    return change


def fill_with_ones(whole):
    return b"\xff" * len(whole)


DAMAGES = {
    "cut in half": cut_in_half,
    "empty": cut_to_nothing,
    "cut within its head": cut_its_head,
    "bits of its head": flip_in(0, 64, 8),
    "bits anywhere": flip_in(0, 3 << 20, 20_000),
    "bits where records lie": flip_in(4096, 4096 + 8192, 400),
    "overwritten": fill_with_ones,
    "lengthened": lambda whole: whole + b"\xa5" * 10_000,
}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_journal_does_not_keep_a_gateway_from_starting(begin, play, how):
    """What can be read of it is booked once, what is lost is told, and no row is made up."""
    gate = Gate(billed(tokens(8, 1)), is_open=True)
    begun = begin(play(gate), BOUNDS)
    before = [ask_in_time(begun.gateway, gate) for _ in range(3)]
    stored = {row["id"] for row in await_rows(begun.gateway, len(before))}
    gate.close()
    with contextlib.ExitStack() as links:
        for _ in range(5):
            link = links.enter_context(connect(begun.gateway.address))
            link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body()))
        gate.await_arrivals(5)
        reserved = budget(begun.gateway)["reserved_usd"]
        kill(begun.gateway)
    gate.open()
    (journal,) = begun.directory.glob("journal.*")

    damage(journal, DAMAGES[how])
    gateway = begun.begin_again(BOUNDS)

    rows = await_ledger(gateway, lambda _: True)
    assert stored <= {row["id"] for row in rows}
    expired = [row for row in rows if row["id"] not in stored]
    assert len(expired) <= 5 and {row["outcome"] for row in expired} <= {"expired"}
    assert total(expired) <= reserved
    if len(expired) < 5 and how != "empty":  # an empty file is one that was just made
        told = [line for line in gateway.stderr.splitlines() if "journal" in line]
        assert told, f"{5 - len(expired)} reservations are lost and nobody was told"
    assert budget(gateway)["spent_usd"] == total(rows)
    assert budget(gateway)["reserved_usd"] == 0
    assert ask(gateway).status == 200
    await_rows(gateway, len(rows) + 1)
    gateway = begun.begin_again(BOUNDS)
    assert len(ledger(gateway)) == len(rows) + 1


def ask_in_time(gateway, gate):
    answer = ask(gateway)
    gate.await_arrivals()
    assert answer.status == 200
    return answer


def test_a_kill_among_hang_ups_leaves_nothing_reserved(begin, start_simulator):
    """Clients leave while the process dies: both ways out at once."""
    simulator = start_simulator("--first-byte", "1ms", "--token-delay", "2ms")
    begun = begin(simulator, BOUNDS)
    left = threading.Semaphore(0)

    def hang_up():
        asked = request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body(stream=True))
        with contextlib.suppress(OSError):
            while True:
                with connect(begun.gateway.address) as link:
                    link.sendall(asked)
                    link.recv(2000)
                    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                left.release()

    threads = [threading.Thread(target=hang_up, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        assert left.acquire(timeout=60)
    kill(begun.gateway)
    for thread in threads:
        thread.join(60)

    gateway = begun.begin_again(BOUNDS)
    rows = await_ledger(gateway, lambda found: len(found) >= 100)
    assert {row["outcome"] for row in rows} <= {"client_gone", "expired", "complete"}
    assert len({row["id"] for row in rows}) == len(rows)
    assert budget(await_rest(gateway))["reserved_usd"] == 0
    assert budget(gateway)["spent_usd"] == total(rows)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_with_durable_records_a_whole_answer_is_stored_before_its_end(begin, simulator, stream):
    begun = begin(simulator, BOUNDS, extra="state: {durability: durable}")

    for _ in range(5):
        answer = ask(begun.gateway, stream=stream)
        with contextlib.closing(sqlite3.connect(begun.database)) as records:
            found = records.execute(
                "SELECT outcome FROM ledger WHERE id = ?", [answer.headers["x-request-id"]]
            ).fetchall()
        assert (answer.status, found) == (200, [("complete",)])
