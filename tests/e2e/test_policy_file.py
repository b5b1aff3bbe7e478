"""`check` and failed loads: every problem told with its place, and what would be right."""

import re

import pytest
from support.policy import CLIENT_KEY, policy, sha256
from support.process import run

GOOD = policy(upstream="127.0.0.1:9")


def check(tmp_path, text, name="policy.yaml"):
    path = tmp_path / name
    path.write_text(text)
    return run("check", path)


def place(text, line_with):
    """The number of the first line that contains it."""
    return next(n for n, line in enumerate(text.splitlines(), 1) if line_with in line)


def test_a_good_policy_is_valid(tmp_path):
    done = check(tmp_path, GOOD)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_smallest_policy_is_valid(tmp_path):
    done = check(
        tmp_path,
        f"providers: {{rehearsal: {{kind: simulator}}}}\n"
        f"projects: {{p: {{keys: [{{name: k, sha256: {sha256(CLIENT_KEY)}}}]}}}}\n",
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_secrets_are_not_needed(tmp_path):
    done = check(tmp_path, GOOD.replace("sk-upstream", "${NO_SUCH_VARIABLE_HERE}"))

    assert done.returncode == 0, done.stdout + done.stderr


PROBLEMS = [
    ("an unknown key", "log:", "logg:", "logg", "logg"),
    ("a misspelt key of a provider", "base_url", "base_ulr", "base_ulr", "base_url"),
    ("a wrong type", "access: none", "access: [none]", "access", "access"),
    ("an unknown kind", "kind: openai", "kind: opnai", "opnai", "openai"),
    ("a bad digest", sha256(CLIENT_KEY), "abc", "sha256", "sha256"),
    ("a bad address", "127.0.0.1:0", "127.0.0.1:99999", "listen", "99999"),
    ("a bad url", "http://127.0.0.1:9/v1", "ftp://127.0.0.1", "base_url", "base_url"),
]


@pytest.mark.parametrize(
    ("old", "new", "line_with", "told"),
    [problem[1:] for problem in PROBLEMS],
    ids=[problem[0] for problem in PROBLEMS],
)
def test_a_problem_is_told_with_line_and_column(tmp_path, old, new, line_with, told):
    text = GOOD.replace(old, new, 1)

    done = check(tmp_path, text)

    said = done.stdout + done.stderr
    line = place(text, line_with)
    assert done.returncode == 1
    assert re.search(rf"policy\.yaml:{line}:[1-9]\d*: error: ", said), said
    assert told in said


def test_a_misspelt_key_gets_a_hint(tmp_path):
    done = check(tmp_path, GOOD.replace("base_url", "base_ulr"))

    assert "did you mean `base_url`?" in done.stdout + done.stderr


def test_a_duplicate_key_is_an_error(tmp_path):
    text = GOOD + "\nprojects: {}\n"

    done = check(tmp_path, text)

    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert f":{len(text.splitlines())}:1: error: " in said
    assert "projects" in said


def test_the_same_digest_in_two_projects_is_an_error(tmp_path):
    text = GOOD + f"\n  again:\n    keys: [{{name: k, sha256: {sha256(CLIENT_KEY)}}}]\n"

    done = check(tmp_path, text)

    assert done.returncode == 1
    assert re.search(r"policy\.yaml:\d+:\d+: error: ", done.stdout + done.stderr)


def test_half_a_file_is_an_error(tmp_path):
    """A policy that was cut while it was written never passes as a smaller one."""
    for lines in range(1, place(GOOD, "projects:") + 1):
        done = check(tmp_path, "\n".join(GOOD.splitlines()[:lines]) + "\n")
        assert done.returncode == 1, f"the first {lines} lines passed"
        assert "error: " in done.stdout + done.stderr


def test_an_empty_file_is_an_error(tmp_path):
    assert check(tmp_path, "").returncode == 1


def test_every_problem_is_told_not_only_the_first(tmp_path):
    text = GOOD.replace("kind: openai", "kind: opnai").replace("log:", "logg:")

    done = check(tmp_path, text)

    said = done.stdout + done.stderr
    assert "opnai" in said and "logg" in said


def test_all_files_are_checked(tmp_path):
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(GOOD + "\nsurprise: 1\n")

    done = run("check", tmp_path / "good.yaml", tmp_path / "bad.yaml")

    assert done.returncode == 1
    assert "bad.yaml" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "block",
    [
        "tls: {certificate: /a, key: /b}",
        "tracing: {otlp: 'http://127.0.0.1:4318'}",
        "state: {cache: {memory: 1MiB}}",
    ],
    ids=lambda block: block.split(":")[0],
)
def test_a_setting_that_is_not_built_yet_is_refused_and_not_ignored(tmp_path, block):
    done = check(tmp_path, GOOD + f"\n{block}\n")

    assert done.returncode == 1
    assert "not supported yet" in done.stdout + done.stderr


def test_a_projects_setting_that_is_not_built_yet_is_refused(tmp_path):
    done = check(tmp_path, GOOD.replace("  tests:\n", "  tests:\n    cache_group: shared\n"))

    assert done.returncode == 1
    assert "not supported yet" in done.stdout + done.stderr


def test_a_bomb_of_aliases_is_refused_quickly(tmp_path):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 9)]

    done = check(tmp_path, "\n".join(levels) + "\n")

    assert done.returncode == 1


def test_deep_nesting_is_refused(tmp_path):
    done = check(tmp_path, "providers: " + "[" * 5000 + "]" * 5000 + "\n")

    assert done.returncode == 1
    assert re.search(r":\d+:\d+: error: ", done.stdout + done.stderr)
