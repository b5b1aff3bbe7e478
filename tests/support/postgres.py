"""A PostgreSQL of the tests' own: in a temporary directory, on a loopback port, with a password."""

import contextlib
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile

from support.waiting import wait_for


def binaries():
    """The folder of `initdb` and `postgres`, or None."""
    folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders += [pathlib.Path(folder) for folder in os.environ.get("PATH", "").split(":") if folder]
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


def _account():
    """Whom the server runs as: it refuses to be root. None: as we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("no unprivileged user to run PostgreSQL as")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """Makes an empty cluster; `start` it before use. `uri` stays the same over restarts."""

    USER = "headgate"

    def __init__(self):
        self.bin = binaries()
        assert self.bin, "PostgreSQL is not installed"
        self.password = secrets.token_hex(8)
        self.child = None
        self._account = _account()
        # Short: the path of a unix socket in it has at most 107 bytes.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="headgate-pg-", dir="/tmp"))
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        if self._account:
            os.chown(self.directory, self._account.pw_uid, self._account.pw_gid)
        self.port = _free_port()
        self._make_cluster()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.remove()

    def _as_account(self):
        """Arguments for subprocess that give up root."""
        if not self._account:
            return {}
        return {
            "user": self._account.pw_uid,
            "group": self._account.pw_gid,
            "extra_groups": [],
        }

    def _make_cluster(self):
        password_file = self.directory / "password"
        password_file.write_text(self.password + "\n")
        done = subprocess.run(
            [
                self.bin / "initdb",
                f"--pgdata={self.data}",
                f"--username={self.USER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
            capture_output=True,
            text=True,
            cwd="/",
            timeout=120,
            **self._as_account(),
        )
        assert done.returncode == 0, done.stderr

    def uri(self, database="postgres", password=None):
        """For `state.records`."""
        password = password or self.password
        return f"postgresql://{self.USER}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self, *settings):
        """Starts it, or starts it again; `settings` as `name=value`. Returns when it answers."""
        options = [argument for setting in settings for argument in ("-c", setting)]
        with self.log.open("a") as log:
            self.child = subprocess.Popen(
                [
                    self.bin / "postgres",
                    "-D", self.data,
                    "-p", str(self.port),
                    "-h", "127.0.0.1",
                    "-k", self.directory,
                    # What fsync protects from, a crash of the machine, no test makes.
                    "-c", "fsync=off",
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **self._as_account(),
            )
        wait_for(self._answers, f"PostgreSQL to answer: {self.log}", seconds=60)

    def _answers(self):
        assert self.child.poll() is None, self.log.read_text()
        with contextlib.suppress(AssertionError):
            return self.sql("SELECT 1") == "1"
        return False

    def sql(self, statement, database="postgres"):
        """Runs one statement; the rows as lines of `a|b`."""
        done = subprocess.run(
            [self.bin / "psql", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-XqAt", "-c", statement]
            + [self.uri(database)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def stop(self, seconds=60):
        """A fast shutdown: connections are ended, all is written. start() may follow."""
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
            self.child.wait(seconds)
        self.child = None

    def kill(self):
        """As a crash: SIGKILL to every process of the server. start() may follow."""
        # The parent stands still first: it would end its children in an orderly way.
        self.child.send_signal(signal.SIGSTOP)
        self._signal_sessions(signal.SIGKILL)
        self.child.kill()
        self.child.wait(30)
        self.child = None

    def pause(self):
        """The server and its sessions stand still, connections stay open. resume() follows."""
        self.child.send_signal(signal.SIGSTOP)
        self._signal_sessions(signal.SIGSTOP)

    def resume(self):
        self._signal_sessions(signal.SIGCONT)
        self.child.send_signal(signal.SIGCONT)

    def _signal_sessions(self, number):
        pid = self.child.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in map(int, children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)

    def remove(self):
        """Ends it, paused or not, and takes its directory away."""
        if self.child:
            self.resume()
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
