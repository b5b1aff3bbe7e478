"""From the ready line to the exit code: listeners, drain, signals, failed starts."""

import json
import re
import signal
import socket
import subprocess

import pytest
from support.gateway import Gateway
from support.policy import CLIENT_KEY, policy
from support.process import Process
from support.sse import events
from support.waiting import wait_for
from support.wire import Reader, connect, exchange, request_bytes

CHAT = "/v1/chat/completions"
STREAM = json.dumps(
    {
        "model": "gpt-5-mini",
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
    }
).encode()


def begin_stream(gateway):
    """A stream whose first event is here: (connection, reader, head, pieces)."""
    link = connect(gateway.address, seconds=60)
    link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=STREAM))
    reader = Reader(link)
    head = reader.head()
    pieces = reader.pieces(head)
    return link, head, [next(pieces)], pieces


def test_tells_where_it_listens(gateway):
    assert set(gateway.ready) >= {"event", "listen", "admin", "version"}
    assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d*", gateway.ready["listen"][0])
    assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d*", gateway.ready["admin"][0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_drain_finishes_what_runs_and_exits_0(start_simulator, start_gateway, number):
    simulator = start_simulator("--first-byte", "0ms", "--token-delay", "50ms", "--tokens", "30")
    gateway = start_gateway(simulator)
    link, head, got, pieces = begin_stream(gateway)

    gateway.signal(number)
    got += list(pieces)
    code = gateway.wait()

    link.close()
    assert head.ended == "last-chunk"
    assert events(b"".join(got))[-1] == (None, "[DONE]")
    assert code == 0
    assert [row["outcome"] for row in gateway.log.rows()] == ["complete"]


def test_a_draining_process_accepts_nothing_new(start_simulator, start_gateway):
    simulator = start_simulator("--first-byte", "0ms", "--token-delay", "100ms", "--tokens", "30")
    gateway = start_gateway(simulator)
    link, _, _, pieces = begin_stream(gateway)

    gateway.signal(signal.SIGTERM)

    def is_refused():
        try:
            connect(gateway.address, seconds=1).close()
        except OSError:
            return True
        return False

    wait_for(is_refused, "new connections to be refused")
    for _ in pieces:
        pass
    link.close()
    assert gateway.wait() == 0


def test_a_draining_process_closes_idle_connections(start_simulator, start_gateway):
    gateway = start_gateway(start_simulator("--first-byte", "0ms"))

    with connect(gateway.address) as link:
        reader = Reader(link)
        link.sendall(request_bytes("GET", "/healthz"))
        reader.answer()
        gateway.signal(signal.SIGTERM)

        assert reader.is_closed()
    assert gateway.wait() == 0


def test_a_drain_ends_at_the_grace_and_the_row_is_written(start_simulator, start_gateway):
    simulator = start_simulator("--first-byte", "0ms", "--token-delay", "100ms", "--tokens", "9000")
    gateway = start_gateway(simulator, extra="shutdown_grace: 1s")
    link, head, got, pieces = begin_stream(gateway)

    gateway.signal(signal.SIGTERM)
    got += list(pieces)
    code = gateway.wait()

    link.close()
    assert head.ended == "cut"
    assert code == 0
    rows = gateway.log.rows()
    assert len(rows) == 1
    assert rows[0]["outcome"] != "complete"


def test_a_second_signal_ends_it_at_once(start_simulator, start_gateway):
    simulator = start_simulator("--first-byte", "0ms", "--token-delay", "1s", "--tokens", "9000")
    gateway = start_gateway(simulator)
    link, head, got, pieces = begin_stream(gateway)

    gateway.signal(signal.SIGTERM)
    wait_for(lambda: not is_listening(gateway.address), "the drain to begin")
    gateway.signal(signal.SIGTERM)
    code = gateway.wait(seconds=10)

    got += list(pieces)
    link.close()
    assert code != 0
    assert head.ended == "cut"


def is_listening(address):
    try:
        connect(address, seconds=1).close()
    except OSError:
        return False
    return True


def test_killed_and_started_again_it_serves(start_simulator, start_gateway, tmp_path, scale):
    simulator = start_simulator("--first-byte", "0ms")
    for _ in range(scale(3, 30)):
        gateway = start_gateway(simulator)
        answer = exchange(gateway.address, "GET", "/v1/models", key=CLIENT_KEY)
        gateway.kill()
        assert answer.status == 200


def test_sigusr1_reopens_the_access_log(start_gateway, simulator):
    gateway = start_gateway(simulator)
    first = exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, body=STREAM)
    gateway.log.await_row(first.headers["x-request-id"])
    moved = gateway.log.path.with_suffix(".1")
    gateway.log.path.rename(moved)

    gateway.signal(signal.SIGUSR1)
    wait_for(gateway.log.path.exists, "the new log file")
    second = exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, body=STREAM)

    gateway.log.await_row(second.headers["x-request-id"])
    assert second.headers["x-request-id"] not in moved.read_text()


def test_listens_on_a_unix_socket(start_gateway, simulator, tmp_path):
    path = tmp_path / "headgate.sock"

    gateway = start_gateway(simulator, listen=f"unix:{path}")
    answer = exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, body=STREAM)

    assert gateway.ready["listen"] == [f"unix:{path}"]
    assert (answer.status, answer.ended) == (200, "last-chunk")


def test_a_socket_file_of_a_dead_process_is_replaced(start_gateway, simulator, tmp_path):
    path = tmp_path / "headgate.sock"
    start_gateway(simulator, listen=f"unix:{path}").kill()

    again = start_gateway(simulator, listen=f"unix:{path}")

    assert exchange(again.address, "GET", "/healthz").status == 200


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
def test_listens_on_ipv6(start_gateway, simulator):
    gateway = start_gateway(simulator, listen="[::1]:0")

    answer = exchange(gateway.address, "GET", "/v1/models", key=CLIENT_KEY)

    assert gateway.address.startswith("[::1]:")
    assert answer.status == 200


def test_listens_on_several_addresses(start_gateway, simulator, tmp_path):
    text = policy(upstream=simulator.address).replace(
        'listen: "127.0.0.1:0"', f'listen: ["127.0.0.1:0", "unix:{tmp_path}/a.sock"]', 1
    )

    gateway = start_gateway(text=text)

    assert len(gateway.ready["listen"]) == 2
    for address in gateway.ready["listen"]:
        assert exchange(address, "GET", "/healthz").status == 200


def failed_start(tmp_path, text, env=None):
    """(exit code, stderr) of a serve that cannot start."""
    path = tmp_path / "policy.yaml"
    path.touch(mode=0o600)
    path.write_text(text)
    process = Process("serve", "--config", path, env=env)
    try:
        return process.wait(30), process.stderr
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError("it started") from None


def test_a_port_in_use_is_told_in_one_line(gateway, simulator, tmp_path):
    text = policy(upstream=simulator.address, listen=gateway.address)

    code, said = failed_start(tmp_path, text)

    assert code == 1
    assert gateway.address in said and "in use" in said
    assert said.count("\n") == 1
    assert exchange(gateway.address, "GET", "/healthz").status == 200


def test_a_missing_variable_is_told_with_its_place(tmp_path):
    text = policy(
        providers="\n  openai:\n    kind: openai\n    api_key: ${NO_SUCH_VARIABLE_HERE}\n"
    )

    code, said = failed_start(tmp_path, text)

    line = text.splitlines().index("    api_key: ${NO_SUCH_VARIABLE_HERE}") + 1
    assert code == 1
    assert re.search(rf"policy\.yaml:{line}:\d+: error: .*NO_SUCH_VARIABLE_HERE", said)


def test_a_missing_file_is_told(tmp_path):
    process = Process("serve", "--config", tmp_path / "nowhere.yaml")

    assert process.wait(30) == 1
    assert "nowhere.yaml" in process.stderr


def test_rehearsal_needs_no_key(start, tmp_path):
    text = policy(
        providers="\n  openai:\n    kind: openai\n    api_key: ${NO_SUCH_VARIABLE_HERE}\n"
    )

    gateway = start(Gateway, tmp_path, text, "--rehearse")
    answer = exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, body=STREAM)

    assert (answer.status, answer.ended) == (200, "last-chunk")
    assert answer.headers["x-headgate-provider"] == "openai"
