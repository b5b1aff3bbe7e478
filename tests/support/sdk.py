"""The official SDK as the tests use it."""

import openai

from support.gateway import Gateway
from support.policy import CLIENT_KEY, UPSTREAM_KEY


def sdk(process, kind=openai.OpenAI, **options):
    """An official client of that process. It does not retry unless told to."""
    options.setdefault("api_key", CLIENT_KEY if isinstance(process, Gateway) else UPSTREAM_KEY)
    options.setdefault("max_retries", 0)
    options.setdefault("timeout", 60)
    return kind(base_url=f"{process.url}/v1", **options)
