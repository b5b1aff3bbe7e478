"""The programs side by side: how each is configured, started, known to be ready, and ended."""

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time

from . import machine

CLIENT_KEY = "hg-" + secrets.token_hex(22)
START_LIMIT = 10  # seconds


class StartFailed(Exception):
    """Its text tells what the program said."""


class Process:
    """One program of the bench, pinned to a core, with a folder of its own while it runs."""

    name = ""
    program = None  # that must be installed

    def __init__(self, paths, core):
        self.paths = paths
        self.core = core
        self.port = machine.free_port()
        self.folder = paths.work / f"{self.name}-{self.port}"
        self.process = None
        self.environment = {}
        self.start_ms = None

    def command(self):
        raise NotImplementedError

    def account(self):
        """Whom the program runs as, in Popen's words; empty: as the bench."""
        return {}

    def make_folder(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def start(self):
        """Starts the program, waits until it serves, and notes how long that took."""
        self.make_folder()
        command = ["taskset", "-c", str(self.core)] + [str(word) for word in self.command()]
        with open(self.folder / "stdout", "wb") as out, open(self.folder / "stderr", "wb") as err:
            began = time.monotonic()
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                cwd=self.folder, env={**os.environ, **self.environment}, **self.account())
        try:
            while not self.is_ready():
                if self.process.poll() is not None or time.monotonic() - began > START_LIMIT:
                    raise StartFailed(f"{self.name} did not start: {self.last_words()}")
                time.sleep(0.0005)
        except BaseException:
            self.stop()
            raise
        self.start_ms = (time.monotonic() - began) * 1000
        return self

    def is_ready(self):
        """Whether it accepts connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def last_words(self):
        said = (self.folder / "stderr").read_text(errors="replace").strip()
        return said[-1500:] or "it said nothing"

    def stop(self):
        """Ends the program and what it started, by their process ids."""
        if self.process is None:
            return
        tree = machine.process_tree(self.process.pid) if self.process.poll() is None else []
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            for pid in tree:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()
        self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self):
        return self.process.pid

    @property
    def target(self):
        return f"127.0.0.1:{self.port}"


class Upstream(Process):
    name = "upstream"

    def __init__(self, paths, core, delay="0"):
        super().__init__(paths, core)
        self.delay = delay

    def command(self):
        return [self.paths.programs / "bench_upstream", "--listen", self.target,
                "--delay", self.delay, "--events", "50", "--interval", "100ms"]


class BrokenUpstream(Upstream):
    """Answers every request with a 503, at once."""

    def command(self):
        return [*super().command(), "--out-of-order", "yes"]


class Proxy(Process):
    client_keys = [CLIENT_KEY]

    def __init__(self, paths, core, upstream):
        super().__init__(paths, core)
        self.upstream = upstream

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


class Nginx(Proxy):
    """One worker; the settings that an operator would choose for a streaming proxy."""

    name = "nginx"
    program = "nginx"
    access_log = "off"

    def command(self):
        return ["nginx", "-c", self.write("nginx.conf", f"""
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log {self.access_log};
    client_body_temp_path {self.folder}/body;
    proxy_temp_path {self.folder}/proxy;
    fastcgi_temp_path {self.folder}/fastcgi;
    uwsgi_temp_path {self.folder}/uwsgi;
    scgi_temp_path {self.folder}/scgi;
    upstream provider {{
        server {self.upstream.target};
        keepalive 512;
        keepalive_requests 1000000000;
    }}
    server {{
        listen {self.target} reuseport backlog=4096;
        keepalive_requests 1000000000;
        location / {{
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""), "-p", self.folder, "-e", self.folder / "error.log"]


class NginxWithLog(Nginx):
    name = "nginx + log"

    @property
    def access_log(self):
        return f'"{self.folder}/access.log" combined buffer=64k flush=1s'

    def __init__(self, paths, core, upstream):
        super().__init__(paths, core, upstream)
        self.folder = paths.work / f"nginx-log-{self.port}"


class Haproxy(Proxy):
    name = "haproxy"
    program = "haproxy"

    def command(self):
        return ["haproxy", "-db", "-f", self.write("haproxy.cfg", f"""
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 75s
    timeout server 75s
    timeout http-keep-alive 75s
    http-reuse always
    # Without it HAProxy holds events back for up to 200 ms (MSG_MORE) and merges them.
    option http-no-delay
frontend clients
    bind {self.target} backlog 4096
    default_backend provider
backend provider
    server upstream {self.upstream.target} pool-purge-delay 60s
""")]


class Headgate(Proxy):
    """All of its policy is at work: key, JSON pass, cost, metrics, ledger row, access log."""

    name = "headgate"

    def __init__(self, paths, core, upstream):
        super().__init__(paths, core, upstream)
        self.policy = None

    def policy_text(self, provider_settings):
        digest = hashlib.sha256(CLIENT_KEY.encode()).hexdigest()
        return f"""
listen: {self.target}
workers: 1
admin: {{listen: "127.0.0.1:0"}}
log: {{access: {json.dumps(str(self.folder / "access.log"))}}}
providers:
  upstream:
    kind: openai-compatible
    base_url: http://{self.upstream.target}/v1
    api_key: an-upstream-key-of-the-bench{provider_settings}
projects:
  bench:
    keys: [{{name: bench, sha256: {digest}}}]
"""

    def command(self):
        # A thousand streams need a thousand upstream connections. A build that does not bound
        # them refuses the setting, and needs none.
        refusal = ""
        for settings in ("\n    max_connections: 4096", ""):
            policy = self.write("policy.yaml", self.policy_text(settings))
            checked = subprocess.run([self.paths.headgate, "check", policy], text=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if checked.returncode == 0:
                return [self.paths.headgate, "serve", "--config", policy]
            refusal = checked.stdout
        raise StartFailed(f"headgate refuses the bench's policy:\n{refusal}")

    def is_ready(self):
        return '"event":"ready"' in (self.folder / "stdout").read_text(errors="replace")


class HeadgateFallback(Headgate):
    """Two targets, of which the first answers 503; its breaker never opens, so that every request
    falls back."""

    def __init__(self, paths, core, upstream, broken):
        super().__init__(paths, core, upstream)
        self.broken = broken

    def policy_text(self, provider_settings):
        text = super().policy_text(provider_settings)
        return text.replace("providers:", f"""routes:
  - name: fallback
    model: "*"
    targets: [{{provider: broken}}, {{provider: upstream}}]
    breaker: {{failures: 100, window: 1ms}}
providers:
  broken:
    kind: openai-compatible
    base_url: http://{self.broken.target}/v1""", 1)


class Direct:
    """No proxy: what load and upstream can do alone."""

    name = "direct"
    program = None
    client_keys = [CLIENT_KEY]
    pid = None
    start_ms = None

    def __init__(self, paths, core, upstream):
        self.upstream = upstream

    @property
    def target(self):
        return self.upstream.target

    def start(self):
        return self

    def stop(self):
        pass


ALL = [Direct, Nginx, NginxWithLog, Haproxy, Headgate]
