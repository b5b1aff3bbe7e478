"""The faults: each breaks the Redis of a stand and mends it again."""

from dataclasses import dataclass
from typing import Callable

from support.delaying_relay import DelayingRelay
from support.redis_server import RedisServer, free_port


class SwitchedRelay(DelayingRelay):
    """An address that may lead to another server from now on, as a name or a virtual address."""

    def point_at(self, server):
        self._target = ("127.0.0.1", server.port)
        self.cut()


class Stand:
    """A Redis, a replica of it where one is wanted, and the address that gateways know: a relay's
    where a fault needs one."""

    def __init__(self, fault):
        # A replica that follows at once, rather than to wait for others.
        self.redis = RedisServer("--repl-diskless-sync-delay", 0)
        self.replica = None
        self.relay = None
        try:
            if fault.has_replica:
                self.replica = RedisServer(replica_of=self.redis)
            if fault.has_relay:
                self.relay = SwitchedRelay(("127.0.0.1", self.redis.port))
        except BaseException:
            self.close()
            raise

    @property
    def url(self):
        return f"redis://{self.relay.address}/0" if self.relay else self.redis.url

    @property
    def port(self):
        """Of the server that has the data now: for RedisBooks."""
        return self.redis.port

    @property
    def password(self):
        return self.redis.password

    def fail_over(self):
        self.replica.promote()
        self.redis, self.replica = self.replica, self.redis
        self.relay.point_at(self.redis)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.relay:
            self.relay.close()
        for server in (self.redis, self.replica):
            if server:
                server.stop()


@dataclass(frozen=True)
class Fault:
    """`away`: no process reaches Redis until it is mended. `loses`: what was counted is gone."""

    title: str
    do: Callable[[Stand], None]
    mend: Callable[[Stand], None] = lambda stand: None
    early: Callable[[Stand], None] = lambda stand: None  # once the load has begun, before `do`
    away: bool = False
    loses: bool = False
    has_relay: bool = False
    has_replica: bool = False


def _stop(stand):
    stand.redis.cli("SHUTDOWN", "NOSAVE")
    stand.redis._child.wait(20)


def _make_read_only(stand):
    stand.redis.cli("REPLICAOF", "127.0.0.1", free_port())


FAULTS = {
    "stopped": Fault("stopped", _stop, lambda stand: stand.redis.start(), away=True, loses=True),
    "killed": Fault(
        "killed",
        lambda stand: stand.redis.kill(),
        lambda stand: stand.redis.start(),
        away=True,
        loses=True,
    ),
    "paused": Fault(
        "paused",
        lambda stand: stand.redis.pause(),
        lambda stand: stand.redis.resume(),
        away=True,
    ),
    "slow": Fault(
        "300 ms slower",
        lambda stand: stand.relay.delay(0.3),
        lambda stand: stand.relay.delay(0),
        away=True,
        has_relay=True,
    ),
    "cut off": Fault(
        "connections refused",
        lambda stand: stand.relay.stop(),
        lambda stand: stand.relay.start(),
        away=True,
        has_relay=True,
    ),
    "flushed": Fault("FLUSHALL", lambda stand: stand.redis.forget(), loses=True),
    "without scripts": Fault(
        "SCRIPT FLUSH", lambda stand: stand.redis.cli("SCRIPT", "FLUSH")
    ),
    "restarted empty": Fault(
        "restarted empty", lambda stand: stand.redis.restart(), loses=True
    ),
    "failed over": Fault(
        "replica promoted", Stand.fail_over, has_relay=True, has_replica=True
    ),
    "failed over to a replica that lags": Fault(
        "a replica that lags promoted",
        Stand.fail_over,
        early=lambda stand: stand.replica.promote(),
        has_relay=True,
        has_replica=True,
    ),
    "read-only": Fault(
        "read-only",
        _make_read_only,
        lambda stand: stand.redis.promote(),
        away=True,
    ),
}
