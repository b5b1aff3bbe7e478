"""The stores behind a gateway: a Redis of its limits, a PostgreSQL of its records.

Both are pinned to the core of load and upstream, so that the gateway has its own as in every row."""

import os
import pathlib
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile

from .proxies import Process, StartFailed


class Store(Process):
    """Lives in a temporary folder: the path of a unix socket is short, and another account may
    enter it."""

    def __init__(self, paths, core):
        super().__init__(paths, core)
        self.folder = pathlib.Path(tempfile.gettempdir()) / f"hg-bench-{os.getpid()}-{self.port}"


class Redis(Store):
    name = "redis"
    program = "redis-server"

    def command(self):
        return [self.program, "--port", 0, "--unixsocket", self.socket, "--save", "",
                "--appendonly", "no", "--dir", self.folder]

    @property
    def socket(self):
        return self.folder / "redis.sock"

    @property
    def url(self):
        """For `state.limits`."""
        return f"redis+unix://{self.socket}"

    def is_ready(self):
        try:
            return self.answer("PING").startswith(b"+PONG")
        except OSError:
            return False

    def answer(self, command):
        """The whole answer to a command without arguments but words, as it comes."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            connection.sendall(command.encode() + b"\r\nQUIT\r\n")  # ends it, and so the answer
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            return answer

    def figures(self):
        """Microseconds of CPU so far, and calls of scripts: {"cpu_us", "calls"}."""
        told = {}
        for section in ("cpu", "commandstats"):
            for line in self.answer(f"INFO {section}").decode().splitlines():
                name, colon, value = line.partition(":")
                if colon:
                    told[name] = value
        scripts = [value for name, value in told.items()
                   if name.removeprefix("cmdstat_") in ("eval", "evalsha", "fcall")]
        return {"cpu_us": (float(told["used_cpu_user"]) + float(told["used_cpu_sys"])) * 1e6,
                "calls": sum(int(value.partition("calls=")[2].partition(",")[0])
                             for value in scripts)}


class Postgres(Store):
    """A cluster of its own, with its durability as it is by default."""

    name = "postgresql"

    def __init__(self, paths, core):
        super().__init__(paths, core)
        self.binaries = postgres_binaries()
        self.password = secrets.token_hex(8)

    def account(self):
        """It refuses to run as root."""
        if os.geteuid() != 0:
            return {}
        for name in ("postgres", "nobody"):
            try:
                found = pwd.getpwnam(name)
            except KeyError:
                continue
            return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
        raise StartFailed("postgresql: there is no account but root to run it as")

    def make_folder(self):
        super().make_folder()
        account = self.account()
        if account:
            os.chown(self.folder, account["user"], account["group"])
        password = self.folder / "password"
        password.write_text(self.password + "\n")
        done = subprocess.run(
            [self.binaries / "initdb", f"--pgdata={self.folder / 'data'}", "--username=headgate",
             f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", **account)
        if done.returncode != 0:
            raise StartFailed(f"initdb failed: {done.stdout[-1500:]}")

    def command(self):
        return [self.binaries / "postgres", "-D", self.folder / "data", "-p", self.port,
                "-h", "127.0.0.1", "-k", self.folder]

    @property
    def url(self):
        """For `state.records`."""
        return f"postgresql://headgate:{self.password}@127.0.0.1:{self.port}/postgres"

    def is_ready(self):
        return subprocess.run([self.binaries / "pg_isready", "-q", "-h", self.folder,
                               "-p", str(self.port)]).returncode == 0


def postgres_binaries():
    """The folder of `initdb` and `postgres`, or None."""
    folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    postgres = shutil.which("postgres")
    folders += [pathlib.Path(postgres).resolve().parent] if postgres else []
    return next((folder for folder in folders if (folder / "initdb").exists()), None)
