"""Many streams at once, each compared with what was sent; slow clients; many connections."""

import asyncio
import json
import re

import pytest
from support.policy import CLIENT_KEY, UPSTREAM_KEY
from support.waiting import wait_for
from support.wire import Reader, connect, exchange, request_bytes

CHAT = "/v1/chat/completions"


def stream_body(number, tokens):
    """Every stream asks for something else, so that a mix-up shows."""
    return json.dumps(
        {
            "model": "gpt-5-mini",
            "messages": [{"role": "user", "content": f"Stream number {number}"}],
            "stream": True,
            "max_completion_tokens": tokens,
        }
    ).encode()


def still(body):
    return re.sub(rb'"(id|created)":("[^"]*"|\d+)', rb'"\1":0', body)


async def read_stream(address, key, body):
    """One stream on a connection of its own: (status, raw answer after the head, dechunked body)."""
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(
            request_bytes("POST", CHAT, key=key, body=body, headers=[("Connection", "close")])
        )
        head = await reader.readuntil(b"\r\n\r\n")
        pieces = []
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            pieces.append((await reader.readexactly(size + 2))[:-2])
        return int(head.split(b" ", 2)[1]), b"".join(pieces)
    finally:
        writer.close()


async def read_all(address, key, bodies, at_once):
    gate = asyncio.Semaphore(at_once)

    async def one(body):
        async with gate:
            return await read_stream(address, key, body)

    return await asyncio.gather(*(one(body) for body in bodies))


@pytest.mark.timeout(600)
@pytest.mark.anyio
async def test_concurrent_streams_arrive_byte_for_byte(
    start_simulator, start_gateway, scale, slowdown
):
    count = scale(200, 2000)
    simulator = start_simulator(
        "--first-byte", "20ms", "--token-delay", "5ms", "--tokens", "100"
    )
    gateway = start_gateway(simulator)
    bodies = [stream_body(number, tokens=20 + number % 40) for number in range(count)]

    async with asyncio.timeout(240 * slowdown):
        passed = await read_all(gateway.address, CLIENT_KEY, bodies, at_once=count)
        given = await read_all(simulator.address, UPSTREAM_KEY, bodies, at_once=count)

    assert [status for status, _ in passed] == [200] * count
    wrong = [
        number
        for number, ((_, through), (_, direct)) in enumerate(zip(passed, given, strict=True))
        if still(through) != still(direct)
    ]
    assert wrong == []
    rows = gateway.log.await_rows(lambda row: row["outcome"] == "complete", count)
    assert sorted(row["output_tokens"] for row in rows) == sorted(
        20 + number % 40 for number in range(count)
    )
    assert len({row["id"] for row in rows}) == len(rows) == count


@pytest.mark.anyio
async def test_plain_and_streamed_requests_mix(gateway, scale):
    count = scale(300, 5000)
    plain = json.dumps(
        {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "x"}]}
    ).encode()

    def ask_plain(_):
        return exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, body=plain).status

    streams = read_all(
        gateway.address, CLIENT_KEY, [stream_body(n, 10) for n in range(count)], at_once=32
    )
    loop = asyncio.get_running_loop()
    answers = [loop.run_in_executor(None, ask_plain, n) for n in range(count)]
    streamed, plainly = await asyncio.gather(streams, asyncio.gather(*answers))

    assert {status for status, _ in streamed} == {200}
    assert set(plainly) == {200}


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1])


def test_a_client_that_does_not_read_holds_the_provider_back(
    start_simulator, start_gateway, slowdown
):
    """80 MB are on the way to clients that read nothing: they wait upstream, not in our memory."""
    simulator = start_simulator(
        "--first-byte", "0ms", "--token-delay", "0ms", "--tokens", "20000"
    )
    gateway = start_gateway(simulator)
    body = stream_body(0, tokens=20_000)
    count = 20
    before = resident_kib(gateway.pid)
    links = [connect(gateway.address, receive_buffer=4096) for _ in range(count)]
    readers = [Reader(link) for link in links]

    for link in links:
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=body))
    heads = [reader.head() for reader in readers]
    wait_for(
        lambda: gateway.metric("headgate_in_flight", kind="streams") == count, "streams in flight"
    )
    grown = resident_kib(gateway.pid) - before
    bodies = [b"".join(reader.pieces(head)) for reader, head in zip(readers, heads, strict=True)]

    for link in links:
        link.close()
    assert [head.ended for head in heads] == ["last-chunk"] * count
    assert len({still(each) for each in bodies}) == 1
    assert min(map(len, bodies)) > 3_000_000
    # A sanitized binary keeps freed memory for a while: the slowdown widens this bound, too.
    assert grown < 12 * 1024 * slowdown


def test_idle_connections_do_not_disturb(gateway, scale):
    count = scale(500, 5000)
    idle = [connect(gateway.address) for _ in range(count)]

    answer = exchange(gateway.address, "GET", "/v1/models", key=CLIENT_KEY)
    last = idle[-1]
    last.sendall(request_bytes("GET", "/healthz"))
    late = Reader(last).answer()

    for link in idle:
        link.close()
    assert (answer.status, late.status) == (200, 200)
