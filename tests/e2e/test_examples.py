"""The example policies: valid, tested by their own tests, and serving in a rehearsal."""

import json
import pathlib
import re

import pytest
from support.policy import CLIENT_KEY, sha256
from support.process import ROOT, Process, run
from support.scripted_upstream import chat_body
from support.wire import exchange

EXAMPLES = sorted(path.parent for path in (ROOT / "deploy/examples").glob("*/policy.yaml"))

# One request of the first project of each, and the route and provider that it must come to.
REHEARSED = {
    "azure-fallback": ("gpt-5", {}, "flagship", "openai"),
    "canary": ("gpt-5-mini", {"x-canary": "yes"}, "canary-on-demand", "openai"),
    "cheap-first": ("assistant", {}, "assistant", "openai"),
    "eu-only": ("gpt-5", {"x-region": "eu"}, "eu-by-header", "azure-sweden"),
    "local-overflow": ("gpt-oss-20b", {}, "local-first", "local"),
    "single-provider": ("gpt-5-mini", {}, "default", "openai"),
}

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)


def project_of(example):
    return re.search(r"^projects:\n  (\S+):", (example / "policy.yaml").read_text(), re.M)[1]


def test_each_example_is_rehearsed_here():
    assert {example.name for example in EXAMPLES} == set(REHEARSED)


@each_example
def test_it_is_valid_without_a_warning(example):
    done = run("check", example / "policy.yaml")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{example / 'policy.yaml'}: ok\n"


@each_example
def test_its_own_tests_pass(example):
    done = run("test", "--config", example / "policy.yaml", example / "policy-tests.yaml")

    assert done.returncode == 0, done.stdout
    assert re.search(r"^[1-9]\d* passed, 0 failed$", done.stdout, re.M)


@each_example
def test_a_rehearsal_serves_as_explained(start, tmp_path, example):
    model, headers, route, provider = REHEARSED[example.name]
    text = (example / "policy.yaml").read_text()
    ours = re.sub(r"(name: prod, sha256: )\w+", rf"\g<1>{sha256(CLIENT_KEY)}", text, count=1)
    policy = tmp_path / "policy.yaml"
    policy.write_text('listen: 127.0.0.1:0\nadmin: {listen: "127.0.0.1:0"}\n' + ours)
    options = [part for pair in headers.items() for part in ("--header", "=".join(pair))]

    gateway = start(Rehearsal, policy)
    served = exchange(
        gateway.address,
        "POST",
        "/v1/chat/completions",
        key=CLIENT_KEY,
        body=chat_body(model=model),
        headers=list(headers.items()),
    )
    told = run(
        "explain", "--config", policy, "--project", project_of(example), "--model", model,
        "--json", *options,
    )  # fmt: skip

    explained = json.loads(told.stdout)
    assert served.status == 200, served.body
    assert served.headers["x-headgate-route"] == explained["route"] == route
    assert served.headers["x-headgate-provider"] == explained["attempts"][0]["provider"] == provider
    assert served.headers["x-headgate-model"] == explained["attempts"][0]["model"]


class Rehearsal(Process):
    """`headgate serve --rehearse` of a policy."""

    def __init__(self, config: pathlib.Path):
        super().__init__("serve", "--config", config, "--rehearse")
        self.await_ready()
