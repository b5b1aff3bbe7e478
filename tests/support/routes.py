"""Policies with routes of several targets, what providers do wrong, what rows tell of it."""

import contextlib
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from support.policy import UPSTREAM_KEY
from support.scripted_upstream import http


def providers(addresses, **settings):
    """OpenAI-compatible servers: {name: host:port}; `settings` by name add to one of them."""
    return "".join(
        f"\n  {name}: " + json.dumps(provider(address) | settings.get(name, {}))
        for name, address in addresses.items()
    )


def provider(address):
    return {
        "kind": "openai-compatible",
        "base_url": f"http://{address}/v1",
        "api_key": UPSTREAM_KEY,
    }


def route(*targets, name="main", model="*", **settings):
    """A route of the policy. A target is a provider's name or a whole target."""
    whole = [{"provider": each} if isinstance(each, str) else each for each in targets]
    return "  - " + json.dumps({"name": name, "model": model, "targets": whole} | settings)


def routes(*each):
    return "routes:\n" + "\n".join(each)


def attempts(row):
    """[(provider, status, reason)] of a row, in order; of a case's targets without its number."""
    return [
        (each["provider"].split(".")[-1], each["status"], each["reason"])
        for each in row["attempts"]
    ]


def last_rows(gateway, *answers):
    """Its rows, of these answers in their order where any are given. Ends the gateway, which then
    writes at once what the log may have a second later."""
    gateway.stop()
    rows = gateway.log.rows()
    if not answers:
        return rows
    by_id = {row["id"]: row for row in rows}
    return [by_id[answer.headers["x-request-id"]] for answer in answers]


@dataclass(frozen=True)
class Case:
    """A route of its own, so that what fails in one case is known in no other."""

    targets: dict  # {name: script or host:port}
    settings: dict = field(default_factory=dict)  # of the route
    stream: bool = False
    models: dict = field(default_factory=dict)  # {name: the target's own model}


class Cases:
    """One gateway in front of many cases, each behind a model of its own.

    Rows come up to a second late: awaited together they cost one second, not one each.
    """

    def __init__(self, begin, play, cases):
        addresses, lines = {}, []
        self.upstreams = {}
        for number, (name, case) in enumerate(cases.items()):
            for target, does in case.targets.items():
                whole = f"case{number}.{target}"
                if not isinstance(does, str):
                    self.upstreams[name, target] = play(does)
                    does = self.upstreams[name, target].address
                addresses[whole] = does
            whole = [
                {"provider": f"case{number}.{target}"}
                | ({"model": case.models[target]} if target in case.models else {})
                for target in case.targets
            ]
            lines.append(
                route(*whole, name=f"case{number}", model=f"model{number}", **case.settings)
            )
        self.cases = cases
        self.numbers = {name: number for number, name in enumerate(cases)}
        self.gateway = begin(providers(addresses), routes(*lines))

    def ask_all(self, ask):
        """{case: (answer, row)}, where ask(gateway, model, case) gives (request id, answer)."""

        def one(name):
            return ask(self.gateway, f"model{self.numbers[name]}", self.cases[name])

        with ThreadPoolExecutor(8) as pool:
            given = dict(zip(self.cases, pool.map(one, self.cases), strict=True))
        return {
            name: (answer, self.gateway.log.await_row(request_id))
            for name, (request_id, answer) in given.items()
        }


def error_body(message="Simulated.", code=None, kind="server_error"):
    return json.dumps(
        {"error": {"message": message, "type": kind, "param": None, "code": code}}
    ).encode()


def error(status, *, fields=b"", **told):
    """A whole answer with that status and an error in OpenAI's form."""
    return http(error_body(**told), status=b"%d Simulated" % status, fields=fields)


def always(*pieces):
    """The script of a provider that answers every request with these bytes."""

    def script(link):
        while link.request():
            link.send(*pieces)

    return script


def cut_after(*pieces):
    """The script of a provider that ends the connection after these bytes of an answer."""

    def script(link):
        if link.request():
            link.send(*pieces)

    return script


def in_turn(*answers):
    """The script of a provider whose n-th request gets the n-th answer, and the last ever after."""
    left = list(answers)

    def script(link):
        while link.request():
            link.send(left.pop(0) if len(left) > 1 else left[0])

    return script


def stay_silent(link):
    """The script of a provider that takes the request and never answers."""
    link.request()
    link.rest()


@contextlib.contextmanager
def closed_port():
    """The address of a port that nobody listens on, and nobody else can take."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@contextlib.contextmanager
def black_hole():
    """The address of a port where a connection is neither accepted nor refused."""
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # more than its queue takes
            filler = open_sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"
