"""`concurrent`: a slot is taken by what runs and free again however that ends."""

import pytest
from support.admin import buckets
from support.money import ask, billed, books, tokens
from support.one_route import asking
from support.routes import cut_after, error, in_turn, route, routes, stay_silent
from support.scripted_upstream import CHUNKED, EVENT_HEAD, chunk, event, http
from support.waiting import wait_for


@pytest.fixture
def begin(start, tmp_path):
    return books(start, tmp_path)


def test_a_client_that_has_its_answer_has_given_back_its_slot(begin, simulator):
    """Also where it goes on at once and on another connection, which another worker may serve."""
    gateway = begin(simulator, "limits: [{concurrent: 1}]").gateway

    answers = [ask(gateway, stream=number % 2 == 1).status for number in range(200)]

    assert answers == [200] * 200


EVENTS = EVENT_HEAD + CHUNKED + chunk(event("Hello"))


def leave(gateway):
    """A client that goes away once its stream has begun."""
    with asking(gateway, stream=True) as link:
        assert b"Hello" in read_until(link, b"Hello")


def leave_early(gateway):
    """A client that goes away while the provider is silent."""
    with asking(gateway):
        wait_for(
            lambda: buckets(gateway)["project", "*", "concurrent"]["remaining"] == 0, "the slot"
        )


def read_until(link, wanted):
    data = b""
    while wanted not in data:
        more = link.recv(65536)
        assert more, data
        data += more
    return data


def begin_a_stream(link):
    if link.request():
        link.send(EVENTS)
        link.rest()


WAYS_OUT = {
    "a whole answer": (in_turn(billed(tokens(8, 1))), ask),
    "the client leaves a stream": (begin_a_stream, leave),
    "the client leaves a silence": (stay_silent, leave_early),
    "a cut answer": (cut_after(http(b'{"choices"')[:-4]), ask),
    "a cut stream": (cut_after(EVENTS), lambda gateway: ask(gateway, stream=True)),
    "a time-out": (stay_silent, ask),
    "an error": (in_turn(error(500)), ask),
    "no JSON": (in_turn(http(b"nothing")), ask),
    "a refused key": (in_turn(error(401)), ask),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_a_slot_is_free_again_on_every_way_out(begin, play, way):
    script, act = WAYS_OUT[way]
    gateway = begin(
        play(script),
        "limits: [{concurrent: 1}]",
        extra=routes(route("upstream", timeouts={"first_byte": "300ms"}, fallback_on=[])),
    ).gateway

    act(gateway)

    wait_for(lambda: buckets(gateway)["project", "*", "concurrent"]["remaining"] == 1, "the slot")
    assert gateway.metric("headgate_unsettled_total") == 0
