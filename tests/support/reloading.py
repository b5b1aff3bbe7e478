"""A policy that is changed while it serves, and the ways in which files are replaced."""

import os

from support.admin import ADMIN_KEY, readiness
from support.policy import CLIENT_KEY, sha256
from support.scripted_upstream import (
    CHAT,
    chat_body,
)
from support.waiting import wait_for
from support.wire import exchange

KEY = "sk-upstream-0123456789abcdefghijklmnop"
NEW_KEY = "sk-upstream-zyxwvutsrqponmlkjihgfedcba"
NEW_CLIENT_KEY = "hg-test-zyxwvutsrqponmlkjihgfedcba9876543210"


def text(
    upstream,
    *,
    route="one",
    key=KEY,
    extra="",
    watch="true",
    client_keys=(CLIENT_KEY,),
    access="none",
    workers=1,
    admin_listen="127.0.0.1:0",
    listen="127.0.0.1:0",
    level="info",
):
    """One provider behind one route, whose name shows in every answer."""
    keys = ", ".join(f"{{name: k{n}, sha256: {sha256(k)}}}" for n, k in enumerate(client_keys))
    return f"""
listen: {listen}
workers: {workers}
watch: {watch}
admin: {{listen: "{admin_listen}", keys: [{{name: ops, sha256: {sha256(ADMIN_KEY)}}}]}}
log: {{access: "{access}", level: {level}}}
{extra}
providers:
  upstream:
    kind: openai
    base_url: http://{upstream.address}/v1
    api_key: {key}
routes:
  - {{name: {route}, model: "*", targets: [{{provider: upstream}}]}}
projects:
  tests: {{keys: [{keys}]}}
"""


def ask(gateway, **options):
    return exchange(gateway.address, "POST", CHAT, key=CLIENT_KEY, body=chat_body(), **options)


def route_of(gateway):
    answer = ask(gateway)
    assert answer.status == 200, answer.body
    return answer.headers["x-headgate-route"]


def await_generation(gateway, number):
    wait_for(lambda: readiness(gateway)["generation"] == number, f"generation {number}")


def replace(path, content):
    """As editors save: another file takes the name."""
    other = path.with_name(f".{path.name}.new")
    other.write_text(content)
    os.replace(other, path)


def publish(directory, version, **files):
    """As Kubernetes mounts a ConfigMap: names lead through `..data`, which is swapped."""
    folder = directory / f"..{version}"
    folder.mkdir()
    for name, content in files.items():
        (folder / name.replace("_yaml", ".yaml")).write_text(content)
    link = directory / "..data_tmp"
    link.symlink_to(folder.name)
    os.replace(link, directory / "..data")
