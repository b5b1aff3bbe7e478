"""The order of a run: rounds, in which every proxy meets every load in turn.

A round takes each load through all proxies before the next load comes, so that what is compared
was measured within seconds; the order of the proxies turns with every round, so that none is always
the first. Processes are new in every round."""

import contextlib
import os
import time

from . import measure, proxies
from .setup import tell

CONNECTIONS = (1, 32, 256)


def warmed_up(proxy):
    measure.warm_up(proxy)  # its failure tells what the proxy answered
    return measure.requests(proxy, 64, 1)


class Plan:
    def __init__(self, rounds, seconds, quick, limit):
        self.rounds = rounds
        self.limit = limit  # seconds; no round is begun that would pass it
        self.seconds = seconds  # of each request load
        self.connections = (32,) if quick else CONNECTIONS
        self.spreads = (False,) if quick else (False, True)
        self.delays = ("0", "50ms")

    def duration(self, count):
        """About how many seconds the plan takes with `count` proxies, `direct` among them."""
        points = len(self.delays) * len(self.connections) * (self.seconds + 0.15)
        streams = len(self.spreads) * 6.6
        start = 4 * 0.35 + (self.seconds + 2) * 2 / count + len(self.delays) * 1.0 + 1.2
        return self.rounds * count * (points + streams + start)


class Rounds:
    """Runs a plan. `values[load][measure][proxy name]` holds one value a round."""

    of_requests = staticmethod(measure.requests)  # how a load of requests is measured

    def __init__(self, paths, plan, kinds, load_core, proxy_core):
        self.paths = paths
        self.plan = plan
        self.kinds = kinds
        self.load_core = load_core
        self.proxy_core = proxy_core
        self.values = {}
        self.failures = []

    def run(self):
        began = time.monotonic()
        os.sched_setaffinity(0, {self.load_core})  # wrk and bench_load inherit it
        for number in range(self.plan.rounds):
            spent = time.monotonic() - began
            if number > 0 and spent / number * (number + 1) > self.plan.limit:
                self.failures.append(f"{self.plan.rounds - number} round(s) for want of time")
                tell("stopped: " + self.failures[-1])
                break
            kinds = self.kinds if number % 2 == 0 else self.kinds[::-1]
            tell(f"round {number + 1} of {self.plan.rounds}, {spent:.0f} s")
            self.round(number, kinds)
        return time.monotonic() - began

    def round(self, number, kinds):
        for delay in self.plan.delays:
            self.request_loads(number, kinds, delay)
        self.one_by_one(number, kinds)
        if proxies.Headgate in kinds:
            self.policy_loads(number)

    def request_loads(self, number, kinds, delay):
        with contextlib.ExitStack() as running:
            upstream = self.start(running, proxies.Upstream(self.paths, self.load_core, delay))
            started = []
            for kind in kinds:
                proxy = self.started(number, running, kind, upstream)
                if proxy and self.note(number, proxy, None, warmed_up):
                    started.append(proxy)
            for connections in self.plan.connections:
                load = ("fast" if delay == "0" else delay) + f" upstream, {connections} conn."
                for proxy in started:
                    self.note(number, proxy, load,
                              lambda p: self.of_requests(p, connections, self.plan.seconds))

    def policy_loads(self, number):
        """What policies cost that nobody else has: beside the row `fast upstream, 32 conn.`"""
        with contextlib.ExitStack() as running:
            upstream = self.start(running, proxies.Upstream(self.paths, self.load_core))
            broken = self.start(running, proxies.BrokenUpstream(self.paths, self.load_core))
            fallback = self.started(
                number, running,
                lambda *given: proxies.HeadgateFallback(*given, broken), upstream)
            plain = self.started(number, running, proxies.Headgate, upstream)
            for proxy, load, measurement in (
                    (fallback, "fallback on a 503, 32 conn.", measure.requests),
                    (plain, "10 reloads a second, 32 conn.", measure.requests_while_reloading)):
                if proxy and self.note(number, proxy, None, warmed_up):
                    self.note(number, proxy, load, lambda p: measurement(p, 32, self.plan.seconds))

    def one_by_one(self, number, kinds):
        """The loads that want a fresh process each, because they tell what its memory grew by."""
        for spread in self.plan.spreads:
            load = "1,000 streams, " + ("spread" if spread else "together")
            self.each_fresh(number, kinds, load, lambda p: measure.streams(p, spread))
        kinds = [kind for kind in kinds if kind is not proxies.Direct]
        self.each_fresh(number, kinds, "1,000 idle conn.", measure.idle_connections)

    def each_fresh(self, number, kinds, load, measurement):
        for kind in kinds:
            with contextlib.ExitStack() as running:
                upstream = self.start(running, proxies.Upstream(self.paths, self.load_core))
                proxy = self.started(number, running, kind, upstream)
                if proxy:
                    self.note(number, proxy, load, measurement)

    def start(self, running, process):
        running.callback(process.stop)
        return process.start()

    def started(self, number, running, kind, upstream):
        """The running proxy, or None: then the failure is noted."""
        proxy = kind(self.paths, self.proxy_core, upstream)
        try:
            self.start(running, proxy)
        except proxies.StartFailed as failure:
            self.fail(number, proxy.name, str(failure))
            return None
        if proxy.start_ms is not None:
            self.add("start", {"start": proxy.start_ms}, proxy.name, number)
        return proxy

    def note(self, number, proxy, load, measurement):
        """Measures; keeps the values where `load` names them. False where it failed."""
        try:
            measured = measurement(proxy)
        except (measure.MeasureFailed, OSError, ValueError) as failure:
            self.fail(number, proxy.name, f"{load or 'warm-up'}: {failure}")
            return False
        if load:
            self.add(load, measured, proxy.name, number)
        return True

    def add(self, load, measured, name, number):
        for key, value in measured.items():
            by_name = self.values.setdefault(load, {}).setdefault(key, {})
            by_name.setdefault(name, []).append((number, value))

    def fail(self, number, name, text):
        failure = f"round {number + 1}, {name}: {text}"
        self.failures.append(failure)
        tell("FAILED " + failure)
