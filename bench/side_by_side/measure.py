"""One measurement each: a load on one target, and what it cost the proxy meanwhile.

CPU and rates are taken over a window inside the load, so that connecting and ending do not count;
what was served in the window is the upstream's own count."""

import http.client
import json
import os
import signal
import subprocess
import threading
import time

from . import machine, proxies

LEAD = 0.4   # seconds of load before the window
TRAIL = 0.2  # and behind it
IDLE_CONNECTIONS = 1000
STREAMS = 1000
STREAM_WINDOW = 3.5  # seconds; a stream lasts 5.1


class MeasureFailed(Exception):
    pass


class Mark:
    """The state of affairs at one moment."""

    def __init__(self, proxy):
        upstream = http.client.HTTPConnection("127.0.0.1", proxy.upstream.port, timeout=5)
        upstream.request("GET", "/stats")
        self.served = json.load(upstream.getresponse())
        upstream.close()
        self.cpu = machine.cpu_times(proxy.pid) if proxy.pid else {}
        self.core_us = machine.core_busy_us(proxy.core) if proxy.pid else 0
        self.at = time.monotonic()


class Window:
    """What lies between two marks."""

    def __init__(self, before, after, kind):
        self.seconds = after.at - before.at
        self.count = after.served[kind] - before.served[kind]
        self.cpu_us = machine.cpu_spent(before.cpu, after.cpu) / 1000
        self.others_us = max(0, after.core_us - before.core_us - self.cpu_us)
        if self.count <= 0:
            raise MeasureFailed("nothing was served in the window")

    def costs(self, proxy):
        """{"cpu": CPU us apiece, "busy" and "others": percent of the proxy's core that it and what
        is not of the bench took}; nothing for a target without proxy."""
        if proxy.pid is None:
            return {}
        percent = 100 / (self.seconds * 1e6)
        return {"cpu": self.cpu_us / self.count, "busy": self.cpu_us * percent,
                "others": self.others_us * percent}


def wrk(proxy, connections, seconds):
    environment = {**os.environ, "BENCH_BODY": str(proxy.upstream.paths.request),
                   "BENCH_KEYS": ",".join(proxy.client_keys)}
    script = proxy.upstream.paths.bench / "load" / "request.lua"
    return subprocess.Popen(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script,
         f"http://{proxy.target}/v1/chat/completions"],
        env=environment, stdout=subprocess.PIPE, text=True)


def requests(proxy, connections, seconds):
    """Closed loop: every connection sends its next request when it has its answer."""
    with wrk(proxy, connections, seconds) as load:
        time.sleep(LEAD)
        before = Mark(proxy)
        time.sleep(seconds - LEAD - TRAIL)
        after = Mark(proxy)
        told = told_by(load)
    window = Window(before, after, "requests")
    return {"rate": window.count / window.seconds, "p50": told["p50_us"] / 1000,
            "p99": told["p99_us"] / 1000, **window.costs(proxy)}


def told_by(load):
    """What wrk found, when it has ended. Not one request may have failed."""
    output = load.communicate()[0]
    if load.returncode != 0:
        raise MeasureFailed(f"wrk failed: {output[-500:]}")
    told = json.loads(output.strip().splitlines()[-1])
    if told["errors"] > 0:
        raise MeasureFailed(f"{told['errors']} of {told['requests']} requests failed")
    return told


def requests_while_reloading(proxy, connections, seconds):
    """The same while the policy is read anew ten times a second."""
    is_over = threading.Event()

    def reload():
        while not is_over.wait(0.1):
            os.kill(proxy.pid, signal.SIGHUP)

    reloading = threading.Thread(target=reload)
    reloading.start()
    try:
        return requests(proxy, connections, seconds)
    finally:
        is_over.set()
        reloading.join()


class OwnLoad:
    """bench_load on a target; a context that ends it whatever happens."""

    def __init__(self, proxy, kind, count, **options):
        self.proxy = proxy
        paths = proxy.upstream.paths
        body = paths.request if kind == "idle" else paths.stream_request
        command = [paths.programs / "bench_load", "--kind", kind, "--target", proxy.target,
                   "--body", body, "--key", proxies.CLIENT_KEY, "--count", str(count)]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()  # without effect on one that has ended
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def wait_until_live(self):
        told = json.loads(self.process.stdout.readline() or "{}")
        if told.get("event") != "live":
            raise MeasureFailed(f"{told.get('failed', 'all')} connections failed, the first by: "
                                f"{told.get('first_failure', 'no word')}")

    def result(self):
        self.process.stdin.close()
        result = json.loads(self.process.stdout.readline() or "{}")
        self.process.wait()
        if result.get("event") != "result" or result["failed"] or result["lost"]:
            raise MeasureFailed(f"{result.get('failed')} connections failed, {result.get('lost')} "
                                f"were closed; the first by: {result.get('first_failure')}")
        return result


def warm_up(proxy, count=64):
    with OwnLoad(proxy, "idle", count, at_once=8, limit="20s") as load:
        load.wait_until_live()
        load.result()


def streams(proxy, spread):
    """A thousand event streams at once. `spread`: begun together, or over one interval."""
    warm_up(proxy)
    idle_kib = machine.memory_kib(proxy.pid) if proxy.pid else 0
    options = {"spread": "100ms"} if spread else {}
    with OwnLoad(proxy, "streams", STREAMS, events=50, limit="20s", **options) as load:
        load.wait_until_live()
        time.sleep(LEAD)
        before = Mark(proxy)
        time.sleep(STREAM_WINDOW)
        after = Mark(proxy)
        live_kib = machine.memory_kib(proxy.pid) if proxy.pid else 0
        result = load.result()
    window = Window(before, after, "pieces")
    measured = {"first_p50": result["first_ms"]["p50"], "first_p99": result["first_ms"]["p99"],
                "gap_p99": result["gap_ms"]["p99"], **window.costs(proxy)}
    if proxy.pid:
        measured["memory"] = (live_kib - idle_kib) / STREAMS
    return measured


def idle_connections(proxy):
    """Memory of connections that wait for their next request, after one request each."""
    warm_up(proxy)
    before = machine.memory_kib(proxy.pid)
    with OwnLoad(proxy, "idle", IDLE_CONNECTIONS, at_once=32, limit="20s") as load:
        load.wait_until_live()
        time.sleep(0.3)
        after = machine.memory_kib(proxy.pid)
        load.result()
    return {"memory": (after - before) / IDLE_CONNECTIONS, "process": before / 1024}
