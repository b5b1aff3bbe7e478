"""Calls of the admin API, as an operator's scripts make them."""

import json
import urllib.error
import urllib.request

ADMIN_KEY = "hga-test-0123456789abcdefghijklmnopqrstuvwxyz"


def call(gateway, path, *, key=ADMIN_KEY, method="GET", body=None):
    """Status, headers and JSON of an answer, whatever its status."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    asked = urllib.request.Request(
        gateway.admin_url + path, headers=headers, method=method, data=body
    )
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.load(error)


def reload(gateway):
    """The generation of the policy that the file holds now; fails where it is refused."""
    status, _, answer = call(gateway, "/headgate/v1/reload", method="POST")
    errors = [each for each in answer.get("problems", []) if each["severity"] == "error"]
    assert status == 200, errors or answer
    return answer["generation"]


def readiness(gateway):
    """What /readyz tells."""
    return call(gateway, "/readyz", key=None)[2]
