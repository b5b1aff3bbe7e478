"""Processes that share a port are replaced one after the other, and no client notices."""

import asyncio
import contextlib
import threading
from collections import Counter
from decimal import Decimal

import pytest
from support.gateway import Gateway
from support.money import ask, cost_of, total
from support.policy import CLIENT_KEY
from support.redis_books import RedisBooks
from support.redis_server import free_port
from support.scripted_upstream import CHAT, chat_body
from support.shared_stores import *
from support.waiting import wait_for
from support.wire import request_bytes

BOUNDS = "budget: {usd: 5}\nlimits: [{concurrent: 64}]"
CLOSED = {"on_redis_failure": "closed"}
CLIENTS = 16

pytestmark = needs_redis


class Newcomers:
    """Clients that open a connection for each request. `problems`: what kept one from a whole
    answer."""

    def __init__(self, address, stream=False):
        self.served = {}  # id: cost; of streams None
        self.statuses = Counter()
        self.problems = []
        self._address = address
        fields = [("Connection", "close")]
        body = chat_body(max_completion_tokens=50, stream=stream)
        self._asked = request_bytes("POST", CHAT, key=CLIENT_KEY, body=body, headers=fields)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "clients do not end"

    def await_more(self, count=100):
        goal = len(self.served) + count
        wait_for(
            lambda: len(self.served) >= goal or self.problems,
            f"{count} more answers; {self.statuses} {self.problems[:3]}",
            60,
        )
        assert not self.problems, self.problems[:5]

    async def _all(self):
        await asyncio.gather(*(self._client() for _ in range(CLIENTS)))

    async def _client(self):
        while not self._is_over.is_set():
            try:
                async with asyncio.timeout(30):
                    await self._ask()
            except (OSError, AssertionError, TimeoutError, IndexError) as problem:
                self.problems.append(repr(problem))

    async def _ask(self):
        host, port = self._address.rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(self._asked)
            answer = await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        head, body = answer.split(b"\r\n\r\n", 1)
        fields = dict(
            line.lower().split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:]
        )
        status = int(head.split(b" ", 2)[1])
        self.statuses[status] += 1
        if status == 503:  # Redis was late
            return
        assert status == 200, answer
        if "content-length" in fields:
            assert len(body) == int(fields["content-length"])
            self.served[fields["x-request-id"]] = Decimal(fields["x-headgate-cost-usd"])
        else:
            assert body.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"), body[-60:]
            self.served[fields["x-request-id"]] = None


def both_on_a_port(install, upstream, **settings):
    both = install(
        upstream,
        BOUNDS,
        count=2,
        port=free_port(),
        state=CLOSED,
        extra="drain_delay: 0s\nshutdown_grace: 20s",
        **settings,
    )
    both.await_redis()
    return both


def replace_all(both, clients, rounds):
    """The new one first, then the old one ends."""
    for _ in range(rounds):
        for _ in range(2):
            both.add()
            clients.await_more()
            both.gateways.pop(0).stop()
            clients.await_more()


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streams"])
def test_no_connection_is_refused_while_processes_are_replaced(
    stream, install, simulator, redis, scale
):
    both = both_on_a_port(install, simulator)

    with Newcomers(both.addresses[0], stream) as clients:
        clients.await_more()
        replace_all(both, clients, scale(1, 20))

    assert not clients.problems, (len(clients.problems), clients.problems[:5])
    assert clients.statuses.keys() <= {200, 503}
    both.await_rest()
    rows = both.rows(lambda rows: clients.served.keys() <= {row["id"] for row in rows})
    assert max(Counter(row["id"] for row in rows).values()) == 1
    costs = {row["id"]: Decimal(row["cost_usd"]) for row in rows}
    assert all(cost in (None, costs[each]) for each, cost in clients.served.items())
    with RedisBooks(redis) as books:
        wait_for(lambda: books.budget() == (total(rows), 0), "Redis and the ledger to agree")
        assert books.slots() == 0


def test_both_processes_of_a_port_are_given_connections(install, simulator):
    both = both_on_a_port(install, simulator)

    with Newcomers(both.addresses[0]) as clients:
        clients.await_more(200)

    for gateway in both.gateways:
        wait_for(lambda one=gateway: one.metric("headgate_ledger_rows_total") > 0, "its rows")


def test_a_process_that_does_not_share_its_port_keeps_others_out(install, simulator):
    both = both_on_a_port(install, simulator)
    port = both.addresses[0].rsplit(":", 1)[1]
    alone = both.text().replace("listen_shared: true\n", "")
    folder = both.directory / "alone"
    folder.mkdir()

    with pytest.raises(AssertionError, match=f"{port}.*in use|in use.*{port}"):
        Gateway(folder, alone)

    answer = ask(both.gateways[0])
    assert answer.status == 200 and cost_of(answer) > 0


def test_a_shared_port_needs_limits_in_redis(install, simulator):
    both = both_on_a_port(install, simulator)
    text = both.text(redis="memory")
    folder = both.directory / "memory"
    folder.mkdir()

    with pytest.raises(AssertionError, match="listen_shared|needs limits in Redis"):
        Gateway(folder, text)
