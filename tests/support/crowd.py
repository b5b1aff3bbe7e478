"""Many clients of several gateways at once, and everything that they were answered."""

import asyncio
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from support.policy import CLIENT_KEY
from support.scripted_upstream import CHAT, chat_body
from support.waiting import wait_for
from support.wire import request_bytes

PATIENCE = 30  # seconds: who waits longer for an answer hangs


@dataclass
class Told:
    """One answer. `status` 0: the connection ended without one, -1: none came at all."""

    gateway: int
    at: float  # time.monotonic() when it was asked for
    took: float = 0.0
    status: int = 0
    code: str = ""
    id: str = ""
    cost: Decimal | None = None
    reason: str = ""


class Crowd:
    """`clients` of `addresses` in turn, each with a connection of its own, from `with` to the end
    of its block or until all of `requests` are asked. Who loses its gateway goes on to the next.

    `pause`: seconds that a client takes before it asks again.
    """

    def __init__(self, addresses, *, clients=32, requests=None, pause=0.0, **changes):
        self.told = []
        self._addresses = list(addresses)
        self._clients = clients
        self._left = requests
        self._pause = pause
        changes.setdefault("max_completion_tokens", 50)
        self._asked = request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body(**changes))
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._is_over.set()
        self._thread.join(2 * PATIENCE)
        assert not self._thread.is_alive(), "clients do not end"

    def join(self, seconds=150):
        """Until all of `requests` are answered."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"{len(self.told)} answers within {seconds} s"

    def replace(self, index, address):
        """A gateway that has started again."""
        self._addresses[index] = address

    def await_answers(self, count, is_wanted=lambda told: True, seconds=60):
        """Until so many more of those wanted have come."""
        first = len(self.told)
        wait_for(
            lambda: sum(map(is_wanted, self.told[first:])) >= count,
            f"{count} answers; there are {self.counts(first)}",
            seconds,
        )

    def await_round(self, seconds=60):
        """Until every client has asked and been answered anew."""
        self.await_answers(2 * self._clients, seconds=seconds)

    def counts(self, first=0):
        """How many answers of each status and code."""
        return Counter((told.status, told.code) for told in self.told[first:])

    @property
    def served(self):
        return [told for told in list(self.told) if told.status == 200]

    @property
    def longest(self):
        return max((told.took for told in list(self.told)), default=0.0)

    async def _all(self):
        await asyncio.gather(*(self._client(number) for number in range(self._clients)))

    def _may_ask(self):
        if self._is_over.is_set() or self._left == 0:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    async def _client(self, number):
        index, stream = number % len(self._addresses), None
        while self._may_ask():
            told = Told(index, time.monotonic())
            try:
                async with asyncio.timeout(PATIENCE):
                    if stream is None:
                        host, port = self._addresses[index].rsplit(":", 1)
                        stream = await asyncio.open_connection(host, int(port))
                    stream[1].write(self._asked)
                    await _read_answer(stream[0], told)
            except TimeoutError:
                told.status = -1
                return
            except (OSError, asyncio.IncompleteReadError):
                told.status = 0
                if stream is not None:
                    stream[1].close()
                index, stream = (index + 1) % len(self._addresses), None
                await asyncio.sleep(0.02)
            finally:
                told.took = time.monotonic() - told.at
                self.told.append(told)
            if told.status == 503:
                await asyncio.sleep(0.02)  # its Retry-After, for people who cannot wait
            elif self._pause:
                await asyncio.sleep(self._pause)
        if stream is not None:
            stream[1].close()


async def _read_answer(reader, told):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(fields["content-length"]))
    told.id = fields["x-request-id"]
    told.reason = fields.get("x-headgate-reason", "")
    if "x-headgate-cost-usd" in fields:
        told.cost = Decimal(fields["x-headgate-cost-usd"])
    status = int(head[0].split()[1])
    if status != 200:
        told.code = json.loads(body)["error"]["code"]
    told.status = status
