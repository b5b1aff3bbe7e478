"""Policies and questions drawn at random, of which each has exactly one right outcome.

The draw keeps out whatever depends on the traffic before: a target that may rest (429, a refused
credential) or be repeated has the model that the client asked for, and each question asks for a
model of its own, so that nobody else has met that target. Weights and averages are not drawn.
"""

import json
from dataclasses import dataclass

from support.policy import sha256

FAMILIES = ("alpha", "beta", "gamma")
ENDPOINTS = ("chat", "responses", "completions", "embeddings")
RESTING = (401, 402, 429)  # what keeps a target from being asked again for a while
PASSING = (400, 403, 404, 408, 409, 413, 422, 501, 520)
MOVING = (500, 502, 503, 504, 529, *RESTING)
FALLBACKS = (
    None,  # the default
    [],
    [503],
    [429, 500],
    ["connect", 401, 529],
    ["connect", "cut"],
    [429, 500, 502, 503, 504, 529, "cut"],
)
PRICED = ("gpt-5", "gpt-5-mini", "gpt-5-nano")
LARGE = 20_000  # tokens, where a small question has some ten; conditions ask about 5,000


def key_of(project):
    return f"hg-{project}-0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Question:
    project: str
    model: str
    endpoint: str
    stream: bool
    headers: dict
    is_large: bool

    def given(self, outcomes):
        """As `headgate test` takes it."""
        return {
            "project": self.project,
            "model": self.model,
            "endpoint": self.endpoint,
            "stream": self.stream,
            "headers": self.headers,
            "input_tokens": LARGE if self.is_large else 10,
            "providers": outcomes,
        }

    def request(self):
        """Path, fields and body of the same question to a gateway."""
        text = "word " * LARGE if self.is_large else "Hello"
        body = {"model": self.model}
        if self.endpoint == "chat":
            body["messages"] = [{"role": "user", "content": text}]
            path = "/v1/chat/completions"
        elif self.endpoint == "completions":
            body["prompt"] = text
            path = "/v1/completions"
        else:
            body["input"] = text
            path = f"/v1/{self.endpoint}"
        if self.stream:
            body["stream"] = True
        fields = {
            "Authorization": f"Bearer {key_of(self.project)}",
            "Content-Type": "application/json",
            **self.headers,
        }
        return path, fields, json.dumps(body).encode()


class RandomPolicy:
    """The `number`th policy of a generator: its sections and how each of its providers answers.

    `closed` is the host:port of a socket that nobody accepts from.
    """

    def __init__(self, random, number, closed):
        self._random = random
        self._closed = closed
        self.outcomes = {}  # by provider: a status, "connect" or "cut"; absent: it answers
        self.providers = {}
        for index in range(random.randint(2, 6)):
            self._add_provider(f"p{number}-{index}")  # no health is left of a policy before
        self.routes = [self._route(index) for index in range(random.randint(2, 7))]
        if random.random() < 0.8:
            self.routes[-1].update(model="*", when={})
        self.projects = {name: self._project(name) for name in ("red", "blue")}

    def _add_provider(self, name):
        random = self._random
        outcome = random.choice(
            (None,) * 4 + ("connect", "cut", random.choice(PASSING), *random.sample(MOVING, 4))
        )
        if outcome is not None:
            self.outcomes[name] = outcome
        if outcome == "connect":
            settings = {"kind": "openai-compatible", "base_url": f"http://{self._closed}/v1"}
            settings["models"] = "*"
        else:
            # What a 403 means is in its body, and what a status alone means differs.
            wire = "openai" if outcome == 403 else random.choice(("openai", "openai", "azure"))
            settings = {"kind": "simulator", "wire": wire, "tokens": 3}
            settings.update({"first_byte": "0ms", "token_delay": "0ms", "models": "*"})
        if outcome == "cut":
            settings["fail"] = [{"cut_after": 0}]
        elif isinstance(outcome, int):
            settings["fail"] = [{"status": outcome}]
        if random.random() < 0.15:
            settings["models"] = f"{random.choice(FAMILIES)}-*"
        if random.random() < 0.1:
            settings["enabled"] = False
        self.providers[name] = settings

    def _route(self, index):
        random = self._random
        is_cheapest = random.random() < 0.1
        count = random.randint(1, min(4, len(self.providers)))
        targets = [
            self._target(name, is_cheapest)
            for name in random.sample(sorted(self.providers), count)
        ]
        # So many that nothing is repeated, where a target is shared by many questions.
        is_shared = any("model" in target for target in targets)
        whole = sum(self._answers_all(target["provider"]) for target in targets)
        attempts = random.randint(1, max(1, whole)) if is_shared else random.randint(1, 4)
        route = {
            "name": f"r{index}",
            "model": random.choice(self._globs_for(targets)),
            "strategy": "cheapest" if is_cheapest else "ordered",
            "targets": targets,
            "retry": {"attempts": attempts, "backoff": "1ms", "max_backoff": "1ms"},
            "breaker": {"failures": 100, "window": "1s"},
        }
        fallback_on = random.choice(FALLBACKS)
        if fallback_on is not None:
            route["fallback_on"] = fallback_on
        conditions = self._conditions()
        if conditions:
            route["when"] = conditions
        return route

    def _globs_for(self, targets):
        """What a route may match so that each of its targets can serve some of it."""
        served = {self.providers[target["provider"]]["models"] for target in targets} - {"*"}
        return ("*", *(f"{family}-*" for family in FAMILIES if served <= {f"{family}-*"}))

    def _answers_all(self, name):
        settings = self.providers[name]
        return settings.get("enabled", True) and settings["models"] == "*"

    def _target(self, name, is_cheapest):
        target = {"provider": name}
        may_share = self.outcomes.get(name) not in RESTING and self._answers_all(name)
        if may_share and (is_cheapest or self._random.random() < 0.25):
            target["model"] = self._random.choice(PRICED)
        return target

    def _conditions(self):
        random = self._random
        drawn = {
            "project": random.choice(("red", ["blue"])),
            "endpoint": random.choice(("chat", ["chat", "responses"], ["embeddings"])),
            "stream": random.random() < 0.5,
            "header": {"x-tier": random.choice(("bulk", "b*", "gold"))},
            "input_tokens": random.choice(("<= 5k", "> 5k")),
        }
        return {name: value for name, value in drawn.items() if random.random() < 0.15}

    def _project(self, name):
        random = self._random
        project = {"keys": [{"name": "test", "sha256": sha256(key_of(name))}]}
        if random.random() < 0.15:
            project["models"] = [f"{family}-*" for family in random.sample(FAMILIES, 2)]
        if random.random() < 0.15:
            project["endpoints"] = random.sample(ENDPOINTS, 3)
        if random.random() < 0.03:
            project["enabled"] = False
        return project

    def sections(self):
        """The policy but for what makes a process of it."""
        return {"providers": self.providers, "routes": self.routes, "projects": self.projects}

    def question(self, index):
        """The `index`th: the only one that asks for its model."""
        random = self._random
        endpoint = random.choice(("chat", "chat", *ENDPOINTS))
        return Question(
            project=random.choice(("red", "blue")),
            model=f"{random.choice(FAMILIES)}-{index}",
            endpoint=endpoint,
            stream=endpoint != "embeddings" and random.random() < 0.3,
            headers=random.choice(({}, {}, {"x-tier": "bulk"}, {"x-tier": "gold"})),
            is_large=random.random() < 0.03,
        )
