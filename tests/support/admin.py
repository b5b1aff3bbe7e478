"""Calls of the admin API, as an operator's scripts make them."""

import json
import urllib.error
import urllib.parse
import urllib.request
from decimal import Decimal

from support.waiting import wait_for

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


def ask_admin(gateway, path, **options):
    """The JSON of an answer that must be a good one."""
    status, _, answer = call(gateway, path, **options)
    assert status == 200, (path, status, answer)
    return answer


def budget(gateway, project="tests"):
    """A project's budget, its amounts as exact decimals."""
    told = ask_admin(gateway, f"/headgate/v1/projects/{project}/budget")
    return {
        name: Decimal(value) if name.endswith("_usd") and value is not None else value
        for name, value in told.items()
    }


def buckets(gateway, project="tests"):
    """Its limits, the organization's and the keys' among them: {(scope, model, kind): bucket}."""
    told = ask_admin(gateway, f"/headgate/v1/projects/{project}/limits")["data"]
    found = {(each["scope"], each["model"], each["kind"]): each for each in told}
    assert len(found) == len(told), told
    return found


def ledger(gateway, **query):
    """All rows that the query finds, page by page, oldest first."""
    rows, after = [], ""
    while after is not None:
        asked = urllib.parse.urlencode(
            {name.rstrip("_"): value for name, value in query.items()}
            | {"after": after, "limit": query.get("limit", 1000)}
        )
        page = ask_admin(gateway, f"/headgate/v1/ledger?{asked}")
        rows += page["data"]
        after = page["next"]
    return rows


def ledger_row(gateway, request_id):
    """The row of one exchange, as soon as it is stored."""

    def look():
        status, _, row = call(gateway, f"/headgate/v1/ledger/{request_id}")
        return row if status == 200 else None

    return wait_for(look, f"the ledger row of {request_id}")
