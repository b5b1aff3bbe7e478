"""Streams byte by byte: what comes through is what was sent, and a cut is seen as one."""

import json
import re

import openai
import pytest
from support.policy import CLIENT_KEY, UPSTREAM_KEY
from support.sse import chunks, events
from support.waiting import wait_for
from support.wire import Reader, connect, exchange, request_bytes

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
QUESTION = [{"role": "user", "content": "Hello"}]


def chat_body(**changes):
    return json.dumps(
        {"model": "gpt-5-mini", "messages": QUESTION, "stream": True, **changes}
    ).encode()


RESPONSES_BODY = json.dumps({"model": "gpt-5-mini", "input": "Hello", "stream": True}).encode()


def through(gateway, body, path=CHAT):
    return exchange(gateway.address, "POST", path, key=CLIENT_KEY, body=body)


def direct(simulator, body, path=CHAT):
    return exchange(simulator.address, "POST", path, key=UPSTREAM_KEY, body=body)


def still(body):
    """Without what differs from one answer of the simulator to the next: ids and times."""
    body = re.sub(rb'"(created|created_at|completed_at)":[0-9.]+', rb'"\1":0', body)
    return re.sub(rb'"((?:item_|call_)?id)":"[^"]*"', rb'"\1":""', body)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stream_options": {"include_usage": True}},
        {"stream_options": {"include_usage": False}},
        {"stream_options": {}},
        {"stream_options": None},
        {"n": 2},
        {"logprobs": True, "top_logprobs": 1},
        {"max_completion_tokens": 3},
        {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "required"},
    ],
    ids=lambda changes: ",".join(changes) or "plain",
)
def test_a_chat_stream_comes_through_byte_for_byte(gateway, simulator, changes):
    """Usage that only we asked for is not seen; usage that the client asked for is."""
    body = chat_body(**changes)

    passed, given = through(gateway, body), direct(simulator, body)

    assert (passed.status, passed.ended) == (200, "last-chunk")
    assert passed.headers["content-type"] == given.headers["content-type"]
    assert still(passed.body) == still(given.body)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (RESPONSES, RESPONSES_BODY),
        (
            "/v1/completions",
            b'{"model":"gpt-3.5-turbo-instruct","prompt":"Once","stream":true}',
        ),
    ],
)
def test_other_streams_come_through_byte_for_byte(gateway, simulator, path, body):
    passed, given = through(gateway, body, path), direct(simulator, body, path)

    assert (passed.status, passed.ended) == (200, "last-chunk")
    assert still(passed.body) == still(given.body)


def test_usage_is_asked_of_the_provider_even_where_the_client_did_not(
    start_simulator, start_gateway
):
    simulator = start_simulator("--first-byte", "0ms", "--token-delay", "0ms")
    gateway = start_gateway(simulator)

    answer = through(gateway, chat_body())

    received = json.loads(simulator.requests()[-1]["body"])
    row = gateway.log.await_row(answer.headers["x-request-id"])
    assert received["stream_options"] == {"include_usage": True}
    assert b'"usage"' not in answer.body
    assert (row["output_tokens"], row["estimated"]) == (50, False)


def test_events_come_when_they_are_made_and_not_at_the_end(start_simulator, start_gateway):
    """The provider still has a minute to go when the first event is here."""
    simulator = start_simulator("--first-byte", "0ms", "--token-delay", "2s", "--tokens", "30")
    gateway = start_gateway(simulator)

    with connect(gateway.address) as link:
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body()))
        reader = Reader(link)
        head = reader.head()
        first = next(reader.pieces(head))

    assert head.status == 200
    assert json.loads(first.split(b"\n")[0].removeprefix(b"data: "))["choices"]


def test_a_cut_chat_stream_is_seen_as_cut(start_simulator, start_gateway):
    simulator = start_simulator("--token-delay", "0ms", "--cut-after", "5")
    gateway = start_gateway(simulator)

    answer = through(gateway, chat_body())

    assert answer.status == 200
    assert answer.ended == "cut"
    assert b"[DONE]" not in answer.body
    error = json.loads(events(answer.body)[-1][1])["error"]
    assert error["code"] == "upstream_interrupted"
    assert set(error) == {"message", "type", "param", "code"}
    row = gateway.log.await_row(answer.headers["x-request-id"])
    assert row["outcome"] == "upstream_cut"


def test_a_cut_chat_stream_has_all_events_that_were_whole(start_simulator, start_gateway):
    simulator = start_simulator("--token-delay", "0ms", "--cut-after", "5")
    gateway = start_gateway(simulator)

    passed, given = through(gateway, chat_body()), direct(simulator, chat_body())

    whole = given.body[: given.body.rfind(b"\n\n") + 2]
    assert len(chunks(passed.body)) == len(chunks(whole)) + 1
    assert still(passed.body).startswith(still(whole))


def test_a_cut_responses_stream_ends_with_its_own_error_event(start_simulator, start_gateway):
    simulator = start_simulator("--token-delay", "0ms", "--cut-after", "5")

    answer = through(start_gateway(simulator), RESPONSES_BODY, RESPONSES)

    name, data = events(answer.body)[-1]
    assert answer.ended == "cut"
    assert name == "error"
    assert json.loads(data)["type"] == "error"
    assert json.loads(data)["code"] == "upstream_interrupted"


def test_the_sdk_raises_on_a_cut_stream(start_simulator, start_gateway, make_client):
    simulator = start_simulator("--token-delay", "0ms", "--cut-after", "5")
    client = make_client(start_gateway(simulator))

    with pytest.raises(openai.APIError) as caught:
        for _ in client.chat.completions.create(
            model="gpt-5-mini", messages=QUESTION, stream=True
        ):
            pass

    assert caught.value.code == "upstream_interrupted"


def test_a_stream_that_is_refused_by_the_provider_is_a_plain_error(
    start_simulator, start_gateway
):
    answer = through(start_gateway(start_simulator("--fail", "429")), chat_body())

    assert (answer.status, answer.headers["content-type"]) == (429, "application/json")
    assert json.loads(answer.body)["error"]["message"]


def test_a_client_that_leaves_stops_the_provider_and_is_charged(
    start_simulator, start_gateway, scale
):
    """Gone mid-stream: the row says so within seconds, though the provider has minutes to go."""
    simulator = start_simulator("--first-byte", "0ms", "--token-delay", "100ms", "--tokens", "5000")
    gateway = start_gateway(simulator)
    count = scale(3, 50)

    for _ in range(count):
        with connect(gateway.address) as link:
            link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body()))
            reader = Reader(link)
            pieces = reader.pieces(reader.head())
            for _ in range(3):
                next(pieces)

    rows = gateway.log.await_rows(lambda row: row["outcome"] == "client_gone", count, seconds=20)
    assert all(row["output_tokens"] > 0 and row["estimated"] for row in rows)
    assert all(float(row["cost_usd"]) > 0 for row in rows)
    assert all(row["duration_ms"] < 20_000 for row in rows)
    wait_for(
        lambda: gateway.metric("headgate_in_flight", kind="streams") == 0, "the streams to end"
    )


def test_a_client_that_leaves_before_the_first_byte_is_noticed(start_simulator, start_gateway):
    simulator = start_simulator("--first-byte", "120s")
    gateway = start_gateway(simulator)

    with connect(gateway.address) as link:
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body()))
        wait_for(simulator.requests, "the request to reach the provider")

    row = gateway.log.await_rows(lambda row: True, 1, seconds=20)[0]
    assert row["outcome"] == "client_gone"


def test_silence_inside_a_stream_is_bridged_by_comments(start_simulator, start_gateway):
    """Every 15 s by default: the SDKs skip comments, idle connections stay open."""
    simulator = start_simulator("--first-byte", "0ms", "--token-delay", "16s", "--tokens", "3")
    gateway = start_gateway(simulator)

    answer = exchange(
        gateway.address, "POST", CHAT, key=CLIENT_KEY, body=chat_body(), seconds=60
    )

    assert answer.ended == "last-chunk"
    assert b": keep-alive\n\n" in answer.body
    assert all("keep-alive" not in data for _, data in events(answer.body))
