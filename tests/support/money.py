"""Policies with limits and budgets, providers that bill what a test says, exact sums of money."""

import contextlib
import json
import os
import re
import textwrap
import threading
from decimal import Decimal

from support.admin import ADMIN_KEY, budget, ledger, reload
from support.gateway import Gateway
from support.policy import CLIENT_KEY, UPSTREAM_KEY, sha256
from support.routes import attempts
from support.scripted_upstream import (
    CHAT,
    CHUNKED,
    DONE,
    EVENT_HEAD,
    chat_body,
    chunk,
    event,
    http,
    outcome,
)
from support.waiting import wait_for
from support.wire import exchange

SECOND_KEY = "hg-test-zyxwvutsrqponmlkjihgfedcba9876543210"
ABSENT = object()
REASON = re.compile(r"budget=(\S+); limit=(\S+); spent=(\S+); reserved=(\S+); needed=(\S+)")


def policy_text(
    providers,
    project="",
    *,
    key="",
    organization="",
    others="",
    extra="",
    access="none",
    workers=2,
    project_id="tests",
):
    """One project with one key. `providers`: {name: host:port or all its settings}; `project`,
    `key`, `organization`: what stands in those blocks beside; `others`: further projects; `extra`:
    further blocks."""
    named = "".join(f"  {name}: {_provider(address)}\n" for name, address in providers.items())
    return f"""listen: "127.0.0.1:0"
workers: {workers}
admin: {{listen: "127.0.0.1:0", keys: [{{name: ops, sha256: {sha256(ADMIN_KEY)}}}]}}
log: {{access: {json.dumps(access)}}}
{textwrap.dedent(extra)}
{_block("organization", organization)}
providers:
{named}
projects:
  {project_id}:
    keys:
      - name: pytest
        sha256: {sha256(CLIENT_KEY)}
{_indented(key, 8)}
{_indented(project, 4)}
{_indented(others, 2)}
"""


def _provider(given):
    if not isinstance(given, dict):
        # Of this kind, so that its models have the catalogue's prices.
        given = {"kind": "openai", "base_url": f"http://{given}/v1", "api_key": UPSTREAM_KEY}
    return json.dumps(given)


def _indented(text, columns):
    return textwrap.indent(textwrap.dedent(text).strip("\n"), " " * columns)


def _block(name, text):
    return f"{name}:\n{_indented(text, 2)}" if text else ""


def second_project(project="", name="second"):
    """A further project, with a key of its own: SECOND_KEY."""
    return f"{name}:\n  keys: [{{name: other, sha256: {sha256(SECOND_KEY)}}}]\n" + _indented(
        project, 2
    )


class Books:
    """A gateway that keeps records, and what it takes to change its policy and to restart it."""

    def __init__(self, start, directory, providers, *project, **settings):
        self.directory = directory
        self._start = start
        self._providers = providers
        directory.mkdir()
        self.gateway = start(Gateway, directory, self._text(*project, **settings))

    def _text(self, *project, **settings):
        settings.setdefault("access", str(self.directory / "access.log"))
        return policy_text(self._providers, *project, **settings)

    def change(self, *project, **settings):
        """Reloads with another policy."""
        self.gateway.policy_path.write_text(self._text(*project, **settings))
        return reload(self.gateway)

    def begin_again(self, *project, **settings):
        """Another process in the same directory, once the one before has ended."""
        if self.gateway.child.poll() is None:
            self.gateway.stop()
        self.gateway = self.begin_beside(*project, **settings)
        return self.gateway

    def begin_beside(self, *project, **settings):
        """Another process in the same directory."""
        return self._start(Gateway, self.directory, self._text(*project, **settings))

    @property
    def database(self):
        return self.directory / "headgate.db"


def books(start, tmp_path):
    """begin(upstream or {name: upstream}, project settings, …): a Books whose gateway serves."""
    count = 0

    def begin(upstream, *project, **settings):
        nonlocal count
        count += 1
        upstreams = upstream if isinstance(upstream, dict) else {"upstream": upstream}
        addresses = {name: getattr(each, "address", each) for name, each in upstreams.items()}
        return Books(start, tmp_path / f"books-{count}", addresses, *project, **settings)

    return begin


def ask(gateway, *, key=CLIENT_KEY, headers=(), path=CHAT, **changes):
    """One chat request on a connection of its own; a field that is None is left out."""
    body = json.loads(chat_body(**changes))
    return post(gateway, path, {k: v for k, v in body.items() if v is not None}, key, headers)


def post(gateway, path, fields, key=CLIENT_KEY, headers=()):
    body = json.dumps(fields).encode()
    return exchange(gateway.address, "POST", path, key=key, body=body, headers=headers)


def await_rest(gateway):
    """Until no request is under way: what they held has been given back."""
    wait_for(
        lambda: gateway.metric("headgate_in_flight", kind="requests") == 0, "the requests' ends"
    )
    return gateway


def cost_of(answer):
    assert answer.status == 200, (answer.status, answer.body)
    return Decimal(answer.headers["x-headgate-cost-usd"])


def total(rows):
    return sum((Decimal(row["cost_usd"]) for row in rows), Decimal(0))


def await_ledger(gateway, is_whole, **query):
    """The ledger's rows, once they are as `is_whole` wants them: they are stored a little later."""

    def look():
        rows = ledger(gateway, **query)
        return (rows,) if is_whole(rows) else None

    return wait_for(look, "the rows in the ledger")[0]


def await_rows(gateway, count, **query):
    """That many rows, and not one more."""
    rows = await_ledger(gateway, lambda found: len(found) >= count, **query)
    assert len(rows) == count, [(row["id"], row["outcome"], attempts(row)) for row in rows]
    return rows

def is_refused_by_budget(answer, scope, limit):
    """Checks what a refusal by a budget tells. Returns (spent, reserved, needed)."""
    assert outcome(answer) == (429, "insufficient_quota"), answer.body
    assert answer.headers["x-should-retry"] == "false"
    assert "retry-after" not in answer.headers and "retry-after-ms" not in answer.headers
    told = REASON.fullmatch(answer.headers["x-headgate-reason"])
    assert told and told[1] == scope, answer.headers["x-headgate-reason"]
    limit_told, *amounts = map(Decimal, told.groups()[1:])
    spent, reserved, needed = amounts
    assert limit_told == Decimal(limit)
    assert spent + reserved + needed > limit_told
    message = json.loads(answer.body)["error"]["message"]
    for word in ("max_completion_tokens", "max_output", str(limit), told[5]):
        assert word in message, message
    return spent, reserved, needed


def spent(gateway, project="tests"):
    """What is booked once nothing is under way; nothing may then be reserved."""
    found = budget(await_rest(gateway), project)
    assert found["reserved_usd"] == 0, found
    return found["spent_usd"]


def billed(usage, *, content="ok", **members):
    """A chat completion whose `usage` is this, or raw JSON text; absent where it is ABSENT."""
    message = {"role": "assistant", "content": content, "refusal": None}
    answer = {
        "id": "chatcmpl-123",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-5-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    } | members
    text = json.dumps(answer)
    if usage is not ABSENT:
        text = f'{text[:-1]},"usage":{usage if isinstance(usage, str) else json.dumps(usage)}}}'
    return http(text.encode())


def billed_stream(usage, *, content="ok"):
    """The same as a stream, its usage in an event of its own."""
    pieces = [event(content), event(finish="stop")]
    if usage is not ABSENT:
        told = usage if isinstance(usage, str) else json.dumps(usage)
        pieces.append(
            b'data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1700000000,'
            b'"model":"gpt-5-mini","choices":[],"usage":' + told.encode() + b"}\n\n"
        )
    body = b"".join(pieces) + DONE
    return EVENT_HEAD + CHUNKED + chunk(body) + chunk(b"")



def tokens(prompt, completion, cached=0, reasoning=0):
    """Usage as OpenAI tells it."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


class Gate:
    """A provider's script that answers only while it is open: requests are under way until then."""

    def __init__(self, *answers, is_open=False):
        self._answers = answers
        self._is_open = threading.Event()
        if is_open:
            self.open()
        self.arrived = threading.Semaphore(0)

    def __call__(self, link):
        while link.request():
            self.arrived.release()
            if not self._is_open.wait(60):
                return
            link.send(*self._answers)

    def await_arrivals(self, count=1):
        for _ in range(count):
            assert self.arrived.acquire(timeout=60), "the request did not reach the provider"

    def open(self):
        self._is_open.set()

    def close(self):
        self._is_open.clear()


@contextlib.contextmanager
def under_way(gateway, gate, count=1, **changes):
    """Requests that the provider has and does not answer before the block ends. Yields the list
    that then holds their answers."""
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(gateway, **changes)), daemon=True)
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    try:
        gate.await_arrivals(count)
        yield answers
    finally:
        gate.open()
        for thread in threads:
            thread.join(60)


def damage(path, change):
    """Rewrites a file with what change(bytes) makes of its bytes."""
    whole = bytearray(path.read_bytes())
    changed = change(whole)
    with open(path, "r+b") as file:
        file.write(changed)
        file.truncate(len(changed))
        os.fsync(file.fileno())
