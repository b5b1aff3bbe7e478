"""Headgate in front of a simulated provider, as the tests use them."""

import json
import urllib.request

from support.access_log import AccessLog
from support.process import Process


class Simulator(Process):
    """`headgate simulate` on a free port."""

    def __init__(self, *options):
        super().__init__("simulate", "--listen", "127.0.0.1:0", *options)
        self.await_ready()

    def behave(self, **behaviour):
        """Changes how it answers, as POST /simulator/behaviour takes it."""
        call = urllib.request.Request(
            f"{self.url}/simulator/behaviour",
            data=json.dumps(behaviour).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(call, timeout=20) as answer:
            assert answer.status == 200, answer.status

    def requests(self):
        """The latest 1,000 that it received, oldest first."""
        with urllib.request.urlopen(f"{self.url}/simulator/requests", timeout=20) as answer:
            return json.load(answer)["data"]


    def forget(self):
        """How many requests it has listed; from now on it lists those that follow."""
        count = len(self.requests())
        call = urllib.request.Request(f"{self.url}/simulator/requests", method="DELETE")
        with urllib.request.urlopen(call, timeout=20) as answer:
            assert answer.status == 200, answer.status
        return count


class Gateway(Process):
    """`headgate serve` with a policy of its own in `directory`."""

    def __init__(self, directory, policy_text, *options, env=None):
        self.policy_path = directory / "policy.yaml"
        # Policies of tests hold keys in plain text: a file that others may read is warned of.
        self.policy_path.touch(mode=0o600)
        self.policy_path.write_text(policy_text)
        self.log = AccessLog(directory / "access.log")
        # The journal and the records lie in the working directory.
        super().__init__("serve", "--config", self.policy_path, *options, env=env, cwd=directory)
        self.await_ready()

    def metrics(self):
        """The admin listener's metrics: {'name{labels}': value}."""
        with urllib.request.urlopen(f"{self.admin_url}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        samples = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def metric(self, name, **labels):
        """The sum of the series of that name whose labels hold all of `labels`."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(
            value
            for series, value in self.metrics().items()
            if series.split("{")[0] == name and all(label in series for label in wanted)
        )
