"""Alerts of budgets: once a threshold and period, as a log line, a metric and a signed webhook."""

import base64
import contextlib
import datetime
import hashlib
import hmac
import http.server
import json
import queue
import threading
from decimal import Decimal

import pytest
from support.admin import budget
from support.money import (
    SECOND_KEY,
    Gate,
    ask,
    await_rest,
    billed,
    books,
    cost_of,
    second_project,
    tokens,
    under_way,
)
from support.routes import in_turn
from support.waiting import wait_for

PLAIN = "a-secret-of-more-than-24-bytes"
KEY = b"0123456789abcdef0123456789abcdef"
STANDARD = "whsec_" + base64.b64encode(KEY).decode()


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


class Receiver:
    """Takes webhooks on a port of loopback, and answers with `statuses`, the last ever after."""

    def __init__(self, *statuses):
        self.calls = queue.Queue()
        left = list(statuses or (204,))
        calls = self.calls

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                calls.put((self.path, dict(self.headers.items()), body))
                self.send_response(left.pop(0) if len(left) > 1 else left[0])
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/hooks/headgate"

    def next(self, seconds=20):
        """(headers, the message) of the next call, once its signature holds for one of the keys."""
        path, headers, body = self.calls.get(timeout=seconds)
        assert path == "/hooks/headgate"
        lower = {name.lower(): value for name, value in headers.items()}
        assert lower["content-type"] == "application/json"
        return lower, body

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(20)


@pytest.fixture
def receive():
    """receive(statuses): a Receiver; closed after the test."""
    with contextlib.ExitStack() as opened:

        def begin(*statuses):
            receiver = Receiver(*statuses)
            opened.callback(receiver.close)
            return receiver

        yield begin


def verified(headers, body, key):
    """The message, where its signature is as Standard Webhooks 1.0 has it and it is no old one."""
    content = b".".join(
        [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body]
    )
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert wanted in headers["webhook-signature"].split(" ")
    age = datetime.datetime.now().timestamp() - int(headers["webhook-timestamp"])
    assert abs(age) < 300
    return json.loads(body)


def alerting(receiver, secret=STANDARD):
    return f"alerts: {{webhook: {receiver.url}, secret: {secret}}}"


def is_told(gateway, threshold, project="tests", times=1):
    return (
        gateway.metric(
            "headgate_budget_alerts_total", project=project, threshold=f"{threshold}%"
        )
        == times
    )


@pytest.mark.parametrize(
    ("secret", "key"), [(STANDARD, KEY), (PLAIN, PLAIN.encode())], ids=["whsec", "any text"]
)
def test_a_threshold_is_told_once_and_signed(begin, play, receive, secret, key):
    receiver = receive()
    upstream = play(in_turn(billed(tokens(8, 300))))
    gateway = begin(
        upstream,
        "budget: {usd: 0.001, per: day, alert_at: [50%]}",
        extra=alerting(receiver, secret),
    ).gateway

    costs = [cost_of(ask(await_rest(gateway), max_completion_tokens=100))]
    message = verified(*receiver.next(), key)
    await_rest(gateway)
    costs.append(cost_of(ask(gateway, max_completion_tokens=10)))
    await_rest(gateway)

    assert message["type"] == "budget.threshold_passed"
    today = datetime.datetime.now(datetime.UTC).date()
    told_at = datetime.datetime.fromisoformat(message["timestamp"])
    assert told_at.date() in (today, today - datetime.timedelta(days=1))
    data = message["data"]
    money = {name: Decimal(data.pop(name)) for name in ("spent_usd", "reserved_usd", "limit_usd")}
    assert data == {
        "scope": "project",
        "project": "tests",
        "threshold_percent": 50,
        "period": "day",
        "period_start": told_at.date().isoformat(),
    }
    assert money == {"spent_usd": costs[0], "reserved_usd": 0, "limit_usd": Decimal("0.001")}
    assert is_told(gateway, 50)
    assert receiver.calls.empty()
    lines = [json.loads(line) for line in gateway.stderr.splitlines()]
    told = [line for line in lines if "budget" in json.dumps(line) and "50" in json.dumps(line)]
    assert len(told) == 1, lines


def test_what_is_reserved_counts_as_used(begin, play, receive):
    receiver = receive()
    gate = Gate(billed(tokens(8, 1)))
    gateway = begin(
        play(gate), "budget: {usd: 0.01, alert_at: [80%]}", extra=alerting(receiver)
    ).gateway

    with under_way(gateway, gate, max_completion_tokens=4500):
        message = verified(*receiver.next(), KEY)

    assert Decimal(message["data"]["spent_usd"]) == 0
    assert Decimal(message["data"]["reserved_usd"]) > Decimal("0.009")


def test_of_thresholds_passed_at_once_the_highest_is_told(begin, play, receive):
    receiver = receive()
    upstream = play(in_turn(billed(tokens(8, 460))))
    gateway = begin(
        upstream, "budget: {usd: 0.001, alert_at: [50%, 80%, 90%]}", extra=alerting(receiver)
    ).gateway

    ask(gateway, max_completion_tokens=10)
    message = verified(*receiver.next(), KEY)
    await_rest(gateway)

    assert message["data"]["threshold_percent"] == 90
    assert is_told(gateway, 90) and is_told(gateway, 50, times=0)
    assert receiver.calls.empty()


def test_a_restart_and_a_reload_tell_nothing_twice(begin, play, receive):
    receiver = receive()
    upstream = play(in_turn(billed(tokens(8, 300))))
    settings = "budget: {usd: 0.001, alert_at: [50%]}"
    begun = begin(upstream, settings, extra=alerting(receiver))
    ask(begun.gateway, max_completion_tokens=10)
    receiver.next()

    begun.change(settings + "\nlimits: [{rpd: 100}]", extra=alerting(receiver))
    ask(begun.gateway, max_completion_tokens=1)
    gateway = begun.begin_again(settings, extra=alerting(receiver))
    answer = ask(gateway, max_completion_tokens=1)
    begun.change("budget: {usd: 0.0013, alert_at: [50%, 70%]}", extra=alerting(receiver))
    other = ask(gateway, max_completion_tokens=1)

    if (answer.status, other.status) != (429, 429):
        await_rest(gateway)
    message = verified(*receiver.next(), KEY)
    assert message["data"]["threshold_percent"] == 70
    assert receiver.calls.empty()


def test_the_organization_has_its_own_alerts(begin, play, receive):
    receiver = receive()
    upstream = play(in_turn(billed(tokens(8, 300))))
    gateway = begin(
        upstream,
        organization="budget: {usd: 0.001, per: total, alert_at: [50%]}",
        others=second_project(),
        extra=alerting(receiver),
    ).gateway

    ask(gateway, key=SECOND_KEY, max_completion_tokens=10)
    data = verified(*receiver.next(), KEY)["data"]

    assert (data["scope"], data["project"]) == ("organization", None)
    assert (data["period"], data["period_start"]) == ("total", None)


def test_a_receiver_that_fails_is_tried_again_with_the_same_message(begin, play, receive):
    receiver = receive(500, 204)
    upstream = play(in_turn(billed(tokens(8, 300))))
    gateway = begin(
        upstream, "budget: {usd: 0.001, alert_at: [50%]}", extra=alerting(receiver)
    ).gateway

    ask(gateway, max_completion_tokens=10)
    first, second = receiver.next(), receiver.next()

    assert verified(*first, KEY) == verified(*second, KEY)
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert receiver.calls.empty()


def test_a_receiver_that_is_away_holds_nobody_up(begin, play):
    upstream = play(in_turn(billed(tokens(8, 300))))
    gateway = begin(
        upstream,
        "budget: {usd: 0.001, alert_at: [50%]}",
        extra=f"shutdown_grace: 0s\nalerts: {{webhook: 'http://127.0.0.1:1/', secret: {STANDARD}}}",
    ).gateway

    statuses = [ask(gateway, max_completion_tokens=10).status for _ in range(2)]

    assert statuses == [200, 200]
    wait_for(lambda: is_told(gateway, 50), "the metric")


def test_a_budget_in_shadow_alerts_too(begin, play, receive):
    receiver = receive()
    upstream = play(in_turn(billed(tokens(8, 2000))))
    gateway = begin(
        upstream,
        "budget: {usd: 0.001, mode: shadow, alert_at: [100%, 300%]}",
        extra=alerting(receiver),
    ).gateway

    ask(gateway)
    assert verified(*receiver.next(), KEY)["data"]["threshold_percent"] in (100, 300)
    await_rest(gateway)
    assert budget(gateway)["remaining_usd"] == 0


def test_thresholds_are_told_once_however_many_pass_them_at_once(begin, play, receive):
    receiver = receive()
    gate = Gate(billed(tokens(8, 300)))
    gateway = begin(
        play(gate), "budget: {usd: 0.03, alert_at: [25%, 50%, 75%]}", extra=alerting(receiver)
    ).gateway

    told = []
    with under_way(gateway, gate, 32, max_completion_tokens=300):
        while 50 not in told:
            told.append(verified(*receiver.next(), KEY)["data"]["threshold_percent"])
    await_rest(gateway)

    assert len(told) == len(set(told)) and set(told) <= {25, 50}
    assert is_told(gateway, 50) and is_told(gateway, 75, times=0)
    assert receiver.calls.empty()
