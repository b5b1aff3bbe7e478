"""One fault under load, and what clients, Redis and the ledger say of it afterwards."""

import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from support.crowd import Crowd
from support.faults.redis_faults import Stand
from support.installation import Installation, Watch
from support.redis_books import RedisBooks, RedisError
from support.waiting import wait_for

LIMIT = Decimal("0.08")  # of about 800 requests
PROMISED = 2.0  # seconds from a Redis that is back to a gateway that counts there again
MOST_ALLOWED = Decimal(1)
PROCESSES = 2
CLIENTS = 12
PART_ALLOWED = Decimal("0.05")


@dataclass
class Played:
    counts: Counter = field(default_factory=Counter)  # (status, code): during the fault and after
    longest: float = 0.0
    recovery: float = 0.0
    outages: int = 0
    limit: Decimal = Decimal(0)
    most: Decimal = Decimal(0)  # spent + reserved in Redis, ever
    answered: Decimal = Decimal(0)  # what the answers told that they cost
    booked: Decimal = Decimal(0)  # the ledger's sum
    counted: Decimal = Decimal(0)  # spent in Redis, at the end
    reserved: Decimal = Decimal(0)
    given: Decimal = Decimal(0)  # the most that one process gave while it was without Redis
    lost: int = 0  # answers without a row of their own, or with more than one

    def __str__(self):
        answers = ", ".join(
            f"{count:,} × {status} {code}".strip() for (status, code), count in self.counts.items()
        )
        return (
            f"{answers}; longest wait {self.longest * 1000:.0f} ms; normal again after "
            f"{self.recovery:.2f} s; ${self.overshoot} above the budget, at most ${self.bound}"
        )

    @property
    def overshoot(self):
        return max(Decimal(0), max(self.booked, self.most) - self.limit)

    @property
    def allowance(self):
        """5 % of what was left, at most $1, a process and outage. Of the whole budget here, since
        answers do not tell how much was left."""
        return min(PART_ALLOWED * self.limit, MOST_ALLOWED)

    @property
    def bound(self):
        return self.outages * self.allowance


def play(fault, start, directory, upstream, records, *, mode="local", outage=0.0, limit=LIMIT):
    """`upstream`: a simulator that answers at once; `outage`: how many seconds Redis stays away at
    least. Fails where a process does not come back."""
    played = Played(limit=limit)
    with Stand(fault) as stand:
        installation = Installation(
            start,
            directory,
            upstream,
            f"budget: {{usd: {played.limit}, per: total}}\nlimits: [{{rpm: 1M, concurrent: 64}}]",
            redis=stand.url,
            records=records,
            count=PROCESSES,
            state={"on_redis_failure": mode},
        )
        installation.await_redis()
        with contextlib.ExitStack() as ends:
            watch = ends.enter_context(Watch(stand))
            crowd = ends.enter_context(Crowd(installation.addresses, clients=CLIENTS, pause=0.005))
            crowd.await_answers(50, lambda told: told.status == 200)
            fault.early(stand)
            crowd.await_answers(150, lambda told: told.status == 200)
            first = len(crowd.told)
            fault.do(stand)
            if fault.away:
                bear(installation, crowd, played, mode, outage)
                fault.mend(stand)
            mended = time.monotonic()
            installation.await_redis()
            back = time.monotonic()
            use_up(installation, crowd)
        played.counts = crowd.counts(first)
        played.longest = max(told.took for told in crowd.told[first:])
        played.recovery = max(back, *served_again(installation, crowd, mended)) - mended
        close_books(installation, stand, crowd, played)
        played.most = watch.most
        for gateway in installation.gateways:
            gateway.stop()
        played.outages = installation.outages()
    return played


def bear(installation, crowd, played, mode, outage):
    """Until Redis was away long enough: for the policy's `local` and `closed` until every process
    refuses, having given what it may."""
    since = time.monotonic()
    wait_for(installation.is_redis_away, "all processes to notice")
    first = len(crowd.told)
    crowd.await_round()
    if mode != "open":
        wait_for(
            lambda: len({told.gateway for told in crowd.told[first:] if told.status == 503})
            == len(installation.gateways),
            f"all processes to refuse; {crowd.counts(first)}",
        )
    wait_for(lambda: time.monotonic() >= since + outage, "the outage's end", outage + 10)
    served = [told for told in crowd.told[first:] if told.status == 200]
    played.given = max(
        sum((told.cost for told in served if told.gateway == index), Decimal(0))
        for index in range(len(installation.gateways))
    )


def served_again(installation, crowd, mended):
    """When each process began to answer without a 503 among ten answers."""
    for index in range(len(installation.gateways)):
        answers = [t for t in list(crowd.told) if t.gateway == index and t.at >= mended]
        for place, told in enumerate(answers):
            if all(each.status != 503 for each in answers[place : place + 10]):
                yield told.at + told.took
                break


def use_up(installation, crowd):
    """Until every process says that the budget is used up."""
    first = len(crowd.told)

    def is_used_up():
        refused = {t.gateway for t in crowd.told[first:] if t.code == "insufficient_quota"}
        return len(refused) == len(installation.gateways)

    wait_for(is_used_up, f"the budget's end; {crowd.counts(first)}", 90)


def close_books(installation, stand, crowd, played):
    """Reads what is booked where, once nothing is under way."""
    installation.await_rest()
    played.answered = sum((told.cost for told in crowd.served), Decimal(0))
    ids = {told.id for told in crowd.served}
    rows = installation.rows(lambda found: ids <= {row["id"] for row in found})
    found = Counter(row["id"] for row in rows)
    played.lost = sum(found[each] != 1 for each in ids)
    played.booked = sum((Decimal(row["cost_usd"]) for row in rows), Decimal(0))
    with RedisBooks(stand) as books:

        def agrees():
            with contextlib.suppress(RedisError):
                played.counted, played.reserved = books.budget()
            return (played.counted, played.reserved) == (played.booked, 0)

        with contextlib.suppress(AssertionError):
            wait_for(agrees, "Redis and the ledger to agree", 10)
