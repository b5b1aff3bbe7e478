"""What is refused, how, and what the official SDK makes of it (docs/errors.md)."""

import json
import time

import openai
import pytest
from support.gateway import Gateway
from support.policy import CLIENT_KEY, policy, sha256
from support.routes import route, routes
from support.wire import exchange

MODEL = "gpt-5-mini"
CHAT = "/v1/chat/completions"
QUESTION = [{"role": "user", "content": "Hello"}]
ERROR_FIELDS = {"message", "type", "param", "code"}


def ask(client, **changes):
    return client.chat.completions.create(**{"model": MODEL, "messages": QUESTION, **changes})


def error_of(answer):
    """The error object of a raw answer, after checking its shape."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    error = json.loads(answer.body)["error"]
    assert set(error) == ERROR_FIELDS
    assert error["message"] and error["type"]
    return error


RESTRICTED = f"""
  tests:
    models: [gpt-5*, text-embedding-3-small]
    endpoints: [chat]
    keys:
      - {{name: pytest, sha256: {sha256(CLIENT_KEY)}}}
      - {{name: old, sha256: {sha256("hg-expired-key-0123456789")}, expires: 2020-01-01}}
  closed:
    enabled: false
    keys: [{{name: closed, sha256: {sha256("hg-closed-key-0123456789")}}}]
"""


@pytest.fixture(scope="module")
def restricted(shared_start, simulator, tmp_path_factory):
    text = policy(upstream=simulator.address, projects=RESTRICTED)
    return shared_start(Gateway, tmp_path_factory.mktemp("restricted"), text)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("hg-nobody-has-this-key-0123456789", "invalid_api_key"),
        ("hg-expired-key-0123456789", "expired_api_key"),
    ],
)
def test_a_bad_key_is_an_authentication_error(restricted, make_client, key, code):
    client = make_client(restricted, api_key=key)

    with pytest.raises(openai.AuthenticationError) as caught:
        ask(client)

    assert caught.value.status_code == 401
    assert caught.value.code == code
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert key not in str(caught.value)


def test_a_missing_key_and_a_foreign_scheme_are_401(gateway):
    without = exchange(gateway.address, "POST", CHAT, body=b"{}")
    basic = exchange(
        gateway.address, "POST", CHAT, body=b"{}", headers=[("Authorization", "Basic aGk6aGk=")]
    )

    assert [without.status, basic.status] == [401, 401]
    assert error_of(without)["code"] == error_of(basic)["code"] == "missing_api_key"


def test_two_different_credentials_are_401(gateway):
    answer = exchange(
        gateway.address, "POST", CHAT, key=CLIENT_KEY, body=b"{}", headers=[("api-key", "another")]
    )

    assert answer.status == 401
    assert error_of(answer)["code"] == "invalid_api_key"


def test_the_scheme_is_read_without_case(gateway):
    answer = exchange(
        gateway.address, "GET", "/v1/models", headers=[("Authorization", f"bEaReR {CLIENT_KEY}")]
    )

    assert answer.status == 200


def test_a_closed_project_is_a_permission_error(restricted, make_client):
    client = make_client(restricted, api_key="hg-closed-key-0123456789")

    with pytest.raises(openai.PermissionDeniedError) as caught:
        ask(client)

    assert caught.value.code == "project_disabled"


def test_a_model_that_the_project_may_not_use_is_a_permission_error(restricted, make_client):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        ask(make_client(restricted), model="gpt-4.1")

    assert caught.value.code == "model_not_allowed"
    assert caught.value.response.headers["x-should-retry"] == "false"


def test_an_endpoint_that_the_project_may_not_use_is_a_permission_error(restricted, make_client):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        make_client(restricted).embeddings.create(model="text-embedding-3-small", input="x")

    assert caught.value.code == "endpoint_not_allowed"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/v1/no-such-thing", 404, "unknown_url"),
        ("GET", "/", 404, "unknown_url"),
        ("POST", "/v1/threads", 404, "endpoint_removed"),
        ("GET", "/v1/files", 404, "endpoint_not_supported"),
        ("DELETE", CHAT, 405, "method_not_allowed"),
        ("GET", "/v1/embeddings", 405, "method_not_allowed"),
    ],
)
def test_paths_that_are_not_served(gateway, method, path, status, code):
    answer = exchange(gateway.address, method, path, key=CLIENT_KEY)

    assert (answer.status, error_of(answer)["code"]) == (status, code)
    if status == 405:
        assert "POST" in answer.headers["allow"].split(", ")


GOOD = {"model": MODEL, "messages": QUESTION}


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"{", "invalid_json", None),
        (b'{"model": "gpt-5-mini", "temperature": NaN}', "invalid_json", None),
        (b'{"model": "a"} {}', "invalid_json", None),
        (b'{"model": "gpt-5-mini", "model": "gpt-5"}', "invalid_json", None),
        (b'{"model": "\xff"}', "invalid_json", None),
        (b'{"model": "gpt-5-mini", "x": ' + b"[" * 200 + b"]" * 200 + b"}", "invalid_json", None),
        (b"[]", "invalid_request", None),
        (b'{"messages": []}', "invalid_request", "model"),
        (json.dumps({**GOOD, "model": 5}).encode(), "invalid_request", "model"),
        (json.dumps({**GOOD, "model": "../secret"}).encode(), "invalid_request", "model"),
        (json.dumps({**GOOD, "model": "x" * 257}).encode(), "invalid_request", "model"),
        (json.dumps({**GOOD, "n": 0}).encode(), "invalid_request", "n"),
        (json.dumps({**GOOD, "n": 129}).encode(), "invalid_request", "n"),
        (json.dumps({**GOOD, "max_tokens": 0}).encode(), "invalid_request", "max_tokens"),
        (json.dumps({**GOOD, "stream": "yes"}).encode(), "invalid_request", "stream"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_400(gateway, body, code, param):
    answer = exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, body=body)

    assert answer.status == 400
    error = error_of(answer)
    assert error["code"] == code
    if param is not None:
        assert error["param"] == param


def test_the_sdk_raises_bad_request_for_a_400(client):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, n=500)

    assert (caught.value.code, caught.value.param) == ("invalid_request", "n")


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Type", "text/plain")],
        [("Content-Type", "application/json"), ("Content-Encoding", "gzip")],
        [],
    ],
)
def test_another_content_type_or_coding_is_415(gateway, headers):
    headers = [*headers, ("Content-Length", "2")]

    answer = exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, headers=headers)

    assert answer.status == 415
    assert error_of(answer)["code"] == "unsupported_media_type"


def test_a_body_above_the_limit_is_413_before_it_is_sent(start_gateway, simulator):
    gateway = start_gateway(simulator, extra="protect: {max_json: 4KiB}")

    answer = exchange(
        gateway.address,
        "POST",
        CHAT,
        key=CLIENT_KEY,
        headers=[("Content-Type", "application/json"), ("Content-Length", "1000000")],
    )

    assert answer.status == 413
    assert error_of(answer)["code"] == "request_too_large"


def test_a_head_above_the_limit_is_431(gateway):
    answer = exchange(gateway.address, "GET", "/v1/models", headers=[("x-long", "a" * 20_000)])

    assert answer.status == 431
    assert error_of(answer)["code"] == "headers_too_large"


PROVIDER_FAULTS = [
    (400, openai.BadRequestError),
    (404, openai.NotFoundError),
    (409, openai.ConflictError),
    (422, openai.UnprocessableEntityError),
    (429, openai.RateLimitError),
    (500, openai.InternalServerError),
    (503, openai.InternalServerError),
]


@pytest.mark.parametrize(("status", "kind"), PROVIDER_FAULTS)
def test_a_providers_error_passes_as_the_provider_gave_it(
    start_simulator, start_gateway, make_client, status, kind
):
    simulator = start_simulator("--fail", str(status))
    gateway = start_gateway(simulator)
    direct, through = make_client(simulator), make_client(gateway)

    with pytest.raises(kind) as given:
        ask(direct)
    with pytest.raises(kind) as passed:
        ask(through)

    assert passed.value.status_code == status
    assert passed.value.body == given.value.body
    attempts = "3" if status in (429, 500, 503) else "1"  # the rest is the client's to mend
    assert passed.value.response.headers["x-headgate-attempts"] == attempts


def test_a_refused_key_of_the_operator_is_502(start_simulator, start_gateway, make_client):
    gateway = start_gateway(start_simulator("--fail", "401"))

    with pytest.raises(openai.InternalServerError) as caught:
        ask(make_client(gateway))

    assert caught.value.status_code == 502
    assert caught.value.code == "provider_auth_failed"
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert "sk-" not in str(caught.value)


def test_a_rate_limited_provider_is_retried_by_the_sdk_as_it_says(
    start_simulator, start_gateway, make_client
):
    simulator = start_simulator("--fail", "429", "--retry-after", "1s")
    once = routes(route("upstream", retry={"attempts": 1}))
    gateway = start_gateway(simulator, extra=once)
    client = make_client(gateway, max_retries=1)
    began = time.monotonic()

    with pytest.raises(openai.RateLimitError) as caught:
        ask(client)

    assert time.monotonic() - began >= 0.9
    assert caught.value.response.headers["retry-after"] == "1"
    assert len(simulator.requests()) == 2


def test_a_provider_that_recovers_is_invisible_to_a_retrying_client(
    start_simulator, start_gateway, make_client
):
    simulator = start_simulator("--fail", "500:0.5")
    client = make_client(start_gateway(simulator), max_retries=10)

    answers = [ask(client) for _ in range(5)]

    assert all(answer.choices[0].message.content for answer in answers)


def test_an_unreachable_provider_is_503(start_gateway, make_client):
    gateway = start_gateway(upstream="127.0.0.1:1")

    with pytest.raises(openai.InternalServerError) as caught:
        ask(make_client(gateway))

    assert caught.value.status_code == 503
    assert caught.value.code == "upstream_unavailable"
    assert "127.0.0.1" not in str(caught.value.body)


def test_a_slow_provider_is_504_when_the_clients_deadline_comes(
    start_simulator, start_gateway, make_client
):
    simulator = start_simulator("--first-byte", "60s")
    client = make_client(start_gateway(simulator))

    with pytest.raises(openai.InternalServerError) as caught:
        ask(client, extra_headers={"x-headgate-timeout": "300ms"})

    assert caught.value.status_code == 504
    assert caught.value.code == "upstream_timeout"


def test_an_sdk_that_gives_up_raises_its_own_time_out(
    start_simulator, start_gateway, make_client
):
    simulator = start_simulator("--first-byte", "60s")
    gateway = start_gateway(simulator)

    with pytest.raises((openai.APITimeoutError, openai.InternalServerError)):
        ask(make_client(gateway, timeout=0.5))

    row = gateway.log.await_rows(lambda row: True, 1)[0]
    assert row["outcome"] in ("client_gone", "error")


def test_an_answer_that_is_cut_or_no_json_is_not_passed_as_whole(
    start_simulator, start_gateway, make_client
):
    simulator = start_simulator("--cut-after", "20")
    gateway = start_gateway(simulator)

    with pytest.raises(openai.InternalServerError) as caught:
        ask(make_client(gateway))

    assert caught.value.status_code in (502, 503)
    assert caught.value.code in ("upstream_unavailable", "upstream_invalid_response")
