"""A new policy without a restart: what makes it taken, what it changes, and what goes on."""

import json
import signal
import threading

import pytest
from support.access_log import AccessLog
from support.admin import call, readiness, reload
from support.gateway import Gateway
from support.load import Load
from support.policy import CLIENT_KEY, sha256
from support.reloading import (
    KEY,
    NEW_CLIENT_KEY,
    NEW_KEY,
    ask,
    await_generation,
    publish,
    replace,
    route_of,
    text,
)
from support.scripted_upstream import (
    CHAT,
    CHUNKED,
    DONE,
    EVENT_HEAD,
    LAST_CHUNK,
    chat_body,
    chunk,
    completion,
    event,
)
from support.scripted_upstream import (
    http as whole_answer,
)
from support.waiting import wait_for
from support.wire import Reader, connect, exchange, request_bytes


@pytest.fixture
def upstream(play):
    return play()


@pytest.mark.parametrize("write", [lambda path, new: path.write_text(new), replace])
def test_a_changed_file_is_taken(start_gateway, upstream, write):
    gateway = start_gateway(text=text(upstream))
    before = route_of(gateway)

    for generation, name in enumerate(["two", "three"], 2):
        write(gateway.policy_path, text(upstream, route=name))
        await_generation(gateway, generation)

        assert route_of(gateway) == name
    assert before == "one"
    assert gateway.metric("headgate_policy_generation") == 3


def test_a_swapped_data_link_is_taken(start, tmp_path, upstream):
    publish(tmp_path, "v1", policy_yaml="")
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    gateway = start(Gateway, tmp_path, text(upstream))

    for generation, name in enumerate(["two", "three", "four"], 2):
        publish(tmp_path, f"v{generation}", policy_yaml=text(upstream, route=name))
        (tmp_path / f"..v{generation - 1}" / "policy.yaml").unlink()
        (tmp_path / f"..v{generation - 1}").rmdir()
        await_generation(gateway, generation)

        assert route_of(gateway) == name


def test_without_watching_a_signal_and_a_call_still_load(start_gateway, upstream):
    gateway = start_gateway(text=text(upstream, watch="false"))

    gateway.policy_path.write_text(text(upstream, watch="false", route="two"))
    unchanged = route_of(gateway)
    gateway.signal(signal.SIGHUP)
    await_generation(gateway, 2)
    by_signal = route_of(gateway)
    gateway.policy_path.write_text(text(upstream, watch="false", route="three"))
    generation = reload(gateway)

    assert (unchanged, by_signal, route_of(gateway)) == ("one", "two", "three")
    assert generation == 3


def test_included_files_are_watched(start_gateway, tmp_path, upstream):
    parts = tmp_path / "projects"
    parts.mkdir()
    part = "projects: {{{}: {{keys: [{{name: k, sha256: {}}}]}}}}"
    first, second = parts / "a.yaml", parts / "b.yaml"
    first.write_text(part.format("old", sha256("hg-not-yet-0123456789abcdefghijkl")))
    gateway = start_gateway(text=text(upstream, extra=f"include: [{parts}/*.yaml]"))

    def status(key):
        return exchange(gateway.address, "GET", "/v1/models", key=key).status

    before = status(NEW_CLIENT_KEY)
    first.write_text(part.format("old", sha256(NEW_CLIENT_KEY)))
    await_generation(gateway, 2)
    changed = status(NEW_CLIENT_KEY)
    second.write_text(part.format("new", sha256("hg-second-0123456789abcdefghijklmn")))
    await_generation(gateway, 3)
    added = status("hg-second-0123456789abcdefghijklmn")
    second.unlink()
    await_generation(gateway, 4)

    assert (before, changed, added) == (401, 200, 200)
    assert status("hg-second-0123456789abcdefghijklmn") == 401
    assert status(NEW_CLIENT_KEY) == 200


@pytest.mark.parametrize("write", [lambda path, new: path.write_text(new), replace])
def test_a_secrets_file_is_watched(start_gateway, tmp_path, upstream, write):
    secret = tmp_path / "secret"
    secret.write_text(KEY + "\n")
    gateway = start_gateway(text=text(upstream, key=f'"${{file:{secret}}}"'))
    ask(gateway)

    write(secret, NEW_KEY + "\n")
    await_generation(gateway, 2)
    ask(gateway)

    sent = [request.headers["authorization"] for request in upstream.requests]
    assert sent == [f"Bearer {KEY}", f"Bearer {NEW_KEY}"]


def azure(upstream, token, **settings):
    plain = text(upstream, **settings)
    return plain.replace("kind: openai", "kind: azure").replace(
        f"    base_url: http://{upstream.address}/v1\n    api_key: {KEY}\n",
        f"    base_url: http://{upstream.address}\n    token_file: {token}\n"
        "    api_version: v1\n    deployments: {gpt-5-mini: prod}\n",
    )


def await_token(gateway, upstream, token):
    def is_sent():
        ask(gateway)
        return upstream.requests[-1].headers["authorization"] == f"Bearer {token}"

    wait_for(is_sent, f"{token} to be sent")


@pytest.mark.parametrize("watch", ["true", "false"])
@pytest.mark.parametrize("write", [lambda path, new: path.write_text(new), replace])
def test_a_token_is_read_again_whatever_is_watched(start_gateway, tmp_path, upstream, watch, write):
    token = tmp_path / "token"
    token.write_text("token-1\n")
    gateway = start_gateway(text=azure(upstream, token, watch=watch))
    ask(gateway)

    write(token, "token-2\n")
    await_token(gateway, upstream, "token-2")

    assert upstream.requests[0].headers["authorization"] == "Bearer token-1"
    assert readiness(gateway)["generation"] == 1
    assert set(upstream.numbers()) == {0}


def test_a_token_that_comes_back_clears_the_warning(start_gateway, tmp_path, upstream):
    token = tmp_path / "token"
    token.write_text("token-1\n")
    gateway = start_gateway(text=azure(upstream, token))

    token.write_text("")
    wait_for(lambda: readiness(gateway)["warnings"], "a warning of the empty token")
    served = ask(gateway)
    token.write_text("token-1\n")

    wait_for(lambda: not readiness(gateway)["warnings"], "the warning to go")
    assert served.status == 200
    assert upstream.requests[-1].headers["authorization"] == "Bearer token-1"


def test_a_token_is_read_again_while_the_policy_is_faulty(start_gateway, tmp_path, upstream):
    token = tmp_path / "token"
    token.write_text("token-1\n")
    gateway = start_gateway(text=azure(upstream, token))
    gateway.policy_path.write_text(azure(upstream, token) + "\nrouts: []\n")
    wait_for(lambda: readiness(gateway)["warnings"], "a warning of the faulty policy")

    token.write_text("token-2\n")
    await_token(gateway, upstream, "token-2")

    (warning,) = readiness(gateway)["warnings"]
    assert "policy is faulty" in warning


def hold_streams(gate):
    """Streams stop after their first event until the gate is opened; plain answers are whole."""

    def script(link):
        while request := link.request():
            if not json.loads(request.body).get("stream"):
                link.send(whole_answer(completion()))
                continue
            link.send(EVENT_HEAD + CHUNKED, chunk(event("Hello")))
            assert gate.wait(60)
            link.send(chunk(event(" world") + event(finish="stop") + DONE), LAST_CHUNK)

    return script


@pytest.fixture
def held(play):
    """(upstream, gate) of a provider whose streams go on when the gate is opened."""
    gate = threading.Event()
    yield play(hold_streams(gate)), gate
    gate.set()


def begin_stream(gateway):
    link = connect(gateway.address, seconds=60)
    link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body(stream=True)))
    reader = Reader(link)
    head = reader.head()
    pieces = reader.pieces(head)
    return link, head, next(pieces), pieces


def test_a_stream_keeps_the_policy_that_it_began_with(start_gateway, tmp_path, held):
    upstream, gate = held
    access = tmp_path / "access.log"
    gateway = start_gateway(text=text(upstream, access=access))
    link, head, first, pieces = begin_stream(gateway)

    gateway.policy_path.write_text(text(upstream, access=access, route="two"))
    await_generation(gateway, 2)
    meanwhile = route_of(gateway)
    gate.set()
    body = first + b"".join(pieces)

    link.close()
    row = AccessLog(access).await_row(head.headers["x-request-id"])
    assert meanwhile == "two"
    assert head.ended == "last-chunk"
    assert body.endswith(DONE)
    assert (row["route"], row["outcome"], row["provider"]) == ("one", "complete", "upstream")


def test_a_stream_outlives_its_provider(start_gateway, tmp_path, held, play):
    upstream, gate = held
    access = tmp_path / "access.log"
    gateway = start_gateway(text=text(upstream, access=access))
    link, head, first, pieces = begin_stream(gateway)

    other = text(play(), access=access, route="two").replace("upstream:", "other:")
    gateway.policy_path.write_text(other.replace("provider: upstream", "provider: other"))
    await_generation(gateway, 2)
    meanwhile = ask(gateway).headers["x-headgate-provider"]
    targets = call(gateway, "/headgate/v1/targets")[2]["data"]
    gate.set()
    body = first + b"".join(pieces)

    link.close()
    row = AccessLog(access).await_row(head.headers["x-request-id"])
    assert meanwhile == "other"
    assert {target["provider"] for target in targets} == {"other"}
    assert body.endswith(DONE)
    assert (row["provider"], row["outcome"]) == ("upstream", "complete")


def test_upstream_connections_outlive_a_reload_that_leaves_their_provider(start_gateway, upstream):
    gateway = start_gateway(text=text(upstream))

    for number in range(2, 7):
        ask(gateway)
        gateway.policy_path.write_text(text(upstream, route=f"r{number}", key=f"{KEY}{number}"))
        reload(gateway)
    ask(gateway)

    assert upstream.numbers() == [0] * 6


def test_idle_connections_of_a_removed_provider_are_closed(start_gateway, play):
    is_closed = threading.Event()

    def script(link):
        while link.request():
            link.send(whole_answer(completion()))
        is_closed.set()

    gateway = start_gateway(text=text(play(script)))
    ask(gateway)

    gateway.policy_path.write_text(text(play(), route="two"))
    await_generation(gateway, 2)

    assert is_closed.wait(60)
    assert route_of(gateway) == "two"


def accepting(keys):
    """A provider that answers 401 to whatever key is not in `keys` now."""

    def script(link):
        while request := link.request():
            is_known = request.headers["authorization"].removeprefix("Bearer ") in keys
            refused = whole_answer(
                b'{"error":{"message":"wrong key","type":"invalid_request_error",'
                b'"param":null,"code":"invalid_api_key"}}',
                status=b"401 Unauthorized",
            )
            link.send(whole_answer(completion()) if is_known else refused)

    return script


def test_a_providers_key_is_rotated_under_load(start_gateway, play):
    keys = {KEY}
    upstream = play(accepting(keys))
    gateway = start_gateway(text=text(upstream, workers=2))

    with Load(gateway) as load:
        load.await_round(5)
        keys.add(NEW_KEY)
        gateway.policy_path.write_text(text(upstream, workers=2, key=NEW_KEY))
        await_generation(gateway, 2)
        load.await_round()
        keys.remove(KEY)
        load.await_round(20)

    assert load.served >= 8 * 26


def test_a_clients_key_is_rotated_under_load(start_gateway, upstream):
    settings = {"workers": 2}
    gateway = start_gateway(text=text(upstream, **settings))

    with Load(gateway) as load:
        for generation, keys in enumerate([(CLIENT_KEY, NEW_CLIENT_KEY), (NEW_CLIENT_KEY,)], 2):
            load.await_round(5)
            gateway.policy_path.write_text(text(upstream, client_keys=keys, **settings))
            await_generation(gateway, generation)
            load.key = NEW_CLIENT_KEY
            load.await_round(5)

    assert ask(gateway).status == 401
    assert load.served >= 8 * 20
