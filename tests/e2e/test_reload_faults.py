"""A new policy that is faulty, or that needs more than a reload: nothing changes unsaid."""

import http.client

import pytest
from support.access_log import AccessLog
from support.admin import call, readiness, reload
from support.reloading import (
    KEY,
    ask,
    await_generation,
    route_of,
    text,
)
from support.waiting import wait_for
from support.wire import exchange


@pytest.fixture
def upstream(play):
    return play()


FAULTS = {
    "half written": lambda good: good[: len(good) // 2],
    "empty": lambda good: "",
    "without a project": lambda good: good[: good.index("projects:")],
    "an unknown name": lambda good: good + "\nrouts: []\n",
    "a wrong type": lambda good: good.replace("workers: 1", "workers: [many]"),
    "a dangling name": lambda good: good.replace("{provider: upstream}", "{provider: upstraem}"),
    "no YAML": lambda good: good + "\n\t{[",
    "a missing variable": lambda good: good.replace(KEY, "${NO_SUCH_VARIABLE_HERE}"),
    "a warning first": lambda good: good.replace("log: {", "log: {bodies: none, ").replace(
        "targets: [", "targets: [nobody, "
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_faulty_policy_changes_nothing_and_is_told(start_gateway, upstream, fault):
    good = text(upstream, route="two")
    gateway = start_gateway(text=text(upstream))

    gateway.policy_path.write_text(fault(good))
    (warning,) = wait_for(lambda: readiness(gateway)["warnings"], "a warning")
    during = (route_of(gateway), readiness(gateway), gateway.metrics())
    gateway.policy_path.write_text(good)
    await_generation(gateway, 2)

    assert during[0] == "one"
    assert (during[1]["ready"], during[1]["generation"], during[1]["reasons"]) == (True, 1, [])
    assert during[2]["headgate_policy_generation"] == 1
    assert during[2]["headgate_policy_reload_failures_total"] == 1
    assert "policy is faulty" in warning
    (told,) = [line for line in gateway.stderr.splitlines() if "the new policy is faulty" in line]
    assert "generation 1 stays in use" in told
    assert "new policy: " in gateway.stderr
    assert ": error: " in gateway.stderr
    assert readiness(gateway)["warnings"] == []
    assert route_of(gateway) == "two"


def test_a_removed_file_changes_nothing_until_it_is_back(start_gateway, upstream):
    gateway = start_gateway(text=text(upstream))

    gateway.policy_path.unlink()
    wait_for(lambda: readiness(gateway)["warnings"], "a warning")
    during = route_of(gateway)
    gateway.policy_path.write_text(text(upstream, route="two"))
    await_generation(gateway, 2)

    assert (during, route_of(gateway)) == ("one", "two")
    assert readiness(gateway)["warnings"] == []


def test_the_call_tells_the_problems(start_gateway, upstream):
    gateway = start_gateway(text=text(upstream, watch="false"))
    good = gateway.policy_path.read_text()

    gateway.policy_path.write_text(good.replace("workers: 1", "wrokers: 1").replace("info", "loud"))
    status, _, answer = call(gateway, "/headgate/v1/reload", method="POST")
    gateway.policy_path.write_text(good)

    errors = [each for each in answer["problems"] if each["severity"] == "error"]
    assert status == 422
    assert [each["line"] for each in errors] == [3, 6]
    assert "workers" in errors[0]["hint"]
    assert reload(gateway) == 2


@pytest.mark.parametrize(
    "setting, change",
    [
        ("listen", {"listen": "127.0.0.2:0"}),
        ("workers", {"workers": 2}),
        ("admin.listen", {"admin_listen": "127.0.0.2:0"}),
    ],
)
def test_what_needs_a_restart_is_told(start_gateway, upstream, setting, change):
    gateway = start_gateway(text=text(upstream))

    gateway.policy_path.write_text(text(upstream, route="two", **change))
    await_generation(gateway, 2)
    line = f'\\"{setting}\\" has changed: it takes effect at the next start'

    wait_for(lambda: line in gateway.stderr.replace("\\\\", "\\"), f"the line on {setting}")
    assert route_of(gateway) == "two"


def test_the_log_level_changes_at_once(start_gateway, upstream):
    gateway = start_gateway(text=text(upstream))

    for level in ("error", "error", "info"):
        gateway.policy_path.write_text(text(upstream, level=level))
        reload(gateway)

    wait_for(lambda: "policy reloaded: generation 4" in gateway.stderr, "the line of level info")
    assert "policy reloaded: generation 3" not in gateway.stderr


def test_the_access_log_moves_at_once(start_gateway, tmp_path, upstream):
    old, new = tmp_path / "old.log", tmp_path / "new.log"
    gateway = start_gateway(text=text(upstream, access=old))
    first = ask(gateway).headers["x-request-id"]

    gateway.policy_path.write_text(text(upstream, access=new))
    reload(gateway)
    second = ask(gateway).headers["x-request-id"]

    AccessLog(old).await_row(first)
    AccessLog(new).await_row(second)
    assert AccessLog(old).find(second) == AccessLog(new).find(first) == []


def test_the_bound_of_connections_changes_at_once(start_gateway, upstream):
    gateway = start_gateway(text=text(upstream))
    held = http.client.HTTPConnection(gateway.address, timeout=60)
    held.request("GET", "/healthz")
    held.getresponse().read()

    gateway.policy_path.write_text(text(upstream, extra="protect: {max_connections: 1}"))
    reload(gateway)
    refused = exchange(gateway.address, "GET", "/healthz")
    held.request("GET", "/healthz")
    kept = held.getresponse().status
    gateway.policy_path.write_text(text(upstream))
    reload(gateway)
    accepted = exchange(gateway.address, "GET", "/healthz")

    held.close()
    assert (refused.status, kept, accepted.status) == (503, 200, 200)
