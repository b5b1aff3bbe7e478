"""What Redis holds of budgets and limits, read as an onlooker would: beside the gateways, over a
connection of its own."""

import contextlib
import socket
import struct
from decimal import Decimal

NANO = Decimal(1).scaleb(-9)


class RedisError(Exception):
    """An error reply, or a connection that is gone."""


class RedisBooks:
    """The counters of one installation: `{hg:<namespace>}:limits`, whose fields scripts.h names.

    `server`: what has a `port`, which may become another one, and a `password`.
    """

    def __init__(self, server, namespace="default"):
        self._server = server
        self._namespace = namespace
        self._link = None
        self._file = None
        self._port = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._link is not None:
            with contextlib.suppress(OSError):
                self._file.close()
                self._link.close()
            self._link = None

    def budget(self, scope="tests"):
        """(spent, reserved) over all days of a project; of the organization where it is ""."""
        found = self._found(f"m{scope}/".encode())
        pairs = [struct.unpack("<dd", value) for value in found.values()]
        return (
            sum((int(spent) * NANO for spent, _ in pairs), Decimal(0)),
            sum((int(reserved) * NANO for _, reserved in pairs), Decimal(0)),
        )

    def slots(self):
        """How many slots of `concurrent` are taken, over all buckets."""
        found = self._found(b"b", b"/concurrent")
        return sum(int(struct.unpack("<dd", value)[0]) for value in found.values())

    def _found(self, start, end=b""):
        flat = self.ask("HGETALL", f"{{hg:{self._namespace}}}:limits")
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return {
            field: value
            for field, value in pairs
            if field.startswith(start) and field.endswith(end)
        }

    def ask(self, *words):
        """One command's reply."""
        if self._port != self._server.port:
            self.close()
        try:
            if self._link is None:
                self._port = self._server.port
                self._link = socket.create_connection(("127.0.0.1", self._port), 20)
                self._file = self._link.makefile("rb")
                if self._server.password is not None:
                    self._call("AUTH", self._server.password)
            return self._call(*words)
        except OSError as problem:
            self.close()
            raise RedisError(str(problem)) from problem

    def _call(self, *words):
        encoded = [str(word).encode() for word in words]
        parts = [b"*%d\r\n" % len(encoded)]
        parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded]
        self._link.sendall(b"".join(parts))
        return self._reply()

    def _reply(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("Redis ended the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            return self._file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        return rest
