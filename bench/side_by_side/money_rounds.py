"""Rounds of what money costs, beside nginx's bare proxy in the same rounds."""

import contextlib
import shutil

from . import money, money_measure, proxies, rounds, setup, stores
from .setup import tell

CONNECTIONS = (32, 256)
NAMES = ["nginx", *(kind.name for kind in money.ALL)]


class Nginx(proxies.Nginx):
    client_keys = money.PROJECT_KEYS


class MoneyPlan(rounds.Plan):
    def __init__(self, count, seconds, quick, limit):
        super().__init__(count, seconds, quick, limit)
        self.connections = (32,) if quick else CONNECTIONS
        self.backlog = 20_000 if quick else 200_000  # rows
        self.ledger = 100_000 if quick else 1_000_000  # rows at a restart

    def duration(self, count):
        points = len(self.delays) * len(self.connections) * count * (self.seconds + 0.5)
        starts = len(self.delays) * count * 1.5
        return self.rounds * (points + starts + 8 + self.backlog / 12_500) + self.ledger / 80_000


class MoneyRounds(rounds.Rounds):
    """Runs a MoneyPlan. Columns are NAMES; what records do stands in that of the full policy."""

    of_requests = staticmethod(money_measure.requests)

    def __init__(self, paths, plan, load_core, proxy_core):
        kinds, self.missing = setup.present(paths, [], [Nginx, *money.ALL])
        super().__init__(paths, plan, kinds, load_core, proxy_core)
        self.ledger = None
        if stores.postgres_binaries() is None:
            self.missing.append("records in PostgreSQL: it is not installed")

    def round(self, number, kinds):
        for delay in self.plan.delays:
            self.request_loads(number, kinds, delay)
        self.note_beyond_memory(number)
        if money.FullPolicy in kinds:
            self.backlogs(number)
            self.restarts(number)

    def started(self, number, running, kind, upstream):
        if kind is money.SharedPolicy:
            return super().started(number, running,
                                   lambda *given: money.SharedPolicy(*given, self.load_core),
                                   upstream)
        return super().started(number, running, kind, upstream)

    def note_beyond_memory(self, number):
        """What limits in Redis add to the same policy with limits in memory, in this round."""
        shared, memory = money.SharedPolicy.name, money.FullPolicy.name
        for load, measures in self.values.items():
            more = {}
            for key in ("cpu", "p99"):
                of_round = {name: dict(values).get(number)
                            for name, values in measures.get(key, {}).items()}
                if None not in (of_round.get(shared), of_round.get(memory)):
                    more[key + "_more"] = of_round[shared] - of_round[memory]
            self.add(load, more, shared, number)

    def backlogs(self, number):
        self.backlog(number, "SQLite", None)
        if stores.postgres_binaries() is not None:
            self.backlog(number, "PostgreSQL", stores.Postgres(self.paths, self.load_core))

    def backlog(self, number, what, store):
        """`store`: of the records; None: SQLite."""
        def full_policy(*given):
            proxy = money.FullPolicy(*given)
            proxy.records = store.url if store else proxy.records
            return proxy

        with contextlib.ExitStack() as running:
            upstream = self.start(running, proxies.Upstream(self.paths, self.load_core))
            if store:
                try:
                    self.start(running, store)
                except proxies.StartFailed as failure:
                    self.fail(number, store.name, str(failure))
                    return
            proxy = self.started(number, running, full_policy, upstream)
            if proxy and self.note(number, proxy, None, rounds.warmed_up):
                hold = (money_measure.postgres_held(store) if store
                        else money_measure.sqlite_held(proxy))
                self.note(number, proxy, f"a backlog for {what}, 1 conn.",
                          lambda p: money_measure.backlog(p, hold, self.plan.backlog))

    def restarts(self, number):
        load = f"start with {self.plan.ledger:,} rows"
        with contextlib.ExitStack() as running:
            upstream = self.start(running, proxies.Upstream(self.paths, self.load_core))
            proxy = money.FullPolicy(self.paths, self.proxy_core, upstream)
            try:
                directory = self.filled(proxy)
                self.note(number, proxy, load, lambda p: money_measure.restart(
                    self.paths, self.proxy_core, upstream, directory))
            except proxies.StartFailed as failure:
                self.fail(number, proxy.name, str(failure))

    def filled(self, proxy):
        """The folder with a large ledger, made in the first round by a gateway and by SQL."""
        if self.ledger is None:
            tell(f"a ledger of {self.plan.ledger:,} rows")
            directory = self.paths.work / "ledger"
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
            proxy.directory = directory
            proxy.start()
            proxy.stop()
            money_measure.fill(directory / "headgate.db", self.plan.ledger)
            self.ledger = directory
        return self.ledger
