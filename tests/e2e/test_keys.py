"""Client keys that the record store holds: made, listed, used, revoked while a gateway serves."""

import datetime
import re
import sqlite3

import pytest
from support.admin import ADMIN_KEY, ask_admin, call
from support.money import SECOND_KEY, ask, await_rest, await_rows, books, second_project
from support.policy import CLIENT_KEY
from support.process import run
from support.scripted_upstream import outcome
from support.waiting import wait_for

PROMISED = 5  # seconds in which a revocation works
KEY = re.compile(r"hg-[0-9A-Za-z]{43}")


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


def keys(begun, *arguments):
    return run("keys", *arguments, "--config", begun.gateway.policy_path, cwd=begun.directory)


def new_key(begun, *options, name="laptop", project="tests"):
    """The text of a key that the store now holds."""
    made = keys(begun, "new", "--name", name, "--project", project, *options)
    assert made.returncode == 0, made.stderr
    assert KEY.fullmatch(made.stdout.strip()), made.stdout
    return made.stdout.strip()


def await_status(gateway, key, status, seconds=20):
    return wait_for(
        lambda: (answer := ask(gateway, key=key)).status == status and answer,
        f"{status} for the key",
        seconds,
    )


def listed(begun):
    """{name: the line of `keys list`}."""
    told = keys(begun, "list")
    assert told.returncode == 0, told.stderr
    return {line.split()[1]: line for line in told.stdout.splitlines()[1:]}


def test_a_stored_key_works_within_seconds_and_its_rows_bear_its_name(begin, simulator):
    begun = begin(simulator)
    gateway = begun.gateway

    key = new_key(begun)
    answer = await_status(gateway, key, 200)

    rows = await_rows(gateway, 1)
    assert (rows[0]["id"], rows[0]["project"]) == (answer.headers["x-request-id"], "tests")
    assert rows[0]["key"] == "laptop"
    assert "valid" in listed(begun)["laptop"] and key[:7] in listed(begun)["laptop"]


def test_a_revoked_key_is_refused_within_seconds_and_others_are_not(begin, simulator):
    begun = begin(simulator)
    gateway = begun.gateway
    key, other = new_key(begun), new_key(begun, name="other")
    await_status(gateway, key, 200)

    revoked = keys(begun, "revoke", "--project", "tests", "--name", "laptop")
    refused = await_status(gateway, key, 401, PROMISED * 4)

    assert revoked.returncode == 0, revoked.stderr
    assert outcome(refused) == (401, "invalid_api_key")
    assert ask(gateway, key=other).status == ask(gateway).status == 200
    assert "revoked" in listed(begun)["laptop"] and "valid" in listed(begun)["other"]
    again = keys(begun, "revoke", "--project", "tests", "--name", "laptop")
    assert again.returncode == 1


def test_a_name_is_free_again_once_its_key_is_revoked(begin, simulator):
    begun = begin(simulator)
    key = new_key(begun)
    twice = keys(begun, "new", "--name", "laptop", "--project", "tests")
    assert twice.returncode == 1 and not KEY.search(twice.stdout)

    keys(begun, "revoke", "--project", "tests", "--name", "laptop")
    newer = new_key(begun)

    await_status(begun.gateway, newer, 200)
    assert ask(begun.gateway, key=key).status == 401


def test_a_stored_key_outlives_a_restart(begin, simulator):
    begun = begin(simulator)
    key = new_key(begun)

    gateway = begun.begin_again()

    assert ask(gateway, key=key).status == 200


def test_a_key_that_has_expired_is_told_so(begin, simulator):
    yesterday = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
    begun = begin(simulator, others=f"""
second:
  keys: [{{name: old, key: {SECOND_KEY}, expires: {yesterday}}}]
""")
    gateway = begun.gateway

    stored = new_key(begun, "--expires", str(yesterday))
    later = new_key(begun, "--expires", "2099-01-01", name="later")
    await_status(gateway, later, 200)

    for key in (stored, SECOND_KEY):
        assert outcome(ask(gateway, key=key)) == (401, "expired_api_key")
    # Whose key it is was known: the refusal has a row, as that of a key that nobody knows has not.
    assert outcome(ask(gateway, key="hg-nobody-0123456789abcdef")) == (401, "invalid_api_key")
    rows = [row for row in await_rows(gateway, 3) if row["status"] == 401]
    assert sorted((row["project"], row["key"], row["code"]) for row in rows) == [
        ("second", "old", "expired_api_key"),
        ("tests", "laptop", "expired_api_key"),
    ]
    assert "expired" in listed(begun)["laptop"] and "until 2099-01-01" in listed(begun)["later"]


def test_a_key_needs_a_project_of_the_policy(begin, simulator):
    begun = begin(simulator, others=second_project())
    key = new_key(begun, project="second")
    await_status(begun.gateway, key, 200)

    nobody = keys(begun, "new", "--name", "n", "--project", "nobody")
    begun.change()

    assert nobody.returncode == 2 and "nobody" in nobody.stderr
    assert outcome(ask(begun.gateway, key=key))[0] in (401, 403)
    begun.change(others=second_project())
    assert ask(begun.gateway, key=key).status == 200


def test_a_stored_key_is_bound_by_its_projects_models_and_limits(begin, simulator):
    begun = begin(simulator, "models: [gpt-5*]\nlimits: [{rpd: 2}]")
    key = new_key(begun)
    await_status(begun.gateway, key, 200)

    assert outcome(ask(begun.gateway, key=key, model="gpt-4o")) == (403, "model_not_allowed")
    assert ask(begun.gateway).status == 200
    assert ask(begun.gateway, key=key).status == 429


def test_an_admin_key_serves_nothing_and_a_client_key_administers_nothing(begin, simulator):
    begun = begin(simulator)
    key = new_key(begun)
    await_status(begun.gateway, key, 200)

    inference = ask(begun.gateway, key=ADMIN_KEY)
    statuses = {
        call(begun.gateway, path, key=each)[0]
        for each in (CLIENT_KEY, key, None)
        for path in (
            "/headgate/v1/projects",
            "/headgate/v1/ledger",
            "/headgate/v1/projects/tests/budget",
        )
    }

    assert outcome(inference) == (401, "invalid_api_key")
    assert statuses == {401}


def test_the_admin_api_tells_of_each_key_when_it_was_last_used(begin, simulator):
    begun = begin(simulator)
    gateway = begun.gateway
    key = new_key(begun)

    def last_used():
        (project,) = ask_admin(gateway, "/headgate/v1/projects")["data"]
        return {each["name"]: each["last_used_at"] for each in project["keys"]}

    wait_for(lambda: "laptop" in last_used(), "the stored key")
    assert set(last_used().values()) == {None}
    began = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    await_status(gateway, key, 200)
    used = wait_for(lambda: last_used()["laptop"], "the use of the key")

    assert began <= datetime.datetime.fromisoformat(used) <= datetime.datetime.now(datetime.UTC)
    assert last_used()["pytest"] is None
    (project,) = ask_admin(gateway, "/headgate/v1/projects")["data"]
    prefixes = {each["name"]: each["prefix"] for each in project["keys"]}
    assert prefixes == {"pytest": None, "laptop": key[:7]}
    begun.begin_again()
    assert "never" not in listed(begun)["laptop"]


def test_no_key_lies_in_the_records_or_in_a_log(begin, simulator):
    begun = begin(simulator)
    key = new_key(begun)
    await_status(begun.gateway, key, 200)
    await_rest(begun.gateway)
    begun.gateway.stop()

    with sqlite3.connect(begun.database) as records:
        assert records.execute("SELECT count(*) FROM audit WHERE action = 'keys.new'").fetchone()[0]
    records.close()
    for file in begun.directory.iterdir():
        for secret in (key, CLIENT_KEY):
            assert secret.encode() not in file.read_bytes(), file.name
    assert key not in begun.gateway.stderr
