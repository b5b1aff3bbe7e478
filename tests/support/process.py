"""Runs the binary as a user does: command line in, ready line, logs and exit code out."""

import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import threading

from support.waiting import Deadline

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("HEADGATE_BINARY", str(ROOT / "build/release/headgate"))

# What a sanitizer prints. A report fails the test even where the exit code does not show it.
SANITIZER_REPORT = re.compile(
    r"(ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|"
    r"UndefinedBehaviorSanitizer|Sanitizer: DEADLYSIGNAL)"
)


def folder_of(arguments, cwd):
    """Where a command runs: `serve` keeps its state in the working directory, so beside its policy."""
    words = [str(word) for word in arguments]
    if cwd is None and words[:1] == ["serve"] and "--config" in words[:-1]:
        folder = pathlib.Path(words[words.index("--config") + 1]).parent
        return folder if folder.is_dir() else None
    return cwd


def run(*arguments, env=None, cwd=None, seconds=60, stdin=None):
    """Runs a command to its end. Returns the CompletedProcess, output as text."""
    done = subprocess.run(
        [BINARY, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=environment(env),
        cwd=folder_of(arguments, cwd),
        input=stdin,
    )
    assert not SANITIZER_REPORT.search(done.stderr), done.stderr
    return done


def environment(extra=None):
    """The environment of a started binary: ours, without what could point at a real account."""
    env = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    env.update(extra or {})
    return env


class Process:
    """A long-running command. `ready` is its ready line; stderr is collected from the start."""

    def __init__(self, *arguments, env=None, cwd=None):
        self.child = subprocess.Popen(
            [BINARY, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environment(env),
            cwd=folder_of(arguments, cwd),
        )
        self._stdout = queue.Queue()
        self._stderr = []
        self._readers = [
            threading.Thread(target=self._read_stdout, daemon=True),
            threading.Thread(target=self._read_stderr, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self.ready = None

    def _read_stdout(self):
        for line in self.child.stdout:
            self._stdout.put(line)
        self._stdout.put(None)

    def _read_stderr(self):
        for line in self.child.stderr:
            self._stderr.append(line)

    @property
    def pid(self):
        return self.child.pid

    @property
    def stderr(self):
        return "".join(self._stderr)

    def await_ready(self, seconds=30):
        """Reads stdout up to the ready line and returns it as a dictionary."""
        deadline = Deadline(seconds)
        while True:
            try:
                line = self._stdout.get(timeout=max(0.01, deadline.left()))
            except queue.Empty:
                raise AssertionError(f"no ready line within {seconds} s: {self.stderr}") from None
            if line is None:
                code = self.child.wait(10)
                raise AssertionError(f"ended with {code} before it was ready: {self.stderr}")
            message = json.loads(line)
            if message.get("event") == "ready":
                self.ready = message
                return message

    @property
    def address(self):
        """The first bound address: `host:port` or `unix:/path`."""
        return self.ready["listen"][0]

    @property
    def url(self):
        return "http://" + self.address

    @property
    def admin_url(self):
        return "http://" + self.ready["admin"][0]

    def signal(self, number):
        self.child.send_signal(number)

    def wait(self, seconds=30):
        """Waits for the end and for the rest of the output. Returns the exit code."""
        code = self.child.wait(seconds)
        for reader in self._readers:
            reader.join(10)
        return code

    def stop(self, seconds=40):
        """Drains and checks how it went: exit code 0, no sanitizer report."""
        if self.child.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            code = self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.wait()
            raise AssertionError(f"did not end {seconds} s after SIGTERM: {self.stderr}") from None
        assert not SANITIZER_REPORT.search(self.stderr), self.stderr
        assert code == 0, f"ended with {code}: {self.stderr}"

    def kill(self):
        """For a test that has already seen all it needs, or has failed."""
        if self.child.poll() is None:
            self.child.kill()
        self.wait()
