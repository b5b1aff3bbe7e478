"""Policies for tests. Written as text, so that a test shows what an operator would write."""

import hashlib

CLIENT_KEY = "hg-test-0123456789abcdefghijklmnopqrstuvwxyz"
UPSTREAM_KEY = "sk-upstream-0123456789abcdefghijklmnop"


def sha256(key):
    return hashlib.sha256(key.encode()).hexdigest()


def policy(
    *,
    upstream=None,
    providers=None,
    projects=None,
    listen="127.0.0.1:0",
    admin="127.0.0.1:0",
    access="none",
    extra="",
):
    """One provider at `upstream` (host:port of a simulator) and one project, unless given."""
    if providers is None:
        providers = f"""
  upstream:
    kind: openai
    base_url: http://{upstream}/v1
    api_key: {UPSTREAM_KEY}
"""
    if projects is None:
        projects = f"""
  tests:
    keys:
      - {{name: pytest, sha256: {sha256(CLIENT_KEY)}}}
"""
    return f"""listen: "{listen}"
admin:
  listen: "{admin}"
log:
  access: {access}
{extra}
providers:{providers}
projects:{projects}"""
