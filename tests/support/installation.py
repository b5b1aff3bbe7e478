"""Several gateways that share their limits in Redis and their records in PostgreSQL or SQLite."""

import contextlib
import threading
from decimal import Decimal

from support.admin import ledger
from support.gateway import Gateway
from support.money import await_rest, policy_text
from support.redis_books import RedisBooks, RedisError
from support.waiting import wait_for


class Installation:
    """`count` processes, each in a directory of its own, as on machines of their own; with a
    `port` all in one directory, and they share that port (`listen_shared`).

    `project`: the block of the project "tests"; `redis`: for `state.limits`; `records`: for
    `state.records`; `state`: further members of that block.
    """

    def __init__(self, start, directory, upstream, project, **settings):
        self.gateways = []
        self.directory = directory
        self._start = start
        self._upstream = upstream
        self._project = project
        self._settings = settings
        directory.mkdir(exist_ok=True)
        for _ in range(settings.pop("count", 3)):
            self.add()

    def text(self, **changes):
        """The policy. A changed setting holds for this text alone."""
        given = self._settings | changes
        state = {"limits": given["redis"], "records": given["records"]} | given.get("state", {})
        members = "".join(f"  {name}: {value}\n" for name, value in state.items())
        text = policy_text(
            {"upstream": getattr(self._upstream, "address", self._upstream)},
            given.get("project", self._project),
            organization=given.get("organization", ""),
            others=given.get("others", ""),
            extra=given.get("extra", "") + "\nstate:\n" + members,
            workers=given.get("workers", 1),
        )
        if "port" not in given:
            return text
        port = given["port"]
        assert text.startswith('listen: "127.0.0.1:0"\n')
        return f'listen_shared: true\nlisten: "127.0.0.1:{port}"\n' + text.split("\n", 1)[1]

    def add(self, **changes):
        """One process more."""
        has_port = "port" in self._settings
        folder = self.directory / ("shared" if has_port else f"process-{len(self.gateways)}")
        folder.mkdir(exist_ok=True)
        self.gateways.append(self._start(Gateway, folder, self.text(**changes)))
        return self.gateways[-1]

    def kill(self, index):
        """kill -9."""
        self.gateways[index].child.kill()
        self.gateways[index].wait()

    def begin_again(self, index, **changes):
        """Another process where one has ended: it has its journal."""
        folder = self.gateways[index].policy_path.parent
        self.gateways[index] = self._start(Gateway, folder, self.text(**changes))
        return self.gateways[index]

    @property
    def addresses(self):
        return [gateway.address for gateway in self.gateways]

    def await_rest(self):
        for gateway in self.gateways:
            if gateway.child.poll() is None:
                await_rest(gateway)

    def is_redis_up(self):
        return all(is_up(gateway, "redis") for gateway in self.gateways)

    def is_redis_away(self):
        return not any(is_up(gateway, "redis") for gateway in self.gateways)

    def await_redis(self, seconds=30):
        wait_for(self.is_redis_up, "all processes to have Redis", seconds)

    def outages(self):
        """How often a process lost Redis, over all of them."""
        return sum(gateway.stderr.count("Redis is away") for gateway in self.gateways)

    def rows(self, is_whole, seconds=30, of=-1):
        """The ledger's rows, once all are stored and they are as `is_whole` wants them."""

        def look():
            found = ledger(self.gateways[of])
            return (found,) if is_whole(found) else None

        return wait_for(look, "the rows in the ledger", seconds)[0]


def is_up(gateway, store):
    return gateway.metric("headgate_store_up", store=store) == 1


class Watch:
    """Looks at a budget in Redis all the while: `samples` of (spent, reserved)."""

    def __init__(self, server, scope="tests", namespace="default"):
        self.samples = []
        self._books = RedisBooks(server, namespace)
        self._scope = scope
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join(60)
        self._books.close()

    @property
    def most(self):
        return max((spent + reserved for spent, reserved in self.samples), default=Decimal(0))

    def _look(self):
        while not self._is_over.wait(0.005):
            with contextlib.suppress(RedisError):
                self.samples.append(self._books.budget(self._scope))
