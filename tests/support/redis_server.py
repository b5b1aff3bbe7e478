"""redis-server as the tests use it: alone, with a replica, or three nodes of a cluster. Loopback only;
nothing is saved, so that a restart has lost everything."""

import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import urllib.parse

from support.waiting import wait_for


def is_installed():
    return shutil.which("redis-server") is not None and shutil.which("redis-cli") is not None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisServer:
    """One server, from the constructor's return on ready for commands. As a context it stops at the end."""

    def __init__(self, *options, replica_of=None, password=None):
        self.port = free_port()
        self.password = password
        self._directory = tempfile.mkdtemp(prefix="hg-redis-")
        self._options = [*map(str, options)]
        if password is not None:
            self._options += ["--requirepass", password]
        if replica_of is not None:
            self._options += ["--replicaof", "127.0.0.1", str(replica_of.port)]
            if replica_of.password is not None:
                self._options += ["--masterauth", replica_of.password]
        self._child = None
        self._is_paused = False
        self.start()
        if replica_of is not None:
            self.await_replication()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        """For `state.limits` of a policy."""
        credential = "" if self.password is None else f":{urllib.parse.quote(self.password, safe='')}@"
        return f"redis://{credential}{self.address}/0"

    @property
    def pid(self):
        return self._child.pid

    def start(self):
        self._child = subprocess.Popen(
            [
                "redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                "--dir", self._directory, "--save", "", "--daemonize", "no", *self._options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        log = []
        for line in self._child.stdout:
            log.append(line)
            # A replica says it with a capital letter.
            if "eady to accept connections" in line:
                # Read on: a server whose log is full stands still.
                threading.Thread(
                    target=self._drain, args=(self._child.stdout,), daemon=True
                ).start()
                return
        raise AssertionError("redis-server did not start: " + "".join(log))

    @staticmethod
    def _drain(log):
        for _ in log:
            pass

    def cli(self, *words, seconds=20):
        """What redis-cli prints for a command."""
        credential = [] if self.password is None else ["-a", self.password, "--no-auth-warning"]
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *credential, *map(str, words)],
            capture_output=True, text=True, timeout=seconds, check=True,
        )
        return done.stdout.strip()

    def info(self, section):
        """One section of INFO: {'name': 'value'}."""
        lines = self.cli("INFO", section).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def forget(self):
        """Loses all data, as an operator's mistake would."""
        self.cli("FLUSHALL")

    def pause(self):
        """Stops answering; connections stay."""
        self._child.send_signal(signal.SIGSTOP)
        self._is_paused = True

    def resume(self):
        self._child.send_signal(signal.SIGCONT)
        self._is_paused = False

    def kill(self):
        """Ends at once, as a crash would."""
        self._child.kill()
        self._child.wait()
        self._is_paused = False

    def restart(self):
        """Crashes and comes back on the same port, empty."""
        self.kill()
        self.start()

    def stop(self):
        if self._child.poll() is None:
            if self._is_paused:
                self.resume()
            self._child.terminate()
            try:
                self._child.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def await_replication(self):
        wait_for(
            lambda: self.info("replication").get("master_link_status") == "up",
            "the replica to follow its master",
        )

    def promote(self):
        """The replica becomes a master, as a fail-over does."""
        self.cli("REPLICAOF", "NO", "ONE")


class RedisCluster:
    """Three masters that share the slots, each with `replicas` replicas."""

    def __init__(self, replicas=0):
        self.nodes = []
        try:
            for _ in range(3 * (1 + replicas)):
                self.nodes.append(
                    RedisServer(
                        "--cluster-enabled", "yes", "--cluster-port", free_port(),
                        "--cluster-node-timeout", 2000,
                    )
                )
            addresses = [node.address for node in self.nodes]
            done = subprocess.run(
                ["redis-cli", "--cluster", "create", *addresses,
                 "--cluster-replicas", str(replicas), "--cluster-yes"],
                capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            wait_for(self.is_whole, "the cluster to come about", seconds=60)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return self.nodes[0].url

    def is_whole(self):
        """Every node that answers says that all slots are served."""
        return all("cluster_state:ok" in node.cli("CLUSTER", "INFO") for node in self.nodes)

    def master_of(self, key):
        """The node that serves a key."""
        slot = int(self.nodes[0].cli("CLUSTER", "KEYSLOT", key))
        for line in self.nodes[0].cli("CLUSTER", "NODES").splitlines():
            words = line.split()
            if "master" not in words[2] or "fail" in words[2]:
                continue
            for served in words[8:]:
                first, _, last = served.partition("-")
                if first.isdigit() and int(first) <= slot <= int(last or first):
                    port = int(words[1].split("@")[0].rsplit(":", 1)[1])
                    return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"no node serves {key}")

    def stop(self):
        for node in self.nodes:
            node.stop()
