"""Requests over a raw socket: what is refused, what is answered, and what has gone upstream."""

import pytest
from case import BODY, Case, post
from corpus import ROWS
from expectation import problems_of_case
from gateway import run
from upstream import COMPLETION, Seen

FENCE_BODY = BODY.replace(b'"hi"', b'"fence"')
FENCE = Case("fence", (post(body=FENCE_BODY),), (200,), False, (Seen(FENCE_BODY),))
MAX_PIECEMEAL = 2048  # above that, a packet a byte only costs time


def verify(gateway, upstream, case, piece=None):
    upstream.take()
    transcript = run(gateway.address, case, piece)
    # What was smuggled would reach the upstream before the next request on another connection.
    fence = run(gateway.address, FENCE)
    seen, violations = upstream.take()

    assert not problems_of_case(case, transcript), bytes(case.raw[:300])
    assert not problems_of_case(FENCE, fence), "the gateway does not serve any more"
    assert fence.answers[0].body == COMPLETION
    assert seen == [*case.seen, *FENCE.seen]
    assert violations == []


@pytest.mark.parametrize("name", ROWS)
def test_one_write(gateway, upstream, name):
    verify(gateway, upstream, ROWS[name])


@pytest.mark.parametrize("name", [n for n, c in ROWS.items() if len(c.raw) <= MAX_PIECEMEAL])
def test_a_packet_a_byte(gateway, upstream, name):
    verify(gateway, upstream, ROWS[name], piece=1)
