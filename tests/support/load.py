"""Clients that ask without a pause while something else happens, and tell what went wrong."""

import http.client
import threading

from support.policy import CLIENT_KEY
from support.scripted_upstream import CHAT, chat_body
from support.waiting import wait_for


class Load:
    """`clients` threads, each with a connection of its own, from `with` to the end of its block.

    `key` may be changed meanwhile. Leaving the block fails where any request was not answered
    with 200.
    """

    def __init__(self, gateway, *, clients=8, key=CLIENT_KEY, is_right=lambda answer: True):
        self.key = key
        self._gateway = gateway
        self._is_right = is_right
        self._served = [0] * clients
        self._failures = []
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(index,), daemon=True)
            for index in range(clients)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self._is_over.set()
        for thread in self._threads:
            thread.join(60)
        if kind is None:
            assert not self._failures, self._failures[:5]

    @property
    def served(self):
        return sum(self._served)

    def await_round(self, requests=1, seconds=60):
        """Until each client has begun and finished so many requests more."""
        goal = [count + requests + 1 for count in self._served]  # one may be under way

        def is_reached():
            assert not self._failures, self._failures[:5]
            return all(now >= then for now, then in zip(self._served, goal, strict=True))

        wait_for(is_reached, f"{requests} more requests of each client", seconds)

    def _ask(self, index):
        link = http.client.HTTPConnection(self._gateway.address, timeout=60)
        body = chat_body()
        while not self._is_over.is_set():
            fields = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            try:
                link.request("POST", CHAT, body=body, headers=fields)
                answer = link.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as problem:
                self._failures.append(repr(problem))
                return
            if answer.status != 200 or not self._is_right(answer):
                self._failures.append((answer.status, str(answer.headers), text[:300]))
                return
            self._served[index] += 1
        link.close()
