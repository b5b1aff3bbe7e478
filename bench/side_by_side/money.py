"""Gateways with sixteen projects: without limits, with the full policy, with limits in Redis."""

import hashlib
import http.client
import json
import secrets

from . import machine
from .proxies import CLIENT_KEY, Headgate
from .stores import Redis

PROJECT_KEYS = [CLIENT_KEY] + ["hg-" + secrets.token_hex(22) for _ in range(15)]
ONE_SCOPE = 'limits: [{model: "*", rpm: 1000M, tpm: 1000000M, concurrent: 4096}]'
BUDGET = "budget: {usd: 9000000, per: month}"


class Bare(Headgate):
    """As in the other table, but for the number of projects: records in SQLite, no limit."""

    name = "headgate"
    client_keys = PROJECT_KEYS
    records = "sqlite:headgate.db"
    limits = "memory"
    rules = ""
    redis = None

    def __init__(self, paths, core, upstream):
        super().__init__(paths, core, upstream)
        self.folder = paths.work / f"money-{self.port}"
        self.admin_port = machine.free_port()
        self.directory = self.folder  # of journal and SQLite

    def policy_text(self, provider_settings):
        projects = "".join(
            f"  bench-{number:02}:\n"
            f"    keys: [{{name: bench, sha256: {hashlib.sha256(key.encode()).hexdigest()}}}]\n"
            f"{self.rules}" for number, key in enumerate(PROJECT_KEYS))
        return f"""
listen: {self.target}
workers: 1
admin: {{listen: "127.0.0.1:{self.admin_port}"}}
state:
  directory: {json.dumps(str(self.directory))}
  records: {json.dumps(self.records)}
  limits: {json.dumps(self.limits)}
log: {{access: {json.dumps(str(self.folder / "access.log"))}}}
providers:
  upstream:
    kind: openai-compatible
    base_url: http://{self.upstream.target}/v1
    api_key: an-upstream-key-of-the-bench{provider_settings}
projects:
{projects}"""

    def rows(self):
        """Rows of this process: (stored, still waiting)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=10)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        counts = {line.split()[0]: float(line.split()[1]) for line in text.splitlines()
                  if line.startswith(("headgate_ledger_rows_total ", "headgate_ledger_queue_rows "))}
        return (int(counts.get("headgate_ledger_rows_total", 0)),
                int(counts.get("headgate_ledger_queue_rows", 0)))


class WithoutRecords(Bare):
    name = "no records"
    records = "none"


class FullPolicy(Bare):
    """Three limits and a budget a project; journal; ledger in SQLite."""

    name = "full policy"
    rules = f"    {ONE_SCOPE}\n    {BUDGET}\n"


class SharedPolicy(FullPolicy):
    """The same with its limits in a Redis on a unix socket."""

    name = "full, Redis"
    program = Redis.program

    def __init__(self, paths, core, upstream, store_core=0):
        super().__init__(paths, core, upstream)
        self.redis = Redis(paths, store_core)
        self.limits = self.redis.url

    def start(self):
        self.redis.start()
        return super().start()  # which calls stop() where it fails

    def stop(self):
        super().stop()
        self.redis.stop()


ALL = [Bare, WithoutRecords, FullPolicy, SharedPolicy]
