"""The corpus and the recording upstream are what they claim to be. Needs no gateway."""

import socket

import corpus
import corpus_answers
import pytest
import wire
from case import AUTH, BODY, CLIENT_KEY, HOST, post
from corpus import ROWS
from expectation import problems_of_case
from gateway import Transcript
from upstream import COMPLETION, KEY, RecordingUpstream, Script, Seen

MALFORMED_CODES = {"invalid_request", "headers_too_large"}


def requests_in(raw):
    """The well-formed requests at the start of `raw`, and the problem behind them, if any."""
    reader = wire.Reader.of(raw)
    requests = []
    try:
        while not requests or requests[-1].keeps_alive():
            requests.append(wire.read_request(reader))
    except wire.Ended:
        pass
    except wire.Malformed as problem:
        return requests, problem
    return requests, None


def test_names_are_unique_and_every_theme_is_there():
    assert len(ROWS) == sum(len(cases) for cases in corpus.THEMES.values())
    assert len(ROWS) >= 150
    assert all(corpus.THEMES.values())


@pytest.mark.parametrize("name", [n for n, c in ROWS.items() if c.code in MALFORMED_CODES])
def test_refused_rows_are_malformed(name):
    case = ROWS[name]
    requests, problem = requests_in(case.raw)

    assert problem is not None
    assert ("too large" in str(problem)) == (case.code == "headers_too_large")
    assert len(requests) == len(case.answers) - 1


@pytest.mark.parametrize("name", [n for n, c in ROWS.items() if c.seen and c.code is None])
def test_rows_that_go_up_are_well_formed(name):
    case = ROWS[name]
    requests, problem = requests_in(case.raw)

    assert problem is None
    assert len(requests) == len(case.answers)
    bodies = [request.body for request in requests if request.start[0] == "POST"]
    assert bodies == [seen.body for seen in case.seen]


@pytest.mark.parametrize("row", corpus_answers.ROWS.values(), ids=lambda row: row.name)
def test_answers_are_as_well_formed_as_their_rows_say(row):
    heads = ("status line:", "chunked:", "fields:")
    is_coded = "coded " in row.name
    is_hostile = row.name.startswith(heads) and not is_coded
    reader = wire.Reader.of(row.script.raw)

    if is_hostile:
        with pytest.raises((wire.Malformed, wire.Ended)):
            wire.read_answer(reader)
    elif row.statuses == {200} and not row.is_cut:
        answer = wire.read_answer(reader)
        while answer.start[0] < 200:
            answer = wire.read_answer(reader)
        assert not answer.is_cut
        assert row.is_stream or answer.body == COMPLETION


@pytest.fixture
def recorder():
    recorder = RecordingUpstream(forbidden=CLIENT_KEY)
    yield recorder
    recorder.close()


def exchange(recorder, raw):
    """What the recorder sends back until it closes."""
    with socket.create_connection(("127.0.0.1", recorder.port), 5) as client:
        client.sendall(raw)
        client.shutdown(socket.SHUT_WR)
        received = b""
        while data := client.recv(65536):
            received += data
        return received


def proper(recorder, extra=b""):
    host = b"Host: 127.0.0.1:%d\r\n" % recorder.port
    return post(extra, host=host, auth=b"Authorization: Bearer " + KEY.encode() + b"\r\n")


def test_upstream_records_and_answers(recorder):
    received = exchange(recorder, proper(recorder) * 2)

    assert received.count(COMPLETION) == 2
    assert recorder.take() == ([Seen(BODY), Seen(BODY)], [])
    assert recorder.take() == ([], [])


def test_upstream_plays_its_script(recorder):
    recorder.play(Script(b"SSH-2.0\r\n", closes=True))

    assert exchange(recorder, proper(recorder) * 2) == b"SSH-2.0\r\n"


@pytest.mark.parametrize(
    "extra",
    [
        b"X-Forwarded-For: 1.2.3.4\r\n",
        b"Cookie: a=b\r\n",
        b"Accept: a/b\r\nAccept: c/d\r\n",
        b"Accept-Encoding: gzip\r\n",
        b"traceparent: " + CLIENT_KEY + b"\r\n",
    ],
)
def test_upstream_tells_what_must_not_go_up(recorder, extra):
    exchange(recorder, proper(recorder, extra))
    seen, violations = recorder.take()

    assert len(seen) == 1
    assert len(violations) == 1


@pytest.mark.parametrize("raw", [post(), post(host=b"Host: a b\r\n"), b"GET / HTTP/1.1\r\n", b"\0"])
def test_upstream_tells_what_is_not_the_gateways_request(recorder, raw):
    exchange(recorder, raw)

    assert recorder.take()[1] != []


def test_a_lax_relay_would_be_found_out(recorder):
    """Refused rows, sent up as they are, are never taken for a request that was allowed."""
    own = b"Authorization: Bearer " + KEY.encode() + b"\r\n"
    host = b"Host: 127.0.0.1:%d\r\n" % recorder.port
    for name, case in ROWS.items():
        if case.code != "invalid_request" or case.seen or case.steps != (case.raw,):
            continue
        exchange_quietly(recorder, case.raw.replace(AUTH, own).replace(HOST, host))
        seen, violations = recorder.take()
        assert seen or violations, name
        assert seen != list(case.seen) or violations, name


def exchange_quietly(recorder, raw):
    try:
        exchange(recorder, raw)
    except ConnectionError:
        pass  # the recorder closes on malformed bytes while more are on their way


def test_comparison_tells_differences():
    case = ROWS["fields: empty name"]
    transcript = Transcript()

    assert problems_of_case(case, transcript) != []
    transcript.answers.append(
        wire.read_answer(wire.Reader.of(b"HTTP/1.1 200 OK\r\nLocation: x\r\nContent-Length: 0\r\n\r\n"))
    )
    problems = problems_of_case(case, transcript)
    assert any("answers [200]" in problem for problem in problems)
    assert any("location" in problem for problem in problems)
    assert any("kept open" in problem for problem in problems)
