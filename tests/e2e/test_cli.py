"""The command line beside `serve` and `check`: help, version, keys, the simulated provider."""

import re
import urllib.error

import openai
import pytest
from support.policy import sha256
from support.process import run

COMMANDS = ["serve", "check", "keys", "simulate", "version"]


def test_help_names_every_command():
    done = run("--help")

    assert done.returncode == 0
    assert all(command in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", [*COMMANDS, "keys new"])
def test_every_command_takes_help(command):
    done = run(*command.split(), "--help")

    assert done.returncode == 0
    assert "--help" in done.stdout


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["serve"], ["serve", "--no-such-option"], ["check"], ["keys"]]
)
def test_bad_usage_exits_2_and_says_what_is_wrong(arguments):
    done = run(*arguments)

    assert done.returncode == 2
    assert done.stderr.strip()


def test_version_names_commit_compiler_and_libraries():
    done = run("version")

    assert done.returncode == 0
    for word in ("headgate", "clang", "Boost", "OpenSSL"):
        assert word.lower() in done.stdout.lower()


def test_keys_new_makes_a_key_and_its_line_for_the_policy():
    made = [run("keys", "new", "--name", "laptop") for _ in range(2)]

    keys = [re.findall(r"\bhg-[0-9A-Za-z]{43}\b", done.stdout) for done in made]
    assert [done.returncode for done in made] == [0, 0]
    assert [len(found) for found in keys] == [1, 1]
    assert keys[0] != keys[1]
    assert f"sha256: {sha256(keys[0][0])}" in made[0].stdout
    assert "laptop" in made[0].stdout


def test_the_simulator_answers_the_official_sdk(start_simulator, make_client):
    client = make_client(start_simulator("--first-byte", "0ms", "--tokens", "7"))

    answer = client.chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": "x"}]
    )

    assert answer.usage.completion_tokens == 7


def test_the_simulator_changes_its_behaviour_at_run_time(start_simulator, make_client):
    simulator = start_simulator("--first-byte", "0ms")
    client = make_client(simulator)
    question = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "x"}]}

    simulator.behave(fail=[{"status": 503}])
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**question)
    simulator.behave(fail=[], tokens=3)
    answer = client.chat.completions.create(**question)

    assert answer.usage.completion_tokens == 3


def test_the_simulator_refuses_a_behaviour_that_it_cannot_play(start_simulator):
    simulator = start_simulator()

    for behaviour in ({"tokens": "many"}, {"fail": [{"rate": 1}]}, {"surprise": 1}):
        with pytest.raises(urllib.error.HTTPError) as caught:
            simulator.behave(**behaviour)
        assert caught.value.code == 400


def test_the_simulator_lists_what_it_received(start_simulator, make_client):
    simulator = start_simulator("--first-byte", "0ms")
    client = make_client(simulator)

    client.embeddings.create(model="text-embedding-3-small", input="a gate")

    received = simulator.requests()
    assert len(received) == 1
    assert (received[0]["method"], received[0]["path"]) == ("POST", "/v1/embeddings")
    assert "a gate" in received[0]["body"]


@pytest.mark.parametrize(
    "options",
    [
        ["--first-byte", "soon"],
        ["--fail", "999"],
        ["--fail", "500:2"],
        ["--tokens", "-1"],
        ["--listen", "nowhere"],
    ],
    ids=" ".join,
)
def test_the_simulator_refuses_bad_options(options):
    done = run("simulate", "--listen", "127.0.0.1:0", *options)

    assert done.returncode == 2
    assert done.stderr.strip()
