"""Providers behind TLS: who is trusted, what a refusal tells, how connections are kept and cut."""

import json
import socket
import ssl
import threading
from types import SimpleNamespace

import pytest
from support.policy import UPSTREAM_KEY
from support.routes import route, routes
from support.scripted_upstream import (
    CHUNKED,
    DONE,
    EVENT_HEAD,
    LAST_CHUNK,
    Authority,
    ask,
    chat_body,
    chunk,
    completion,
    event,
    http,
    outcome,
    serve_completions,
    text_of_size,
)
from support.waiting import wait_for

MIB = 1024 * 1024
each_version = pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls 1.2", "tls 1.3"]
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def certificate(authority):
    """The one that a provider at https://localhost should have."""
    return authority.issue("localhost")


@pytest.fixture
def serve(play, start_gateway):
    """serve(upstream, tls): one worker in front of it; `tls` as the policy spells it."""

    def begin(upstream, tls="{}", host="localhost"):
        providers = f"""
  acme:
    kind: openai
    base_url: https://{host}:{upstream.port}/v1
    api_key: {UPSTREAM_KEY}
    tls: {tls}
"""
        once = route("acme", retry={"attempts": 1})
        return start_gateway(providers=providers, extra="workers: 1\n" + routes(once))

    return begin


def trust(authority):
    return f"{{ca: {authority.path}}}"


@each_version
def test_a_provider_with_a_certificate_of_our_own_authority_is_served(
    play, serve, authority, certificate, version
):
    upstream = play(context=certificate.context(version))
    gateway = serve(upstream, trust(authority))

    answer = ask(gateway)

    assert (answer.status, answer.body) == (200, completion())
    assert upstream.requests[0].headers["host"] == f"localhost:{upstream.port}"
    assert gateway.stderr == ""


def test_the_handshake_names_the_host_of_the_base_url(play, serve, authority, certificate):
    upstream = play(context=certificate.context())

    ask(serve(upstream, trust(authority)))

    assert upstream.server_names == ["localhost"]


def test_an_address_is_not_named_in_the_handshake_but_checked(play, serve, authority):
    named = play(context=authority.issue("address", host="IP:127.0.0.1").context())
    unnamed = play(context=authority.issue("another", host="IP:127.0.0.2").context())

    good = ask(serve(named, trust(authority), host="127.0.0.1"))
    bad = ask(serve(unnamed, trust(authority), host="127.0.0.1"))

    assert (good.status, bad.status) == (200, 503)
    assert named.server_names == unnamed.server_names == [None]
    assert unnamed.requests == []


@pytest.fixture(scope="module")
def wrong(authority, tmp_path_factory):
    """Why it cannot be trusted: the certificate."""
    stranger = Authority(tmp_path_factory.mktemp("tls") / "stranger")
    return {
        "hostname mismatch": authority.issue("wrong-host", host="DNS:other.example"),
        "certificate has expired": authority.issue("expired", days=-1),
        "self-signed certificate": authority.issue_self_signed("self-signed"),
        "unable to get local issuer certificate": stranger.issue("stranger"),
    }


def assert_refused_without_a_trace(gateway, upstream, reason):
    """The client learns nothing of the provider's address or certificate, the operator all."""
    answer = ask(gateway)

    assert outcome(answer) == (503, "upstream_unavailable")
    told = (json.dumps(answer.headers) + answer.body.decode()).lower()
    hidden = ["127.0.0.1", "localhost", str(upstream.port), "certificate", "hostname", "tls", "ssl"]
    assert [word for word in hidden if word in told] == []
    log = wait_for(lambda: gateway.stderr, "a line in the operator's log")
    assert "acme" in log
    assert reason in log.lower()
    assert answer.headers["x-request-id"] in log
    assert upstream.requests == []


@pytest.mark.parametrize(
    "reason",
    [
        "hostname mismatch",
        "certificate has expired",
        "self-signed certificate",
        "unable to get local issuer certificate",
    ],
)
def test_a_certificate_that_cannot_be_trusted_is_refused(play, serve, authority, wrong, reason):
    upstream = play(context=wrong[reason].context())

    gateway = serve(upstream, trust(authority))

    assert_refused_without_a_trace(gateway, upstream, reason)


def test_without_an_authority_of_our_own_the_systems_store_decides(play, serve, certificate):
    upstream = play(context=certificate.context())

    gateway = serve(upstream)

    assert_refused_without_a_trace(gateway, upstream, "unable to get local issuer certificate")


@pytest.mark.parametrize("reason", ["hostname mismatch", "self-signed certificate"])
def test_verification_can_be_turned_off(play, serve, wrong, reason):
    upstream = play(context=wrong[reason].context())

    answer = ask(serve(upstream, "{verify: false}"))

    assert (answer.status, answer.body) == (200, completion())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_server_that_only_speaks_tls_1_1_is_refused(play, serve, authority, certificate):
    context = certificate.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    upstream = play(context=context)

    gateway = serve(upstream, trust(authority))

    assert_refused_without_a_trace(gateway, upstream, "protocol")
    wait_for(lambda: len(upstream.handshake_failures) == 1, "the upstream's own view of it")


def test_a_server_that_is_silent_in_the_handshake_is_a_time_out(serve):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gateway = serve(SimpleNamespace(port=silent.getsockname()[1]))
        answer = ask(gateway)

    assert outcome(answer) == (504, "upstream_timeout")
    assert "acme: connect timed out" in wait_for(lambda: gateway.stderr, "a line in the log")


@each_version
def test_a_second_connection_resumes_the_session(play, serve, authority, certificate, version):
    resumed = []

    def serve_one(link):
        resumed.append(link.stream.session_reused)
        link.request()
        link.send(http(completion(), fields=b"Connection: close\r\n"))
        link.end_tls()

    gateway = serve(play(serve_one, context=certificate.context(version)), trust(authority))

    statuses = [ask(gateway).status for _ in range(4)]

    assert statuses == [200] * 4
    assert resumed == [False, True, True, True]


@each_version
def test_one_connection_serves_many_requests(play, serve, authority, certificate, version):
    """TLS 1.3's session tickets wait unread behind the handshake: they are no stray bytes."""
    upstream = play(context=certificate.context(version))
    gateway = serve(upstream, trust(authority))

    statuses = [ask(gateway, user=f"number {number}").status for number in range(5)]

    assert statuses == [200] * 5
    assert upstream.numbers() == [0] * 5


def test_a_stream_comes_through_byte_for_byte(play, serve, authority, certificate):
    events = [event(f"word {number} " + "x" * (number % 700)) for number in range(2000)]
    given = b"".join([*events, event(finish="stop"), DONE])

    def stream(link):
        link.request()
        link.send(EVENT_HEAD + CHUNKED)
        for start in range(0, len(given), 1000):  # neither records nor chunks end where events do
            link.send(chunk(given[start : start + 1000]))
        link.send(LAST_CHUNK)
        link.rest()

    upstream = play(stream, context=certificate.context())

    answer = ask(serve(upstream, trust(authority)), stream=True)

    assert (answer.status, answer.ended) == (200, "last-chunk")
    assert answer.body == given


def test_answers_in_one_byte_records_come_through(play, serve, authority, certificate):
    def serve_slowly(link):
        while link.request():
            link.send(*(bytes([byte]) for byte in http(completion())))

    upstream = play(serve_slowly, context=certificate.context())
    gateway = serve(upstream, trust(authority))

    answers = [ask(gateway) for _ in range(2)]

    assert [(answer.status, answer.body) for answer in answers] == [(200, completion())] * 2
    assert upstream.numbers() == [0, 0]


@each_version
def test_a_body_of_3_mib_comes_through_byte_for_byte_in_both_directions(
    play, serve, authority, certificate, version
):
    """Over a fresh connection, and over one that was kept."""
    content = text_of_size(3 * MIB)

    def serve_large(link):
        while link.request():
            link.send(http(completion(content)))

    upstream = play(serve_large, context=certificate.context(version))
    gateway = serve(upstream, trust(authority))
    question = {"messages": [{"role": "user", "content": content}]}

    answers = [ask(gateway, **question) for _ in range(2)]

    sent = chat_body(**question)
    assert [answer.status for answer in answers] == [200, 200]
    assert all(answer.body == completion(content) for answer in answers)
    assert all(body == sent for body in upstream.bodies())
    assert upstream.numbers() == [0, 0]


@each_version
def test_a_body_that_no_buffer_holds_is_sent_whole(play, serve, authority, certificate, version):
    """The gateway has to wait while it sends, with the end of the handshake not read yet: that is
    no early answer."""
    upstream = play(context=certificate.context(version), receive_buffer=16 * 1024)
    gateway = serve(upstream, trust(authority))
    question = {"messages": [{"role": "user", "content": text_of_size(12 * MIB)}]}

    answer = ask(gateway, **question)

    assert (answer.status, answer.body) == (200, completion())
    sent = chat_body(**question)
    assert [body == sent for body in upstream.bodies()] == [True]


def end_of_what_is_sent(link):
    link.end_writing()


def close_notify(link):
    """Sends it and reads on, as a server does that waits for what may be under way."""
    link.stream.settimeout(0)
    with pytest.raises(ssl.SSLWantReadError):
        link.stream.unwrap()
    link.stream.settimeout(60)


@each_version
@pytest.mark.parametrize("end", [end_of_what_is_sent, close_notify])
def test_a_connection_that_ended_while_it_was_idle_is_not_used_again(
    play, serve, authority, certificate, version, end
):
    ended = threading.Event()
    leftovers = []

    def serve_one(link):
        if link.number > 0:
            return serve_completions(link)
        link.request()
        link.send(http(completion()))
        is_answered.wait(60)
        end(link)
        ended.set()
        leftovers.append(link.rest())

    is_answered = threading.Event()
    upstream = play(serve_one, context=certificate.context(version))
    gateway = serve(upstream, trust(authority))

    first = ask(gateway)
    is_answered.set()
    assert ended.wait(60)
    second = ask(gateway)

    assert (first.status, second.status) == (200, 200)
    assert upstream.numbers() == [0, 1]
    wait_for(lambda: leftovers, "the end of the first connection")
    assert leftovers == [b""]


def until_close(content_type, body, ends_well):
    """A script whose answer ends where the connection does: with close_notify, or torn."""

    def serve_one(link):
        link.request()
        link.send(b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n" % content_type)
        link.send(b"Connection: close\r\n\r\n", body)
        if ends_well:
            link.end_tls()

    return serve_one


@each_version
@pytest.mark.parametrize("ends_well", [True, False])
def test_a_plain_answer_without_a_length_is_whole_only_with_close_notify(
    play, serve, authority, certificate, version, ends_well
):
    """What came is a whole JSON text either way: only the end tells."""
    script = until_close(b"application/json", completion(), ends_well)
    upstream = play(script, context=certificate.context(version))

    answer = ask(serve(upstream, trust(authority)))

    assert outcome(answer) == ((200, None) if ends_well else (503, "upstream_unavailable"))


@each_version
@pytest.mark.parametrize("ends_well", [True, False])
def test_a_stream_without_a_length_is_whole_only_with_close_notify(
    play, serve, authority, certificate, version, ends_well
):
    given = event("Hello") + event(finish="stop")  # without [DONE], only a clean end completes it
    upstream = play(
        until_close(b"text/event-stream", given, ends_well), context=certificate.context(version)
    )

    answer = ask(serve(upstream, trust(authority)), stream=True)

    assert answer.status == 200
    assert answer.body.startswith(given)
    if ends_well:
        assert (answer.body, answer.ended) == (given + DONE, "last-chunk")
    else:
        assert b'"upstream_interrupted"' in answer.body
        assert b"[DONE]" not in answer.body
        assert answer.ended == "cut"
