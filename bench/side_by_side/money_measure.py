"""What money costs: requests with what their rows cost, a backlog of rows, a start with a million."""

import contextlib
import http.client
import json
import sqlite3
import subprocess
import time

from . import measure, money
from .measure import LEAD, TRAIL, Mark, MeasureFailed, Window

BATCH = 2000  # rows that the gateway's writer stores at once: so many may always wait
SETTLED = 0.3  # seconds in which a writer that keeps up has stored what it has
LONGEST = 60   # seconds for anything that is waited for

# Columns as policy/store/sqlite has them; a row's JSON as docs/money.md shows one.
MILLION = """
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :rows)
INSERT INTO ledger(id, time_ms, day, project, key, endpoint, route, provider, model,
                   requested_model, status, outcome, input_tokens, cached_input_tokens,
                   output_tokens, images, cost_nanos, count, tags, detail)
SELECT printf('req_%026d', n), (:day - 99) * 86400000 + n * (8640000000 / :rows),
       :day - 99 + n * 100 / :rows, printf('bench-%02d', n % 16), 'bench', 'chat', 'default',
       'upstream', 'gpt-4o-mini', 'gpt-4o-mini', 200, 'complete', 1200, 0, 350, 0,
       390000 + n % 1000, 1, 'team=search', :detail
FROM numbers"""
SUMS = """
INSERT INTO day_sums(day, project, instance, spent_nanos)
SELECT day, project, '00000000000000be', sum(cost_nanos) FROM ledger GROUP BY day, project"""
DETAIL = json.dumps({
    "id": "req_00000000000000000000000000", "time": "2026-01-01T00:00:00.000Z",
    "project": "bench-00", "key": "bench", "endpoint": "chat", "route": "default",
    "provider": "upstream", "model": "gpt-4o-mini", "requested_model": "gpt-4o-mini",
    "status": 200, "outcome": "complete", "stream": False, "cost_usd": "0.00039",
    "attempts": [{"provider": "upstream", "model": "gpt-4o-mini", "status": 200, "reason": "ok",
                  "ms": 812.3}], "tags": {"team": "search"}, "duration_ms": 812.9})


def wait_for(what, is_so):
    """Calls `is_so` until it is true; what it returned then."""
    until = time.monotonic() + LONGEST
    while not (found := is_so()):
        if time.monotonic() > until:
            raise MeasureFailed(f"no end of waiting for {what}")
        time.sleep(0.02)
    return found


def rows_of(proxy):
    return proxy.rows() if hasattr(proxy, "rows") else (0, 0)


def requests(proxy, connections, seconds):
    """As measure.requests. The CPU of a saturated proxy counts until all its rows are stored, that
    of another is a window's: its writer keeps up, and connecting does not count."""
    redis = getattr(proxy, "redis", None)
    before = Mark(proxy)
    with measure.wrk(proxy, connections, seconds) as load:
        time.sleep(LEAD)
        first, redis_first = Mark(proxy), redis and redis.figures()
        time.sleep(seconds - LEAD - TRAIL)
        last, redis_last = Mark(proxy), redis and redis.figures()
        told = measure.told_by(load)
    window = Window(first, last, "requests")
    measured = {"rate": window.count / window.seconds, "p50": told["p50_us"] / 1000,
                "p99": told["p99_us"] / 1000, **window.costs(proxy)}
    if proxy.upstream.delay == "0":
        measured["cpu"] = stored(proxy, before).costs(proxy)["cpu"]
    if redis:
        spent = {name: (redis_last[name] - redis_first[name]) / window.count
                 for name in redis_first}
        measured |= {"redis_cpu": spent["cpu_us"], "redis_calls": spent["calls"]}
    return measured


def stored(proxy, before):
    """The window from `before` until no row waits. A scrape costs, too: none before its end."""
    def is_stored():
        time.sleep(SETTLED)
        after = Mark(proxy)
        return rows_of(proxy)[1] == 0 and after

    return Window(before, wait_for("rows to be stored", is_stored), "requests")


@contextlib.contextmanager
def sqlite_held(proxy):
    """Nobody else may write to the gateway's database meanwhile."""
    connection = sqlite3.connect(proxy.directory / "headgate.db", isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextlib.contextmanager
def postgres_held(store):
    """Readers only."""
    session = subprocess.Popen(
        [store.binaries / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", store.url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    session.stdin.write("BEGIN; LOCK TABLE ledger IN SHARE MODE; SELECT 'held';\n")
    session.stdin.flush()
    try:
        if session.stdout.readline().strip() != "held":
            raise MeasureFailed("psql could not lock the ledger")
        yield
    finally:
        session.communicate()  # the end of its input ends it


def backlog(proxy, hold, rows):
    """Rows a second that are stored while one connection is served, after a burst of at least
    `rows` that found the store held by somebody else."""
    with hold:
        with measure.wrk(proxy, 32, LONGEST + 10) as burst:
            try:
                wait_for("the burst", lambda: proxy.rows()[1] >= rows)
            finally:
                burst.terminate()
    with measure.wrk(proxy, 1, LONGEST + 10) as serving:
        try:
            return rate_of(proxy)
        finally:
            serving.terminate()


def rate_of(proxy):
    """From the last moment in which nothing had been stored until a batch at most waits."""
    began, (first, waiting) = time.monotonic(), proxy.rows()
    most = waiting
    until = began + LONGEST
    while waiting > BATCH:
        time.sleep(0.02)
        now, (total, waiting) = time.monotonic(), proxy.rows()
        most = max(most, waiting)
        if total == first:
            began = now
        if now > until:
            raise MeasureFailed(f"{waiting} rows still wait after {LONGEST} s")
    return {"rows": (total - first) / (now - began), "waited": most}


def fill(database, rows):
    """A ledger of a hundred days, the last of which is today, in the schema that stands there."""
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(MILLION, {"rows": rows, "day": int(time.time() // 86400),
                                     "detail": DETAIL})
        connection.execute(SUMS)


def restart(paths, core, upstream, directory):
    """Until `ready`, and until the answer to a budgeted request: money spent is known by then."""
    proxy = money.FullPolicy(paths, core, upstream)
    proxy.directory = directory
    began = time.monotonic()
    try:
        proxy.start()
        ask(proxy)
        return {"start": proxy.start_ms, "first": (time.monotonic() - began) * 1000}
    finally:
        proxy.stop()


def ask(proxy):
    """One request; again as long as the answer is a 503, as a client would."""
    def is_answered():
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        try:
            connection.request("POST", "/v1/chat/completions", proxy.paths.request.read_bytes(),
                               {"Authorization": f"Bearer {proxy.client_keys[0]}",
                                "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status not in (200, 503):
            raise MeasureFailed(f"{answer.status} {text[:300]}")
        return answer.status == 200

    wait_for("an answer", is_answered)
