"""Gateways with one route, and clients that leave."""

import contextlib
import socket
import struct

from support.admin import ADMIN_KEY, call
from support.gateway import Gateway
from support.policy import CLIENT_KEY, policy, sha256
from support.routes import (
    providers,
    route,
    routes,
)
from support.scripted_upstream import (
    CHAT,
    chat_body,
    completion,
    http,
)
from support.wire import connect, exchange, request_bytes

QUESTION = [{"role": "user", "content": "Hello"}]
WHOLE = http(completion())
USAGE = (
    b'data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1700000000,'
    b'"model":"gpt-5-mini","choices":[],'
    b'"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}\n\n'
)


def serving(start, tmp_path):
    """serve({name: address}, {name: settings of that provider}, **settings of the route)."""
    count = 0

    def begin(addresses, of_providers=None, **settings):
        nonlocal count
        count += 1
        directory = tmp_path / f"gateway-{count}"
        directory.mkdir()
        text = policy(
            providers=providers(addresses, **(of_providers or {})),
            extra="workers: 1\n" + routes(route(*addresses, **settings)),
            access=f'"{directory}/access.log"',
        )
        keys = f"  keys: [{{name: ops, sha256: {sha256(ADMIN_KEY)}}}]\nlog:"
        return start(Gateway, directory, text.replace("log:", keys, 1))

    return begin


def breaker_of(gateway, provider):
    found = call(gateway, "/headgate/v1/targets")[2]["data"]
    return next(each["breaker"] for each in found if each["provider"] == provider)


def ask_with(gateway, *headers, **changes):
    return exchange(
        gateway.address, "POST", CHAT, key=CLIENT_KEY, body=chat_body(**changes), headers=headers
    )


@contextlib.contextmanager
def asking(gateway, **changes):
    """A connection whose request is under way; it is reset at the end."""
    with connect(gateway.address) as link:
        link.sendall(request_bytes("POST", CHAT, key=CLIENT_KEY, body=chat_body(**changes)))
        yield link
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
