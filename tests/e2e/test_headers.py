"""Headers up and down: allow-lists, ids, cost, timing (http contract: "Answers")."""

import decimal
import json
import re
import socket
import threading

from support.policy import CLIENT_KEY, UPSTREAM_KEY
from support.wire import Reader, connect, exchange, request_bytes

CHAT = "/v1/chat/completions"
BODY = json.dumps(
    {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello gate"}]}
).encode()
# The catalogue's price of gpt-5-mini, USD a million tokens.
INPUT_PRICE = decimal.Decimal("0.25")
OUTPUT_PRICE = decimal.Decimal("2")
MILLION = 1_000_000
MAY_COME_DOWN = re.compile(
    r"^(content-type|content-length|transfer-encoding|connection|date|allow|"
    r"openai-processing-ms|openai-version|retry-after|retry-after-ms|x-request-id|"
    r"x-headgate-[a-z-]+|server-timing|x-should-retry|x-ratelimit-[a-z-]+|cache-control)$"
)


def ask(gateway, body=BODY, headers=()):
    return exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, body=body, headers=headers)


def test_every_answer_has_an_id_of_ours_that_sorts_by_time(gateway):
    answers = [ask(gateway), exchange(gateway.address, "GET", "/nowhere"), ask(gateway, b"{")]

    ids = [answer.headers["x-request-id"] for answer in answers]
    assert all(re.fullmatch(r"req_[0-9A-Za-z]{26}", each) for each in ids)
    milliseconds = [each[: len("req_") + 10] for each in ids]
    assert milliseconds == sorted(milliseconds)
    assert len(set(ids)) == 3


def test_says_who_answered(gateway):
    answer = ask(gateway)

    assert answer.headers["x-headgate-provider"] == "upstream"
    assert answer.headers["x-headgate-model"] == "gpt-5-mini"
    assert answer.headers["x-headgate-route"] == "default"
    assert answer.headers["x-headgate-attempts"] == "1"
    assert answer.headers["x-headgate-cache"] == "off"


def test_tells_the_exact_cost_by_the_catalogues_price(gateway):
    answer = ask(gateway)

    usage = json.loads(answer.body)["usage"]
    exact = (usage["prompt_tokens"] * INPUT_PRICE + usage["completion_tokens"] * OUTPUT_PRICE) / (
        MILLION
    )
    assert decimal.Decimal(answer.headers["x-headgate-cost-usd"]) == exact.quantize(
        decimal.Decimal("1e-9"), rounding=decimal.ROUND_UP
    )


def test_tells_how_long_it_took_and_whose_time_it_was(gateway):
    answer = ask(gateway)

    found = re.fullmatch(
        r"headgate;dur=(\d+(?:\.\d+)?), upstream;dur=(\d+(?:\.\d+)?)",
        answer.headers["server-timing"],
    )
    assert found
    assert float(found[1]) < 1000


def test_only_known_headers_come_down(gateway, simulator):
    direct = exchange(simulator.address, "POST", CHAT, key=UPSTREAM_KEY, body=BODY)

    through = ask(gateway)

    assert [name for name in through.headers if not MAY_COME_DOWN.match(name)] == []
    assert through.headers["content-type"] == direct.headers["content-type"]
    assert ("x-headgate-upstream-request-id" in through.headers) == (
        "x-request-id" in direct.headers
    )


def test_the_body_comes_down_as_the_provider_sent_it(gateway, simulator):
    """Byte for byte, but for what differs from one answer of the simulator to the next."""

    def still(body):
        return re.sub(rb'"(id|created)":("[^"]*"|\d+)', rb'"\1":0', body)

    direct = exchange(simulator.address, "POST", CHAT, key=UPSTREAM_KEY, body=BODY)

    assert still(ask(gateway).body) == still(direct.body)


def test_the_body_goes_up_as_the_client_sent_it(start_simulator, start_gateway):
    simulator = start_simulator("--first-byte", "0ms")
    odd = (
        b'{ "unknown": [1.50, 1e+2, "\\u00e9\xc3\xa9"],\t"model" : "gpt-5-mini",\r\n'
        b'"messages":[{"content":"Hello","role":"user"}] }'
    )

    ask(start_gateway(simulator), odd)

    assert simulator.requests()[-1]["body"] == odd.decode()


def test_our_key_goes_up_and_the_clients_stays_here(start_gateway):
    """A listener of the test's own shows the request's head as it goes over the wire."""
    heads = []

    def serve_once(listener):
        link, _ = listener.accept()
        with link:
            data = b""
            while b"\r\n\r\n" not in data:
                data += link.recv(65536)
            heads.append(data.split(b"\r\n\r\n")[0].decode())
            body = b'{"error":{"message":"seen","type":"x","param":null,"code":"seen"}}'
            link.sendall(
                b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\nSet-Cookie: a=b\r\nLocation: http://evil.test/\r\n"
                b"Connection: close\r\n\r\n%s" % (len(body), body)
            )

    with socket.create_server(("127.0.0.1", 0)) as listener:
        provider = threading.Thread(target=serve_once, args=(listener,))
        provider.start()
        gateway = start_gateway(upstream=f"127.0.0.1:{listener.getsockname()[1]}")
        answer = ask(
            gateway,
            headers=[
                ("Cookie", "session=1"),
                ("X-Forwarded-For", "10.0.0.1"),
                ("OpenAI-Organization", "org-client"),
                ("Idempotency-Key", "once"),
                ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ],
        )
        provider.join(20)

    names = {line.split(":")[0].lower() for line in heads[0].splitlines()[1:]}
    assert f"Bearer {UPSTREAM_KEY}" in heads[0]
    assert CLIENT_KEY not in heads[0]
    assert {"host", "idempotency-key", "traceparent", "accept-encoding"} <= names
    assert not names & {"cookie", "x-forwarded-for", "openai-organization"}
    assert "set-cookie" not in answer.headers
    assert "location" not in answer.headers


def test_a_connection_serves_one_request_after_the_other(gateway):
    request = request_bytes("POST", CHAT, key=CLIENT_KEY, body=BODY)

    with connect(gateway.address) as link:
        reader = Reader(link)
        answers = []
        for _ in range(3):
            link.sendall(request)
            answers.append(reader.answer())
        link.sendall(request + request)
        answers += [reader.answer(), reader.answer()]

    assert [answer.status for answer in answers] == [200] * 5
    assert len({answer.headers["x-request-id"] for answer in answers}) == 5


def test_expect_continue_is_honoured_only_for_a_known_key(gateway):
    expect = [("Expect", "100-continue"), ("Content-Type", "application/json")]
    length = ("Content-Length", str(len(BODY)))

    with connect(gateway.address) as link:
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, headers=[*expect, length]))
        reader = Reader(link)
        interim = reader.head()
        link.sendall(BODY)
        answer = reader.answer()
    refused = exchange(gateway.address, "POST", CHAT, key="hg-x", headers=[*expect, length])

    assert (interim.status, answer.status, refused.status) == (100, 200, 401)


def test_health_answers_without_a_key(gateway):
    for path in ("/healthz", "/readyz"):
        answer = exchange(gateway.address, "GET", path)
        assert answer.status == 200
