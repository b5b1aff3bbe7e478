"""The access log: exactly one row an exchange, with what it used, cost, and how it ended."""

import datetime
import decimal
import json
import re

import jsonschema
import pytest
from support.policy import CLIENT_KEY
from support.wire import exchange

CHAT = "/v1/chat/completions"
FIELDS = [
    "id", "time", "project", "key", "endpoint", "route", "provider", "model", "requested_model",
    "status", "code", "outcome", "stream", "input_tokens", "cached_input_tokens",
    "cache_write_tokens", "output_tokens", "reasoning_tokens", "audio_tokens", "images", "cost_usd",
    "price", "estimated", "over_reserved", "cache", "saved_usd", "attempts", "skipped",
    "duration_ms", "first_byte_ms", "tags", "client_request_id", "count", "client", "bytes_in",
    "bytes_out", "trace_id", "overhead_ms",
]  # fmt: skip
COUNT = {"type": "integer", "minimum": 0}
MONEY = {"type": "string", "pattern": r"^\d+(\.\d{1,9})?$"}
ROW_SCHEMA = {
    "type": "object",
    "required": FIELDS,
    "properties": {
        "id": {"pattern": "^req_[0-9A-Za-z]{26}$"},
        "time": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        "outcome": {
            "enum": ["complete", "error", "refused", "client_gone", "upstream_cut", "expired"]
        },
        "status": {"type": ["integer", "null"]},
        "code": {"type": ["string", "null"]},
        "stream": {"type": "boolean"},
        "estimated": {"type": "boolean"},
        "over_reserved": {"type": "boolean"},
        "input_tokens": COUNT,
        "output_tokens": COUNT,
        "cached_input_tokens": COUNT,
        "cost_usd": MONEY,
        "saved_usd": MONEY,
        "price": {"enum": ["policy", "catalogue", "none"]},
        "attempts": {
            "type": "array",
            "items": {"required": ["provider", "model", "status", "reason", "ms"]},
        },
        "skipped": {"type": "array"},
        "tags": {"type": ["object", "null"]},
        "duration_ms": {"type": "number", "minimum": 0},
        "count": {"const": 1},
        "bytes_in": COUNT,
        "bytes_out": COUNT,
    },
}


def body(**changes):
    message = [{"role": "user", "content": "Hello gate"}]
    return json.dumps({"model": "gpt-5-mini", "messages": message, **changes}).encode()


def ask(gateway, payload, path=CHAT, **options):
    answer = exchange(gateway.address, "POST", path, key=CLIENT_KEY, body=payload, **options)
    return answer, gateway.log.await_row(answer.headers["x-request-id"])


@pytest.fixture
def gateway(start_gateway, simulator):
    return start_gateway(simulator)


def test_a_complete_exchange_is_one_row_with_its_exact_cost(gateway):
    answer, row = ask(gateway, body(), headers=[("x-request-id", "mine-1")])

    jsonschema.validate(row, ROW_SCHEMA)
    usage = json.loads(answer.body)["usage"]
    assert (row["project"], row["key"], row["endpoint"]) == ("tests", "pytest", "chat")
    assert (row["route"], row["provider"], row["model"]) == ("default", "upstream", "gpt-5-mini")
    assert (row["status"], row["code"], row["outcome"]) == (200, None, "complete")
    assert row["input_tokens"] == usage["prompt_tokens"]
    assert row["output_tokens"] == usage["completion_tokens"]
    assert row["cost_usd"] == answer.headers["x-headgate-cost-usd"]
    assert (row["price"], row["estimated"], row["stream"]) == ("catalogue", False, False)
    assert row["client_request_id"] == "mine-1"
    assert row["bytes_out"] > len(answer.body) and row["bytes_in"] > 0
    assert [(each["provider"], each["status"]) for each in row["attempts"]] == [("upstream", 200)]


def test_a_row_has_the_documented_fields_in_their_order(gateway):
    _, row = ask(gateway, body())

    assert list(row) == FIELDS


def test_a_row_tells_when_the_exchange_began(gateway):
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)

    _, row = ask(gateway, body())

    after = datetime.datetime.now(datetime.UTC)
    assert before <= datetime.datetime.fromisoformat(row["time"]) <= after


def test_a_stream_costs_what_the_plain_answer_costs(gateway):
    _, plain = ask(gateway, body())
    _, streamed = ask(gateway, body(stream=True))

    same = ("input_tokens", "output_tokens", "cost_usd", "outcome", "status", "estimated")
    assert [plain[name] for name in same] == [streamed[name] for name in same]
    assert streamed["stream"] is True
    assert streamed["first_byte_ms"] <= streamed["duration_ms"]


@pytest.mark.parametrize(
    ("path", "payload", "family"),
    [
        ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "x"}, "completions"),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "x"}, "embeddings"),
        ("/v1/responses", {"model": "gpt-5-mini", "input": "x"}, "responses"),
        ("/v1/responses", {"model": "gpt-5-mini", "input": "x", "stream": True}, "responses"),
    ],
)
def test_every_endpoint_is_charged_by_the_providers_usage(gateway, path, payload, family):
    _, row = ask(gateway, json.dumps(payload).encode(), path)

    assert (row["endpoint"], row["outcome"], row["estimated"]) == (family, "complete", False)
    assert row["input_tokens"] > 0
    assert decimal.Decimal(row["cost_usd"]) > 0


def test_moderations_cost_nothing(gateway):
    _, row = ask(
        gateway, b'{"model":"omni-moderation-latest","input":"x"}', path="/v1/moderations"
    )

    assert (row["outcome"], decimal.Decimal(row["cost_usd"])) == ("complete", 0)


def test_a_model_without_a_price_costs_nothing_and_says_so(gateway):
    _, row = ask(gateway, body(model="house-model"))

    assert (row["price"], decimal.Decimal(row["cost_usd"])) == ("none", 0)
    assert row["requested_model"] == "house-model"


@pytest.mark.parametrize(
    ("payload", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (body(n=0), 400, "invalid_request"),
    ],
)
def test_a_refusal_of_a_known_key_is_one_row(gateway, payload, status, code):
    _, row = ask(gateway, payload)

    jsonschema.validate(row, ROW_SCHEMA)
    assert (row["status"], row["code"], row["outcome"]) == (status, code, "refused")
    assert (row["attempts"], row["output_tokens"], row["cost_usd"]) == ([], 0, "0")


def test_an_unknown_path_of_a_known_key_is_a_row_too(gateway):
    _, row = ask(gateway, b"{}", path="/v1/nothing")

    assert (row["status"], row["code"], row["outcome"]) == (404, "unknown_url", "refused")


def test_a_request_without_a_known_key_has_no_row(gateway):
    refused = exchange(gateway.address, "POST", CHAT, key="hg-nobody", body=body())
    _, row = ask(gateway, body())

    assert refused.status == 401
    assert [each["id"] for each in gateway.log.rows()] == [row["id"]]


def test_a_providers_error_is_an_error_with_its_attempt(start_simulator, start_gateway):
    gateway = start_gateway(start_simulator("--fail", "500"))

    _, row = ask(gateway, body())

    assert (row["status"], row["outcome"]) == (500, "error")
    attempts = [(each["status"], each["reason"]) for each in row["attempts"]]
    assert attempts == [(500, "status")] * 3
    assert row["cost_usd"] == "0"


def test_an_unreachable_provider_is_an_attempt_without_a_status(start_gateway):
    gateway = start_gateway(upstream="127.0.0.1:1")

    _, row = ask(gateway, body())

    assert (row["status"], row["code"], row["outcome"]) == (503, "upstream_unavailable", "error")
    assert row["attempts"][0]["reason"] == "connect"


def test_exactly_one_row_an_exchange_also_on_one_connection(gateway):
    answers = [
        exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, body=body()) for _ in range(20)
    ]

    rows = gateway.log.await_rows(lambda row: True, 20)
    wanted = {answer.headers["x-request-id"] for answer in answers}
    assert {row["id"] for row in rows} == wanted
    assert len(rows) == 20


def test_prompts_answers_and_keys_are_in_no_log(gateway):
    answer, _ = ask(gateway, body(messages=[{"role": "user", "content": "Very private"}]))

    text = json.loads(answer.body)["choices"][0]["message"]["content"]
    gateway.stop()
    logged = gateway.log.path.read_text() + gateway.stderr
    assert "Very private" not in logged
    assert text not in logged
    assert not re.search(r"\bsk-[0-9a-z-]{8}|\bhg-test", logged)


def test_a_drained_process_has_written_every_row(gateway):
    """The log is written up to a second late; the end of the process does not lose that second."""
    answers = [
        exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, body=body()) for _ in range(5)
    ]

    gateway.stop()

    wanted = {answer.headers["x-request-id"] for answer in answers}
    assert {row["id"] for row in gateway.log.rows()} == wanted


def test_no_exchange_is_unsettled_and_no_line_is_lost(gateway):
    for stream in (False, True, False):
        ask(gateway, body(stream=stream))
    ask(gateway, b"{")

    assert gateway.metric("headgate_unsettled_total") == 0
    assert gateway.metric("headgate_log_dropped_total") == 0
    assert gateway.metric("headgate_in_flight", kind="requests") == 0
