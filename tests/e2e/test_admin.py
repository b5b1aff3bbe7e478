"""The admin listener: health, readiness, metrics, and what it refuses."""

import json
import signal
import urllib.error
import urllib.request

import pytest
from support.policy import CLIENT_KEY
from support.waiting import wait_for
from support.wire import exchange


def fetch(gateway, path, **headers):
    call = urllib.request.Request(gateway.admin_url + path, headers=headers)
    return urllib.request.urlopen(call, timeout=20)


def test_healthz_says_that_the_process_lives(gateway):
    with fetch(gateway, "/healthz") as answer:
        assert answer.status == 200


def test_readyz_tells_its_state(gateway):
    with fetch(gateway, "/readyz") as answer:
        state = json.load(answer)

    assert state == {"ready": True, "warnings": [], "reasons": [], "generation": 1}


def test_readyz_says_no_while_draining(start_gateway, simulator):
    gateway = start_gateway(simulator, extra="drain_delay: 3s")

    gateway.signal(signal.SIGTERM)

    def refusal():
        try:
            fetch(gateway, "/readyz").close()
        except urllib.error.HTTPError as error:
            return error
        return None

    error = wait_for(refusal, "readyz to say no")
    served = exchange(gateway.address, "GET", "/v1/models", key=CLIENT_KEY)
    assert error.code == 503
    assert json.load(error)["reasons"] != []
    assert served.status == 200
    assert gateway.wait() == 0


def test_metrics_are_prometheus_text(gateway):
    exchange(gateway.address, "GET", "/v1/models", key=CLIENT_KEY)

    with fetch(gateway, "/metrics") as answer:
        kind, text = answer.headers["content-type"], answer.read().decode()

    assert kind.startswith("text/plain; version=0.0.4")
    assert "# TYPE headgate_in_flight gauge" in text
    assert "# TYPE headgate_unsettled_total counter" in text
    assert "headgate_build_info{" in text
    assert "process_resident_memory_bytes" in text


def test_gauges_exist_from_the_first_scrape(start_gateway, simulator):
    series = start_gateway(simulator).metrics()

    for kind in ("requests", "streams", "client_connections", "upstream_connections"):
        assert f'headgate_in_flight{{kind="{kind}"}}' in series
    assert series["headgate_policy_generation"] == 1


def test_labels_come_from_the_policy_only(start_gateway, simulator):
    gateway = start_gateway(simulator)
    body = b'{"model":"invented-by-a-client","messages":[]}'

    answer = exchange(
        gateway.address, "POST", "/v1/chat/completions", key=CLIENT_KEY, body=body
    )

    gateway.log.await_row(answer.headers["x-request-id"])
    assert not any("invented-by-a-client" in series for series in gateway.metrics())


@pytest.mark.parametrize("path", ["/headgate/v1/projects", "/headgate/v1/policy"])
def test_all_else_needs_an_admin_key_and_no_client_key_will_do(gateway, path):
    for headers in ({}, {"Authorization": f"Bearer {CLIENT_KEY}"}):
        with pytest.raises(urllib.error.HTTPError) as caught:
            fetch(gateway, path, **headers)
        assert caught.value.code in (401, 403, 404)


def test_no_admin_listener_where_the_policy_says_none(start_gateway, simulator):
    gateway = start_gateway(simulator, admin="none")

    assert gateway.ready["admin"] == []
    assert exchange(gateway.address, "GET", "/metrics", key=CLIENT_KEY).status == 404
