"""The admin API: what it asks for, and what it tells of targets, routes and the policy."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from support.policy import CLIENT_KEY, UPSTREAM_KEY, policy, sha256
from support.waiting import wait_for
from support.wire import exchange

ADMIN_KEY = "hga-test-0123456789abcdefghijklmnopqrstuvwxyz"
OTHER_KEY = "hga-test-zyxwvutsrqponmlkjihgfedcba9876543210"
CHAT = b'{"model":"gpt-5","messages":[{"role":"user","content":"Hello"}]}'


def with_admin_key(text, key=ADMIN_KEY):
    """The same policy with an admin key; `watch` is off, so that only a call reloads it."""
    keys = f"  keys:\n    - {{name: ops, sha256: {sha256(key)}}}\nwatch: false\nlog:"
    return text.replace("log:", keys, 1)


def call(gateway, path, *, key=ADMIN_KEY, method="GET", body=None):
    """Status, headers and JSON of an answer, whatever its status."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    asked = urllib.request.Request(
        gateway.admin_url + path, headers=headers, method=method, data=body
    )
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.load(error)


def explain(gateway, **parameters):
    return call(gateway, "/headgate/v1/explain?" + urllib.parse.urlencode(parameters))


def settled_targets(gateway):
    """The targets, once all attempts at them have their outcome: it comes behind the answer."""

    def look():
        targets = call(gateway, "/headgate/v1/targets")[2]["data"]
        return targets if all(each["in_flight"] == 0 for each in targets) else None

    return wait_for(look, "attempts to settle")


@pytest.fixture
def admin_gateway(start_gateway, simulator):
    return start_gateway(text=with_admin_key(policy(upstream=simulator.address)))


@pytest.mark.parametrize("key", [None, "", CLIENT_KEY, ADMIN_KEY + "x", OTHER_KEY])
@pytest.mark.parametrize("path", ["/headgate/v1/targets", "/headgate/v1/no-such-path"])
def test_only_an_admin_key_opens_it(admin_gateway, key, path):
    status, _, answer = call(admin_gateway, path, key=key)

    assert status == 401
    assert answer["error"]["code"] in ("missing_api_key", "invalid_api_key")


def test_an_admin_key_is_no_client_key(admin_gateway):
    served = exchange(admin_gateway.address, "GET", "/v1/models", key=ADMIN_KEY)

    assert served.status == 401


def test_wrong_keys_wait_longer_each_time_and_a_right_one_does_not(admin_gateway):
    for _ in range(50):
        call(admin_gateway, "/headgate/v1/targets", key=OTHER_KEY)

    begun = time.monotonic()
    wrong, _, _ = call(admin_gateway, "/headgate/v1/targets", key=OTHER_KEY)
    waited = time.monotonic() - begun
    right, _, _ = call(admin_gateway, "/headgate/v1/targets")

    assert (wrong, right) == (401, 200)
    assert waited >= 0.05


def test_it_tells_wrong_paths_and_methods(admin_gateway):
    path = call(admin_gateway, "/headgate/v1/no-such-path")
    method = call(admin_gateway, "/headgate/v1/reload")

    assert (path[0], path[2]["error"]["code"]) == (404, "unknown_url")
    assert (method[0], method[2]["error"]["code"]) == (405, "method_not_allowed")
    assert method[1]["allow"] == "POST"


def test_targets_are_those_that_were_tried(admin_gateway):
    before = call(admin_gateway, "/headgate/v1/targets")[2]
    served = exchange(
        admin_gateway.address, "POST", "/v1/chat/completions", key=CLIENT_KEY, body=CHAT
    )
    (target,) = settled_targets(admin_gateway)

    assert served.status == 200
    assert before == {"data": []}
    assert target["provider"] == "upstream"
    assert target["model"] == "gpt-5"
    assert (target["state"], target["breaker"], target["benched"]) == ("closed", "closed", None)
    assert (target["attempts"], target["success_rate"]) == (1, 1)
    assert target["first_byte_ms"] > 0
    assert target["last_error"] is None
    assert target["open_for_ms"] is None


def test_targets_tell_a_refused_credential(start_gateway, start_simulator):
    upstream = start_simulator("--fail", "401")
    gateway = start_gateway(text=with_admin_key(policy(upstream=upstream.address)))

    served = exchange(gateway.address, "POST", "/v1/chat/completions", key=CLIENT_KEY, body=CHAT)
    (target,) = settled_targets(gateway)

    assert served.status == 502
    assert target["state"] == "benched"
    assert target["benched"]["reason"] == "auth"
    assert 0 < target["benched"]["until_ms"] <= 60_000
    assert target["last_error"]["status"] == 401
    assert target["success_rate"] == 0


def test_targets_tell_an_open_breaker(start_gateway, start_simulator):
    upstream = start_simulator("--fail", "500")
    routes = """
routes:
  - name: only
    model: "*"
    targets: [{provider: upstream}]
    retry: {attempts: 1}
    breaker: {failures: 2, window: 60s, open_for: 60s}
"""
    text = policy(upstream=upstream.address, extra=routes)
    gateway = start_gateway(text=with_admin_key(text))

    for _ in range(2):
        exchange(gateway.address, "POST", "/v1/chat/completions", key=CLIENT_KEY, body=CHAT)
    (target,) = settled_targets(gateway)

    assert (target["state"], target["breaker"]) == ("open", "open")
    assert 0 < target["open_for_ms"] <= 60_000
    assert target["last_error"]["reason"] == "status"
    assert target["last_error"]["status"] == 500


def test_explain_tells_the_way_of_a_request(admin_gateway):
    status, _, answer = explain(admin_gateway, project="tests", model="gpt-5")

    assert status == 200
    assert answer["served"] is True
    assert answer["status"] == 200
    assert answer["route"] == "default"
    assert [each["provider"] for each in answer["attempts"]] == ["upstream"]


def test_explain_tells_refusals_too(start_gateway, simulator):
    projects = f"""
  tests:
    models: [gpt-5]
    keys:
      - {{name: pytest, sha256: {sha256(CLIENT_KEY)}}}
"""
    text = policy(upstream=simulator.address, projects=projects)
    gateway = start_gateway(text=with_admin_key(text))

    status, _, answer = explain(gateway, project="tests", model="o4-mini")

    assert status == 200
    assert (answer["served"], answer["status"]) == (False, 403)
    assert answer["code"] == "model_not_allowed"


@pytest.mark.parametrize(
    "parameters, param",
    [
        ({}, "project"),
        ({"project": "tests"}, "model"),
        ({"project": "nobody", "model": "gpt-5"}, "project"),
        ({"project": "tests", "model": "gpt-5", "modle": "x"}, "modle"),
        ({"project": "tests", "model": "gpt-5", "stream": "perhaps"}, "stream"),
        ({"project": "tests", "model": "gpt-5", "header": "no value"}, "header"),
    ],
)
def test_explain_names_what_is_wrong_with_a_question(admin_gateway, parameters, param):
    status, _, answer = explain(admin_gateway, **parameters)

    assert status == 400
    assert answer["error"]["param"] == param
    assert answer["error"]["type"] == "invalid_request_error"


def test_reload_takes_the_new_policy_and_its_admin_keys(admin_gateway):
    text = admin_gateway.policy_path.read_text()
    admin_gateway.policy_path.write_text(text.replace(sha256(ADMIN_KEY), sha256(OTHER_KEY)))

    status, _, answer = call(admin_gateway, "/headgate/v1/reload", method="POST")
    old_key = call(admin_gateway, "/headgate/v1/targets", key=ADMIN_KEY)[0]
    new_key = call(admin_gateway, "/headgate/v1/targets", key=OTHER_KEY)[0]

    assert (status, answer) == (200, {"generation": 2})
    assert (old_key, new_key) == (401, 200)
    assert call(admin_gateway, "/readyz", key=None)[2]["generation"] == 2


def test_reload_tells_the_problems_and_keeps_the_old_policy(admin_gateway):
    text = admin_gateway.policy_path.read_text()
    admin_gateway.policy_path.write_text(text + "\nrouts: []\n")

    status, _, answer = call(admin_gateway, "/headgate/v1/reload", method="POST")
    readiness = call(admin_gateway, "/readyz", key=None)
    served = exchange(admin_gateway.address, "GET", "/v1/models", key=CLIENT_KEY)

    assert status == 422
    assert answer["error"]["code"] == "invalid_policy"
    (problem,) = [each for each in answer["problems"] if each["severity"] == "error"]
    assert problem["file"].endswith("policy.yaml")
    assert problem["line"] > 0
    assert "routs" in problem["message"]
    assert readiness[0] == 200
    assert readiness[2]["generation"] == 1
    assert served.status == 200


def test_reload_takes_no_body(admin_gateway):
    status, _, answer = call(
        admin_gateway, "/headgate/v1/reload", method="POST", body=b"listen: 0.0.0.0:80"
    )

    assert status == 400
    assert answer["error"]["code"] == "invalid_request"


def test_the_policy_is_shown_without_its_secrets(admin_gateway):
    status, headers, shown = call(admin_gateway, "/headgate/v1/policy")

    assert status == 200
    assert headers["content-type"] == "application/json"
    assert "upstream" in shown["providers"]
    assert shown["watch"] is False
    assert UPSTREAM_KEY not in json.dumps(shown)
