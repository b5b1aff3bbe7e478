"""A provider's answers: what is well-formed passes, of all else not one byte reaches the client."""

import json

import pytest
from case import post
from corpus_answers import CLIENT_PLAIN, CLIENT_STREAM, FIRST, ROWS
from expectation import code_of, problems_of_answer
from gateway import Client
from upstream import COMPLETION


def ask(address, body, between=None):
    """One request on a connection of its own: the answer, and all bytes that came. `between` is a
    text to wait for, and what to call when it is there."""
    with Client(address) as client:
        client.send(post(b"Connection: close\r\n", body))
        if between:
            text, call = between
            client.wait_for(text)
            call()
        answer = client.answer()
        assert not client.has_more()
        return answer, bytes(client.received)


def code_of_stream(body):
    """`error.code` of the last event, None where that is not an error."""
    last = body.strip().split(b"\n\n")[-1]
    text = last.removeprefix(b"data: ")
    return None if text == b"[DONE]" else json.loads(text).get("error", {}).get("code")


def check_body(row, answer):
    if row.is_stream and answer.start[0] == 200:
        assert answer.value("content-type").partition(";")[0] == "text/event-stream"
        assert code_of_stream(answer.body) in (row.codes or {None})
    elif row.codes:
        assert code_of(answer) in row.codes
    if row.body is not None:
        assert answer.body == row.body


@pytest.mark.parametrize("name", ROWS)
def test_answer(gateway, upstream, name):
    row = ROWS[name]
    upstream.take()
    upstream.play(row.script)
    between = (FIRST, upstream.go_on) if row.script.then is not None else None
    answer, received = ask(gateway.address, CLIENT_STREAM if row.is_stream else CLIENT_PLAIN, between)
    upstream.play(None)
    # A connection that such an answer came on must not serve anybody else.
    after, _ = ask(gateway.address, CLIENT_PLAIN)
    seen, violations = upstream.take()

    assert answer.start[0] in row.statuses, answer.body
    assert problems_of_answer(answer) == []
    check_body(row, answer)
    assert answer.is_cut == (row.is_cut and answer.start[0] == 200)
    assert [text for text in row.absent if text in received] == []
    plain = received if answer.framing != "chunked" else received + answer.body
    assert [text for text in row.present if text not in plain] == []
    assert after.body == COMPLETION
    assert {request.target for request in seen} == {"/v1/chat/completions"}
    assert len(seen) in ((2, 3) if row.may_repeat else (2,))
    assert violations == []
