"""A budget or limit that hundreds of clients use up at once: never too much, and nothing lost."""

import asyncio
import json
import threading
from collections import Counter
from decimal import Decimal

import pytest
from support.admin import buckets, budget
from support.money import ask, await_ledger, await_rest, books, total
from support.policy import CLIENT_KEY
from support.process import run
from support.scripted_upstream import CHAT, chat_body
from support.wire import request_bytes

CLIENTS = 256
REQUESTS = 5000
LIMIT = Decimal("0.4")  # of about 4,000 requests at $0.0001


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


async def ask_again_and_again(address, left, answers):
    """One connection that asks as long as requests are `left`."""
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    asked = request_bytes(
        "POST", CHAT, key=CLIENT_KEY, body=chat_body(max_completion_tokens=50)
    )
    while left:
        left.pop()
        writer.write(asked)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(fields["content-length"]))
        answers.append((int(head[0].split()[1]), fields, body))
    writer.close()


async def ask_all(address, count):
    left, answers = [None] * count, []
    await asyncio.gather(*(ask_again_and_again(address, left, answers) for _ in range(CLIENTS)))
    return answers


class Watch:
    """Asks the admin API for the budget all the while."""

    def __init__(self, gateway):
        self.samples = []
        self._gateway = gateway
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join(60)

    def _look(self):
        while not self._is_over.wait(0.01):
            self.samples.append(budget(self._gateway))


def test_clients_in_a_race_use_a_budget_up_and_never_overspend_it(begin, simulator, scale):
    count = scale(REQUESTS, 10 * REQUESTS)
    begun = begin(simulator, f"budget: {{usd: {LIMIT * count / REQUESTS}}}", access="none")
    gateway, limit = begun.gateway, LIMIT * count / REQUESTS

    with Watch(gateway) as watch:
        answers = asyncio.run(ask_all(gateway.address, count))
    await_rest(gateway)
    told = [(int(answer[0]), answer[1]) for answer in answers]
    while (last := ask(gateway, max_completion_tokens=50)).status == 200:
        told.append((200, last.headers))
        await_rest(gateway)

    statuses = Counter(status for status, _ in told)
    assert set(statuses) == {200, 429} and statuses[200] > count / 2, statuses
    codes = {json.loads(body)["error"]["code"] for status, _, body in answers if status == 429}
    assert codes == {"insufficient_quota"}
    assert len(watch.samples) > 10
    assert all(each["spent_usd"] + each["reserved_usd"] <= limit for each in watch.samples)
    assert any(each["reserved_usd"] > 0 for each in watch.samples)

    final = budget(gateway)
    needed = Decimal(last.headers["x-headgate-reason"].rsplit("needed=", 1)[1])
    assert final["reserved_usd"] == 0
    assert 0 <= limit - final["spent_usd"] < needed

    served = {
        fields["x-request-id"]: Decimal(fields["x-headgate-cost-usd"])
        for status, fields in told
        if status == 200
    }
    assert len(served) == statuses[200]
    rows = await_ledger(
        gateway, lambda rows: sum(row["outcome"] == "complete" for row in rows) == len(served)
    )
    booked = {row["id"]: Decimal(row["cost_usd"]) for row in rows if row["outcome"] == "complete"}
    assert booked == served
    assert total(rows) == sum(served.values()) == final["spent_usd"]
    assert not any(row["over_reserved"] or row["estimated"] for row in rows)

    gateway.stop()
    sums = run("usage", "--config", gateway.policy_path, "--format", "json", cwd=begun.directory)
    (whole,) = json.loads(sums.stdout)["data"]
    assert Decimal(whole["cost_usd"]) == final["spent_usd"]
    assert whole["requests"] == len(told) + 1  # refusals are folded, and none is lost


def test_clients_in_a_race_get_as_much_as_a_limit_holds_and_no_more(begin, simulator):
    gateway = begin(
        simulator,
        "limits: [{rpd: 1000}, {model: gpt-5*, rpd: 1200, mode: shadow}]",
        organization="limits: [{rpd: 5000}]",
        access="none",
    ).gateway

    answers = asyncio.run(ask_all(gateway.address, 2000))

    assert Counter(status for status, _, _ in answers) == {200: 1000, 429: 1000}
    left = {of[0]: each["remaining"] for of, each in buckets(await_rest(gateway)).items()}
    assert left["organization"] == 4000
    refused = gateway.metric("headgate_refused_total", project="tests", kind="rpd")
    assert refused == 1000
    rows = await_ledger(gateway, lambda rows: sum(row["count"] for row in rows) >= 2000)
    assert sum(row["count"] for row in rows) == 2000
