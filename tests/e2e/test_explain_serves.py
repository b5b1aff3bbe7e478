"""What `explain` tells is what serving does: random policies, random requests, both asked.

One gateway gets each policy by a reload. What it did with a request, by its answer and its row, is
then what `headgate test` is told to expect of the same request. HEADGATE_SEED draws a run again.
"""

import http.client
import json
import os
import random
import socket
import urllib.parse

import pytest
from support.admin import ADMIN_KEY, reload
from support.admin import call as admin_call
from support.policy import sha256
from support.process import run
from support.random_policy import RandomPolicy

REQUESTS = 100  # a policy


@pytest.fixture
def closed():
    """host:port where every connection is refused, for as long as the test runs."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def whole(policy, directory):
    settings = {
        "listen": "127.0.0.1:0",
        "workers": 1,  # what a target is known for is known at once
        "watch": False,
        "admin": {
            "listen": "127.0.0.1:0",
            "keys": [{"name": "ops", "sha256": sha256(ADMIN_KEY)}],
        },
        "log": {"access": str(directory / "access.log")},
    }
    return json.dumps({**settings, **policy.sections()}, indent=1)


class Asked:
    """A question, and what serving it came to."""

    def __init__(self, name, question, answer, body):
        self.name = name
        self.question = question
        self.status = answer.status
        self.id = answer.headers["x-request-id"]
        self.headers = answer.headers
        self.body = body

    def code(self):
        """What the policy makes of it: none where it was served or a provider's error passed. Of
        an error that passed with 429 that depends on whether the others were 429 too."""
        if self.status == 200:
            return {"code": None}
        if "x-headgate-provider" not in self.headers:
            return {"code": json.loads(self.body)["error"]["code"]}
        return {} if self.status == 429 else {"code": None}

    def has_row(self):
        """Many refusals a second are one row together, which then is of another one."""
        return "x-headgate-provider" in self.headers or self.status >= 500

    def expected(self, row):
        """Also checks that answer and row tell the same."""
        if row is None:
            return {"status": self.status, "attempts": [], **self.code()}
        attempts = [f"{each['provider']}/{each['model']}" for each in row["attempts"]]
        assert row["status"] == self.status, self.name
        if "x-headgate-provider" in self.headers:
            assert self.headers["x-headgate-attempts"] == str(len(attempts)), self.name
            assert self.headers["x-headgate-route"] == row["route"], self.name
            last = f"{self.headers['x-headgate-provider']}/{self.headers['x-headgate-model']}"
            assert last == attempts[-1], self.name
        expected = {
            "status": self.status,
            **self.code(),
            "attempts": attempts,
            "skipped": [f"{each['provider']}/{each['model']}" for each in row["skipped"]],
        }
        if row["route"]:
            expected["route"] = row["route"]
        return expected


def serve(link, name, question):
    path, fields, body = question.request()
    link.request("POST", path, body=body, headers=fields)
    answer = link.getresponse()
    return Asked(name, question, answer, answer.read())


def explained_live(gateway, question):
    parameters = {
        "project": question.project,
        "model": question.model,
        "endpoint": question.endpoint,
        "stream": "true" if question.stream else "false",
        **{"header": f"{name}={value}" for name, value in question.headers.items()},
    }
    return admin_call(gateway, "/headgate/v1/explain?" + urllib.parse.urlencode(parameters))[2]


@pytest.mark.timeout(900)
def test_explain_tells_what_serving_does(start_gateway, tmp_path, closed, scale):
    seed = int(os.environ.get("HEADGATE_SEED", random.SystemRandom().randrange(2**32)))
    print(f"seed {seed}")
    draw = random.Random(seed)
    policies = [RandomPolicy(draw, number, closed) for number in range(scale(20, 100))]
    gateway = start_gateway(text=whole(policies[0], tmp_path))
    gateway.log.path = tmp_path / "access.log"
    link = http.client.HTTPConnection(gateway.address, timeout=60)

    asked = []
    live = []
    for number, policy in enumerate(policies):
        text = whole(policy, tmp_path)
        (tmp_path / f"policy-{number}.yaml").write_text(text)
        gateway.policy_path.write_text(text)
        reload(gateway)
        asked.append([])
        for index in range(REQUESTS):
            question = policy.question(index)
            if index % 20 == 0 and not question.is_large:  # before anything is known of its targets
                live.append((number, index, explained_live(gateway, question)))
            asked[-1].append(serve(link, f"policy {number}, request {index}", question))
    link.close()
    with_rows = {one.id for each in asked for one in each if one.has_row()}
    rows = gateway.log.await_rows(lambda row: row["id"] in with_rows, len(with_rows))
    rows = {row["id"]: row for row in rows}

    differing = []
    for number, policy in enumerate(policies):
        tests = [
            {
                "name": one.name,
                "given": one.question.given(policy.outcomes),
                "expect": one.expected(rows.get(one.id)),
            }
            for one in asked[number]
        ]
        path = tmp_path / f"tests-{number}.yaml"
        path.write_text(json.dumps({"tests": tests}, indent=1))
        told = run("test", "--config", tmp_path / f"policy-{number}.yaml", path)
        if told.returncode != 0 or f"{REQUESTS} passed, 0 failed" not in told.stdout:
            lines = told.stdout.splitlines()
            differing += [line for line in lines if not line.startswith("ok")] + [told.stderr]
    assert not differing, f"seed {seed}:\n" + "\n".join(differing[:40])
    for number, index, explanation in live:
        row = rows.get(asked[number][index].id)
        where = f"seed {seed}: policy {number}, request {index}"
        if row is None:
            assert explanation["attempts"] == [], where
        else:
            assert explanation["route"] == row["route"], where
            assert explanation["skipped"] == row["skipped"], where
            first = {**row["attempts"][0], **explanation["attempts"][0]}
            assert first["provider"] == row["attempts"][0]["provider"], where
            assert first["model"] == row["attempts"][0]["model"], where
