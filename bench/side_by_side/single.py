"""One proxy under one steady load, for tools that look into it: profile and allocations."""

import argparse
import contextlib
import os
import shutil
import signal
import sys
import time

from . import measure, money, proxies, setup


def parser(description):
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--proxy", default="headgate", metavar="NAME",
                      help="nginx, 'nginx + log', haproxy, headgate (the default), 'full policy' "
                      "or 'full, Redis'")
    made.add_argument("--connections", type=int, default=32)
    made.add_argument("--streams", type=int, metavar="N",
                      help="N event streams, 10 events/s each, instead of requests")
    made.add_argument("--delay", default="0", help="of the upstream before an answer, like 50ms")
    made.add_argument("--seconds", type=int, default=3)
    made.add_argument("--headgate", metavar="FILE", help="binary; build/release/headgate")
    made.add_argument("--programs", metavar="DIR", help="build folder of bench/; build/bench")
    made.add_argument("--no-build", action="store_true",
                      help="take the bench's programs as they are")
    made.add_argument("--load-core", type=int, default=0)
    made.add_argument("--proxy-core", type=int, default=1)
    return made


@contextlib.contextmanager
def prepared(options):
    """Yields the paths, with programs built and an empty work folder that is removed at the end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    setup.require("taskset", "wrk")
    paths = setup.Paths(options.headgate, options.programs)
    if not options.no_build:
        setup.build_programs(paths)
    setup.lay_out(paths)
    os.sched_setaffinity(0, {options.load_core})
    try:
        yield paths
    finally:
        shutil.rmtree(paths.work, ignore_errors=True)


@contextlib.contextmanager
def running(paths, options, environment):
    """Yields the proxy, warmed up, in front of an upstream of its own."""
    kinds, missing = setup.present(paths, [options.proxy],
                                   [*proxies.ALL, money.FullPolicy, money.SharedPolicy])
    if missing or not kinds or kinds[0] is proxies.Direct:
        sys.exit(f"nothing to look into: {options.proxy} is no proxy that runs here")
    with contextlib.ExitStack() as stack:
        upstream = proxies.Upstream(paths, options.load_core, options.delay)
        stack.callback(upstream.stop)
        proxy = kinds[0](paths, options.proxy_core, upstream.start())
        proxy.environment = environment
        stack.callback(proxy.stop)
        yield proxy.start()


@contextlib.contextmanager
def load(proxy, options, most_streams=20000):
    """A steady load that lasts as long as the context (at most: streams 5 s), well under way."""
    measure.warm_up(proxy)
    if options.streams:
        with measure.OwnLoad(proxy, "streams", min(options.streams, most_streams), events=50,
                             spread="100ms", limit="20s") as streams:
            streams.wait_until_live()
            time.sleep(measure.LEAD)
            yield "pieces"
        return
    # The window, and what a tool needs to attach before it and to write after it.
    with measure.wrk(proxy, options.connections, options.seconds + 20) as requests:
        try:
            time.sleep(1)
            yield "requests"
        finally:
            requests.terminate()


def window(proxy, kind, seconds):
    before = measure.Mark(proxy)
    time.sleep(seconds)
    return measure.Window(before, measure.Mark(proxy), kind)
