"""The command behind tests/faults."""

import contextlib
import pathlib
import sys
import tempfile
from decimal import Decimal

from support.faults.played import PROCESSES, PROMISED, play
from support.faults.redis_faults import FAULTS
from support.faults.table import table, write_table
from support.gateway import Simulator
from support.postgres import Postgres
from support.process import ROOT

PAGE = ROOT / "docs/reliability.md"
LIMIT = Decimal("0.3")  # of about 3,000 requests
OUTAGE = 3.0  # seconds


class Processes:
    """Starts them, and ends those that still run."""

    def __init__(self):
        self.running = []

    def __call__(self, kind, *arguments, **options):
        self.running.append(kind(*arguments, **options))
        return self.running[-1]

    def end(self):
        for process in reversed(self.running):
            process.kill()
        self.running.clear()


def broken_promises(played):
    statuses = {status for status, _ in played.counts}
    checks = {
        "a client got no answer": statuses <= {200, 429, 503},
        f"recovery took {played.recovery:.1f} s": played.recovery <= PROMISED,
        f"${played.overshoot} above the budget": played.overshoot <= played.bound,
        f"a process gave ${played.given} without Redis": played.given <= played.allowance,
        f"{played.lost} answers without a row": played.lost == 0,
        f"answers ${played.answered}, ledger ${played.booked}, Redis ${played.counted}": (
            played.answered == played.booked == played.counted
        ),
        f"${played.reserved} stay reserved": played.reserved == 0,
    }
    return [problem for problem, is_kept in checks.items() if not is_kept]


def play_all(names, folder, server):
    """Yields name, Played and what was broken."""
    for number, name in enumerate(names):
        server.sql(f"CREATE DATABASE fault_{number}")
        start = Processes()
        try:
            simulator = start(Simulator, "--first-byte", "0ms", "--token-delay", "0ms")
            played = play(
                FAULTS[name],
                start,
                folder / f"fault-{number}",
                simulator,
                server.uri(f"fault_{number}"),
                outage=OUTAGE,
                limit=LIMIT,
            )
            yield name, played, broken_promises(played)
        except AssertionError as problem:
            yield name, None, [str(problem)]
        finally:
            start.end()


def main(names):
    unknown = set(names) - FAULTS.keys()
    if unknown:
        print(f"no such fault: {', '.join(unknown)}; there are: {', '.join(FAULTS)}")
        return 2
    results, is_good = {}, True
    with contextlib.ExitStack() as ends:
        folder = pathlib.Path(ends.enter_context(tempfile.TemporaryDirectory()))
        server = ends.enter_context(Postgres())
        for name, played, problems in play_all(names or FAULTS, folder, server):
            is_good = is_good and not problems
            if played:
                results[FAULTS[name].title] = played
                print(f"{FAULTS[name].title}: {played}", flush=True)
            for problem in problems:
                print(f"{FAULTS[name].title}: BROKEN: {problem}", flush=True)
    if not names and is_good:
        text = table(results, PROCESSES, OUTAGE)
        print(text if not write_table(PAGE, text) else f"written into {PAGE.relative_to(ROOT)}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
