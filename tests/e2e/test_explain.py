"""`explain` and `test`: what a policy does, told without sending anything."""

import json
import re

import pytest
from support.policy import CLIENT_KEY, sha256
from support.process import run

POLICY = f"""
providers:
  openai: {{kind: openai, api_key: "${{NO_SUCH_VARIABLE_HERE}}"}}
  azure-eu:
    kind: azure
    base_url: https://acme-eu.openai.azure.com
    api_key: "${{NO_SUCH_VARIABLE_HERE}}"
    api_version: 2025-04-01-preview
    deployments: {{gpt-5: gpt5-prod}}
    price_multiplier: 1.1
routes:
  - name: tight
    model: gpt-5*
    when: {{header: {{x-tier: bulk}}, budget_used: ">= 80%"}}
    targets: [{{provider: openai, model: gpt-5-mini}}]
  - name: flagship
    model: gpt-5*
    targets: [{{provider: openai}}, {{provider: azure-eu, model: gpt-5}}]
projects:
  search:
    keys: [{{name: prod, sha256: {sha256(CLIENT_KEY)}}}]
    models: [gpt-5*]
    endpoints: [chat]
"""

TESTS = """
tests:
  - name: search falls back to Azure when OpenAI is rate limited
    given: {project: search, model: gpt-5, endpoint: chat, providers: {openai: 429}}
    expect: {status: 200, code: null, route: flagship, attempts: [openai/gpt-5, azure-eu/gpt-5]}
  - name: the worked price example
    given: {project: search, model: gpt-5, usage: {input: 2000000, output: 500000}}
    expect: {cost_usd: "7.50"}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def explain(config):
    def ask(*options, project="search", model="gpt-5"):
        return run(
            "explain", "--config", config, "--project", project, "--model", model, *options
        )

    return ask


@pytest.fixture
def policy_test(config, tmp_path):
    """policy_test(text, …): runs the texts as files of tests."""

    def begin(*texts):
        files = []
        for number, text in enumerate(texts):
            files.append(tmp_path / f"tests-{number}.yaml")
            files[-1].write_text(text)
        return run("test", "--config", config, *files)

    return begin


def test_a_served_request_exits_0_and_says_by_whom(explain):
    done = explain("--provider-status", "openai=429")

    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first == "Served by azure-eu (gpt-5 → deployment gpt5-prod) after 2 attempts"
    assert any(re.fullmatch(r"  tight +no +.*x-tier.*", line) for line in rest)
    assert any(re.fullmatch(r"  flagship +yes +model gpt-5 matches gpt-5\*", line) for line in rest)
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    assert done.stderr == ""


def test_json_has_the_shape_of_the_reference(explain):
    done = explain("--provider-status", "openai=timeout", "--json")

    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    told = json.loads(done.stdout)
    assert [route["matched"] for route in told.pop("routes")] == [False, True]
    assert told == {
        "served": True,
        "status": 200,
        "code": None,
        "route": "flagship",
        "attempts": [
            {"provider": "openai", "model": "gpt-5", "result": "timeout"},
            {"provider": "azure-eu", "model": "gpt-5", "result": 200},
        ],
        "skipped": [],
        "limits": [],
        # Of the dearer of the two, which is Azure's; no budget holds it.
        "reservation": {"input_tokens": 100, "output_tokens": 128000, "usd": "1.4081375"},
        "price": {
            "input": "1.375",
            "output": "11",
            "cached_input": "0.1375",
            "source": "catalogue",
        },
        "cache": "off",
        "drops": [],
    }


def test_headers_and_budget_choose_the_route(explain):
    done = explain("--header", "X-Tier=bulk", "--header", "x-more=1", "--budget-used", "85%")

    assert done.returncode == 0
    assert done.stdout.startswith("Served by openai (gpt-5-mini) after 1 attempt\n")


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        (["--provider-status", "openai=503", "--provider-status", "azure-eu=cut"], 503, "upstream_unavailable"),
        (["--provider-status", "openai=400"], 400, None),
        (["--endpoint", "images"], 403, "endpoint_not_allowed"),
        (["--endpoint", "files"], 404, "endpoint_not_supported"),
    ],
)  # fmt: skip
def test_a_refused_request_exits_1_with_its_error(explain, options, status, code):
    done = explain(*options, "--json")
    shown = explain(*options)

    told = json.loads(done.stdout)
    assert (done.returncode, shown.returncode) == (1, 1)
    assert (told["served"], told["status"], told["code"]) == (False, status, code)
    assert shown.stdout.startswith(f"Refused: {status}")
    assert (code or "passes as it is") in shown.stdout


def test_a_model_that_is_not_allowed_is_refused(explain):
    done = explain("--json", model="o4-mini")

    assert done.returncode == 1
    assert json.loads(done.stdout)["code"] == "model_not_allowed"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--provider-status", "opnai=429"], "did you mean `openai`?"),
        (["--provider-status", "openai=soon"], "openai=soon"),
        (["--provider-status", "openai"], "NAME=STATUS"),
        (["--header", "x-tier"], "NAME=VALUE"),
        (["--budget-used", "85"], "--budget-used"),
        (["--input-tokens", "-1"], "--input-tokens"),
        (["--max-output", "0"], "--max-output"),
        (["--endpoint", "chatt"], "did you mean `chat`?"),
        (["--no-such-option"], "no-such-option"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_bad_usage_of_explain_exits_2_and_says_what_is_wrong(explain, options, told):
    done = explain(*options)

    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""


def test_an_unknown_project_is_bad_usage(explain):
    done = explain(project="serch")

    assert done.returncode == 2
    assert "did you mean `search`?" in done.stderr


def test_a_faulty_policy_is_told_with_its_problems(explain, policy_test, config):
    config.write_text(POLICY.replace("targets:", "tragets:", 1))

    for done, code in ((explain(), 2), (policy_test(TESTS), 1)):
        assert done.returncode == code
        assert re.search(r"policy\.yaml:\d+:\d+: error: .*tragets", done.stderr), done.stderr
        assert "not a valid policy" in done.stderr
        assert done.stdout == ""


def test_policy_tests_that_pass_exit_0(policy_test):
    done = policy_test(TESTS)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [
        "ok   search falls back to Azure when OpenAI is rate limited",
        "ok   the worked price example",
        "2 passed, 0 failed",
    ]


def test_a_policy_test_that_fails_exits_1_and_says_how(policy_test):
    done = policy_test(TESTS.replace("route: flagship", "route: tight"), TESTS)

    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "FAIL search falls back to Azure when OpenAI is rate limited: "
        "route: flagship, expected tight",
        "ok   the worked price example",
        "ok   search falls back to Azure when OpenAI is rate limited",
        "ok   the worked price example",
        "3 passed, 1 failed",
    ]


def test_a_faulty_file_of_tests_exits_1_and_runs_none(policy_test):
    faulty = TESTS.replace("project: search", "project: serch").replace("expect:", "expcet:", 1)

    done = policy_test(TESTS, faulty)

    assert done.returncode == 1
    assert done.stdout == ""
    assert re.search(r"tests-1\.yaml:4:\d+: error: .*did you mean|hint: did you mean", done.stderr)
    assert "expcet" in done.stderr


@pytest.mark.parametrize("text", ["", "tests: []\n", "tests:\n", "tests: [\n", "- name: a\n"])
def test_a_file_that_tests_nothing_is_an_error(policy_test, text):
    done = policy_test(text)

    assert done.returncode == 1
    assert "tests-0.yaml" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["explain"], ["explain", "--config", "x"], ["test"], ["test", "--config", "x"], ["show"]],
    ids=" ".join,
)
def test_missing_arguments_are_bad_usage(arguments):
    assert run(*arguments).returncode == 2


@pytest.mark.parametrize("command", ["explain", "test", "show", "schema"])
def test_the_commands_take_help(command):
    done = run(command, "--help")

    assert done.returncode == 0
    assert "--help" in done.stdout
