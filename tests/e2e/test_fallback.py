"""The first target fails in every way there is, the second answers; only the row tells."""

import json
from decimal import Decimal

import openai
import pytest
from support.gateway import Gateway
from support.policy import CLIENT_KEY, policy
from support.routes import (
    Case,
    Cases,
    always,
    attempts,
    black_hole,
    closed_port,
    cut_after,
    error,
    last_rows,
    providers,
    route,
    routes,
    stay_silent,
)
from support.scripted_upstream import (
    CHAT,
    CHUNKED,
    EVENT_HEAD,
    ask,
    chat_body,
    chunk,
    completion,
    event,
    http,
    outcome,
    upstreams,
)
from support.wire import exchange

QUESTION = [{"role": "user", "content": "Hello"}]
SHORT = {"connect": "300ms", "first_byte": "300ms", "first_event": "300ms", "idle": "300ms"}
PAGE = b"<html><body>Bad gateway</body></html>"
HTML = b"Content-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE)
WHOLE = http(completion())
COMMENT = b": thinking\n\n"

# What the first target does, and (status, reason) of its attempt in the row.
FAULTS = {
    "429": (always(error(429, code="rate_limit_exceeded")), (429, "status")),
    "429 with Retry-After": (always(error(429, fields=b"Retry-After: 7\r\n")), (429, "status")),
    "500": (always(error(500)), (500, "status")),
    "502": (always(error(502)), (502, "status")),
    "503": (always(error(503)), (503, "status")),
    "504": (always(error(504)), (504, "status")),
    "529": (always(error(529)), (529, "status")),
    "401": (always(error(401, code="invalid_api_key")), (401, "status")),
    "402": (always(error(402)), (402, "status")),
    "403 for the key": (always(error(403, code="account_deactivated")), (403, "status")),
    "429 for the quota": (always(error(429, code="insufficient_quota")), (429, "status")),
    "a 502 in HTML": (always(b"HTTP/1.1 502 Bad Gateway\r\n" + HTML), (502, "status")),
    "a page": (always(b"HTTP/1.1 200 OK\r\n" + HTML), (200, "invalid")),
    "a redirect": (
        always(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"),
        (302, "invalid"),
    ),
    "not HTTP": (always(b"220 mail.example.com ESMTP\r\n\r\n"), (None, "invalid")),
    "closed at once": (cut_after(b""), (None, "cut")),
    "cut in the head": (cut_after(WHOLE[:30]), (None, "cut")),
    "silence": (stay_silent, (None, "timeout")),
}
PLAIN_FAULTS = {
    "a cut answer": (cut_after(WHOLE[:-5]), (200, "cut")),
    "half an answer, then silence": (
        lambda link: (cut_after(WHOLE[:-5])(link), link.rest()),
        (200, "timeout"),
    ),
    "JSON that is not valid": (always(http(completion()[:-1])), (200, "invalid")),
    "JSON of another kind": (always(http(b'{"data":[]}')), (200, "invalid")),
}
STREAM_FAULTS = {
    "no event": (cut_after(EVENT_HEAD + CHUNKED), (200, "cut")),
    "an end before the first event": (
        cut_after(EVENT_HEAD + CHUNKED + b"0\r\n\r\n"),
        (200, "cut"),
    ),
    "a comment, then a cut": (cut_after(EVENT_HEAD + CHUNKED + chunk(COMMENT)), (200, "cut")),
    "half an event, then a cut": (
        cut_after(EVENT_HEAD + CHUNKED + chunk(event("Hello")[:-2])),
        (200, "cut"),
    ),
    "a first event that is not JSON": (
        always(EVENT_HEAD + CHUNKED + chunk(b"data: {nonsense}\n\n")),
        (200, "invalid"),
    ),
    "a head, then silence": (
        lambda link: (cut_after(EVENT_HEAD + CHUNKED)(link), link.rest()),
        (200, "timeout"),
    ),
}
FAILING = {
    f"{name}, {'streamed' if stream else 'plain'}": (stream, *fault)
    for stream, faults in ((False, FAULTS | PLAIN_FAULTS), (True, FAULTS | STREAM_FAULTS))
    for name, fault in faults.items()
}
PASSING = [
    (status, code, stream)
    for status, code in (
        (400, "invalid_value"),
        (403, "content_policy"),
        (404, "model_not_found"),
        (409, None),
        (413, None),
        (422, None),
    )
    for stream in (False, True)
]


@pytest.fixture(scope="module")
def play_all():
    with upstreams() as play:
        yield play


@pytest.fixture(scope="module")
def serve_cases(shared_start, simulator, play_all, tmp_path_factory):
    """serve_cases({name: Case}): asked for by the SDK or by ask_by_wire, all at once."""

    def begin(cases, ask):
        def serve(providers, extra):
            directory = tmp_path_factory.mktemp("cases")
            access = f'"{directory}/access.log"'
            text = policy(providers=providers, extra=extra, access=access)
            return shared_start(Gateway, directory, text)

        served = Cases(serve, play_all, cases)
        return served, served.ask_all(ask)

    return begin


def ask_by_sdk(gateway, model, case):
    """The request's id, then the header fields and the text that the official client gives."""
    url = f"{gateway.url}/v1"
    with openai.OpenAI(base_url=url, api_key=CLIENT_KEY, max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(
            model=model, messages=QUESTION, stream=case.stream
        )
        answer = raw.parse()
        if case.stream:
            pieces = [each.choices[0].delta.content or "" for each in answer if each.choices]
        else:
            pieces = [answer.choices[0].message.content]
    return raw.headers["x-request-id"], (raw.headers, "".join(pieces))


def ask_by_wire(gateway, model, case):
    answer = ask(gateway, model=model, stream=case.stream)
    return answer.headers["x-request-id"], answer


@pytest.fixture(scope="module")
def failing(serve_cases, simulator):
    """Every fault in front of a healthy target of another model, asked for by the SDK."""
    second = {"second": simulator.address}
    settings = {"timeouts": SHORT}
    models = {"second": "gpt-5-nano"}
    with closed_port() as closed, black_hole() as hole:
        unreachable = {"refused": closed, "a black hole": hole}
        cases = {
            name: Case({"first": script} | second, settings, stream, models)
            for name, (stream, script, _) in FAILING.items()
        } | {
            f"{name}, {'streamed' if stream else 'plain'}": Case(
                {"first": address} | second, settings, stream, models
            )
            for name, address in unreachable.items()
            for stream in (False, True)
        }
        return serve_cases(cases, ask_by_sdk)


UNREACHABLE = {
    f"{name}, {way}": (None, None, (None, "connect"))
    for name in ("refused", "a black hole")
    for way in ("plain", "streamed")
}


@pytest.mark.parametrize("name", [*FAILING, *UNREACHABLE])
def test_a_target_that_fails_before_a_byte_is_followed_by_the_next(failing, name):
    cases, answers = failing
    model = f"model{cases.numbers[name]}"
    first = (FAILING | UNREACHABLE)[name][2]

    (headers, text), row = answers[name]

    assert text
    assert headers["x-headgate-provider"].endswith(".second")
    assert headers["x-headgate-model"] == "gpt-5-nano"
    assert headers["x-headgate-route"] == f"case{cases.numbers[name]}"
    assert headers["x-headgate-attempts"] == "2"
    assert attempts(row) == [("first", *first), ("second", 200, "ok")]
    assert [each["model"] for each in row["attempts"]] == [model, "gpt-5-nano"]
    assert (row["outcome"], row["status"], row["code"]) == ("complete", 200, None)
    assert (row["requested_model"], row["model"]) == (model, "gpt-5-nano")
    assert row["provider"] == headers["x-headgate-provider"]


@pytest.fixture
def serve(start_gateway, simulator):
    """serve(first): that address in front of a healthy target of another model."""

    def begin(first, **settings):
        settings = {"timeouts": SHORT} | settings
        return start_gateway(
            providers=providers({"first": first, "second": simulator.address}),
            extra=routes(route("first", {"provider": "second", "model": "gpt-5-nano"}, **settings)),
        )

    return begin


def test_a_fallback_waits_for_no_backoff(play, serve):
    endless = {"attempts": 3, "backoff": "10m", "max_backoff": "10m"}
    gateway = serve(play(always(error(503))).address, retry=endless)

    assert outcome(ask(gateway)) == (200, None)


def test_a_fallback_waits_for_no_retry_after(play, serve):
    gateway = serve(play(always(error(503, fields=b"Retry-After: 600\r\n"))).address)

    assert outcome(ask(gateway)) == (200, None)


def cut_after_an_event(link):
    link.request()
    link.send(EVENT_HEAD + CHUNKED, chunk(event("Hello")))


def silent_after_an_event(link):
    cut_after_an_event(link)
    link.rest()


@pytest.mark.parametrize(
    ("script", "reason"), [(cut_after_an_event, "cut"), (silent_after_an_event, "timeout")]
)
def test_a_stream_that_breaks_after_an_event_goes_to_no_second_target(
    play, serve, simulator, make_client, script, reason
):
    gateway = serve(play(script).address)
    known = len(simulator.requests())
    raw = make_client(gateway).chat.completions.with_raw_response.create(
        model="gpt-5-mini", messages=QUESTION, stream=True
    )

    seen = []
    with pytest.raises(openai.APIError) as failure:
        seen.extend(each for each in raw.parse())

    assert failure.value.code == "upstream_interrupted"
    assert raw.headers["x-headgate-provider"] == "first"
    assert raw.headers["x-headgate-attempts"] == "1"
    (row,) = last_rows(gateway)
    assert attempts(row) == [("first", 200, reason)]
    assert (row["outcome"], row["code"]) == ("upstream_cut", "upstream_interrupted")
    assert len(simulator.requests()) == known


@pytest.fixture(scope="module")
def passing(serve_cases, simulator):
    def refusal(status, code):
        return always(
            error(status, message="Yours to mend.", code=code, kind="invalid_request_error")
        )

    cases = {
        (status, code, stream): Case(
            {"first": refusal(status, code), "second": simulator.address}, stream=stream
        )
        for status, code, stream in PASSING
    }
    return serve_cases(cases, ask_by_wire)[1]


@pytest.mark.parametrize(("status", "code", "stream"), PASSING)
def test_what_the_client_has_to_mend_passes_without_a_second_attempt(
    passing, status, code, stream
):
    answer, row = passing[status, code, stream]

    assert outcome(answer) == (status, code)
    assert json.loads(answer.body)["error"]["message"] == "Yours to mend."
    assert answer.headers["x-headgate-provider"].endswith(".first")
    assert attempts(row) == [("first", status, "status")]
    assert (row["outcome"], row["status"]) == ("error", status)


# fallback_on, what the first target does, what the client gets: None where the second answers.
LISTS = {
    "503, nothing listed": (
        [],
        always(error(503, message="Theirs.", code="theirs")),
        (503, "theirs"),
    ),
    "429, nothing listed": ([], always(error(429, code="rate_limit")), (429, "rate_limit")),
    "401, nothing listed": ([], always(error(401)), (502, "provider_auth_failed")),
    "quota, nothing listed": (
        [],
        always(error(429, code="insufficient_quota")),
        (503, "provider_quota_exhausted"),
    ),
    "cut, nothing listed": ([], cut_after(b""), (503, "upstream_unavailable")),
    "timeout, nothing listed": ([], stay_silent, (504, "upstream_timeout")),
    "429 of 429": ([429], always(error(429)), None),
    "503 of 429": ([429], always(error(503, code="theirs")), (503, "theirs")),
    "418 of 418": ([418], always(error(418)), None),
    "cut of cut": (["cut"], cut_after(b""), None),
    "cut of others": (["timeout", "invalid"], cut_after(b""), (503, "upstream_unavailable")),
    "invalid of invalid": (["invalid"], always(http(b"{}")), None),
    "timeout of timeout": (["timeout"], stay_silent, None),
    "timeout of 503": ([503], stay_silent, (504, "upstream_timeout")),
    "401 of 503": ([503], always(error(401)), None),
}


@pytest.fixture(scope="module")
def listed(serve_cases, simulator):
    cases = {
        name: Case(
            {"first": script, "second": simulator.address},
            {"fallback_on": fallback_on, "timeouts": SHORT},
        )
        for name, (fallback_on, script, _) in LISTS.items()
    }
    return serve_cases(cases, ask_by_wire)


@pytest.mark.parametrize("name", LISTS)
def test_only_what_the_route_lists_moves_and_what_is_the_operators(listed, name):
    cases, answers = listed
    wanted = LISTS[name][2]

    answer, row = answers[name]

    assert outcome(answer) == (wanted or (200, None))
    used = [provider for provider, _, _ in attempts(row)]
    assert used == (["first"] if wanted else ["first", "second"])
    assert len(cases.upstreams[name, "first"].requests) == 1


def test_a_target_that_was_benched_is_passed_by_and_the_row_says_so(play, serve):
    gateway = serve(play(always(error(429, fields=b"Retry-After: 300\r\n"))).address)

    answers = [ask(gateway) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    rows = last_rows(gateway, *answers)
    assert [attempts(row)[-1] for row in rows] == [("second", 200, "ok")] * 2
    assert rows[0]["skipped"] == []
    assert attempts(rows[1]) == [("second", 200, "ok")]
    assert rows[1]["skipped"] == [
        {"provider": "first", "model": "gpt-5-mini", "reason": "rate_limit"}
    ]


def test_each_target_is_asked_for_its_own_model_and_for_nothing_else(play, start_gateway):
    first, second = play(always(error(503))), play()
    gateway = start_gateway(
        providers=providers({"first": first.address, "second": second.address}),
        extra=routes(route("first", {"provider": "second", "model": "gpt-5-nano"})),
    )
    body = (
        b'{ "seed":15, "top_p":0.50, "model" : "gpt-5-mini","unknown":{"a":[1e2]}, '
        b'"messages":[{"role":"user","content":"\\u0048i"}]}'
    )

    answer = exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, body=body)

    assert answer.status == 200
    assert first.bodies() == [body]
    assert second.bodies() == [body.replace(b"gpt-5-mini", b"gpt-5-nano")]
    assert answer.body == completion()  # the model that it tells is the provider's word


def test_usage_is_asked_for_and_the_other_stream_options_stay(play, serve):
    first = play(always(error(503)))
    gateway = serve(first.address)
    options = {"include_obfuscation": False}

    answer = ask(gateway, stream=True, stream_options=options)

    assert answer.status == 200
    sent = json.loads(first.bodies()[0])
    assert sent.pop("stream_options") == options | {"include_usage": True}
    assert sent == json.loads(chat_body(stream=True))


@pytest.fixture
def serve_with(start_gateway):
    """serve_with({name: address}, name={settings of that provider}): one target after the other."""

    def begin(addresses, **settings):
        return start_gateway(
            providers=providers(addresses, **settings), extra=routes(route(*addresses))
        )

    return begin


def test_a_provider_that_is_not_enabled_is_left_out(play, serve_with):
    first, second = play(), play()
    gateway = serve_with(
        {"first": first.address, "second": second.address}, first={"enabled": False}
    )

    answer = ask(gateway)

    assert answer.headers["x-headgate-provider"] == "second"
    (row,) = last_rows(gateway)
    assert row["skipped"] == [{"provider": "first", "model": "gpt-5-mini", "reason": "disabled"}]
    assert first.requests == []


def test_a_price_is_multiplied_by_the_providers_factor(play, serve_with):
    address = play().address
    gateways = [
        serve_with({"only": address}, only=settings)
        for settings in ({}, {"price_multiplier": 1.5}, {"price_multiplier": 0.1})
    ]

    costs = [Decimal(ask(each).headers["x-headgate-cost-usd"]) for each in gateways]

    assert costs[0] > 0
    assert costs[1:] == [costs[0] * Decimal("1.5"), costs[0] * Decimal("0.1")]


def test_the_price_is_that_of_the_target_that_answered(play, serve_with):
    down, healthy = play(always(error(503))).address, play().address
    factors = {"first": {"price_multiplier": 100}, "second": {"price_multiplier": 2}}
    alone = serve_with({"second": healthy}, second=factors["second"])
    gateway = serve_with({"first": down, "second": healthy}, **factors)

    costs = [ask(each).headers["x-headgate-cost-usd"] for each in (alone, gateway)]

    assert costs[0] == costs[1]
