"""Reloads of whatever a file may hold, and of very many files, while clients ask."""

import json
import os
import random
import re
import subprocess

import pytest
from support.admin import ADMIN_KEY, call, readiness, reload
from support.load import Load
from support.policy import CLIENT_KEY, sha256
from support.process import BINARY

# What serves the clients of these tests. A mutant that is valid but has not all of this is not
# used: it might rightly serve them otherwise.
ESSENTIAL = f"""
listen: 127.0.0.1:0
workers: 2
watch: false
admin: {{listen: "127.0.0.1:0", keys: [{{name: ops, sha256: {sha256(ADMIN_KEY)}}}]}}
log: {{access: none}}
providers:
  main: {{kind: simulator, wire: openai, first_byte: 0ms, token_delay: 0ms, tokens: 3}}
"""
ROUTES = """
routes:
  - {name: main, model: gpt-5*, targets: [{provider: main}]}
"""
PROJECTS = f"""
projects:
  tests: {{keys: [{{name: pytest, sha256: {sha256(CLIENT_KEY)}}}]}}
"""
OTHER_PROVIDERS = """
  azure-eu:
    kind: azure
    base_url: https://acme-eu.openai.azure.com
    api_key: 0123456789abcdef0123456789abcdef
    api_version: 2025-04-01-preview
    deployments: {o4-mini: o4-prod, text-embedding-3-small: embed}
    price_multiplier: 1.1
  local:
    kind: openai-compatible
    base_url: http://127.0.0.1:11434/v1
    models: [llama3*, gpt-oss-20b]
    headers: {x-team: platform}
    max_connections: 256
"""
OTHER_ROUTES = """
  - name: bulk
    model: [o4*, llama3*]
    when: {header: {x-tier: bulk}, stream: true, input_tokens: "<= 32k", endpoint: [chat]}
    strategy: weighted
    targets: [{provider: azure-eu, model: o4-mini, weight: 2}, {provider: local, model: llama3}]
    fallback_on: [429, 500, 503, connect, timeout]
    retry: {attempts: 3, backoff: 200ms, max_backoff: 5s}
    timeouts: {connect: 2s, first_byte: 10m, idle: 5m}
    breaker: {failures: 5, window: 10s, open_for: 10s}
"""
OTHER_PROJECTS = """
  others:
    keys: [{name: k, sha256: 9a75a626f1cecda478cdb245ebc9ed4952e3f3fb5bfe8d250ffc65758a98e72e}]
    models: [o4*]
    endpoints: [chat, responses]
"""
GOOD = ESSENTIAL + OTHER_PROVIDERS + ROUTES + OTHER_ROUTES + PROJECTS + OTHER_PROJECTS
VALUES = ("[]", "{}", "''", "null", "-1", "1e999", "yes", "[[1]]", "9" * 40, "*none", "!!set {}", "\u2028")
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


def flip_bytes(draw, good):
    mutant = bytearray(good)
    for _ in range(draw.randint(1, 3)):
        mutant[draw.randrange(len(mutant))] ^= 1 << draw.randrange(8)
    return bytes(mutant)


def truncate(draw, good):
    return good[: draw.randrange(len(good))]


def cut_out(draw, good):
    begin, end = sorted(draw.randrange(len(good)) for _ in range(2))
    return good[:begin] + good[end:]


def repeat_a_line(draw, good):
    lines = good.splitlines(keepends=True)
    lines.insert(draw.randrange(len(lines)), draw.choice(lines))
    return b"".join(lines)


def swap_lines(draw, good):
    lines = good.splitlines(keepends=True)
    a, b = draw.sample(range(len(lines)), 2)
    lines[a], lines[b] = lines[b], lines[a]
    return b"".join(lines)


def insert(*pieces):
    def mutate(draw, good):
        at = draw.randrange(len(good))
        return good[:at] + draw.choice(pieces) + good[at:]

    return mutate


def retype_a_value(draw, good):
    lines = good.decode().splitlines()
    at = draw.choice([number for number, line in enumerate(lines) if ":" in line])
    lines[at] = lines[at].split(":", 1)[0] + ": " + draw.choice(VALUES)
    return "\n".join(lines).encode()


def rename(draw, good):
    words = [b"provider", b"targets", b"kind", b"azure", b"model", b"window", b"keys", b"local"]
    word = draw.choice(words)
    return good.replace(word, word[:-1] + b"x", draw.randint(1, 3))


def bomb(draw, good):
    return good + draw.choice(
        [
            LAUGHS.encode(),
            b"deep: " + b"[" * draw.choice([65, 5_000, 200_000]),
            b"big: '" + b"x" * (9 << 20) + b"'\n",
            b"include: [policy.yaml]\n",
            b"include: [/]\n",
            b"a: &a [*a]\n",
            b"? " * 3_000 + b"\n",
            b"- " * 3_000 + b"\n",
        ]
    )


MUTATIONS = (
    flip_bytes,
    truncate,
    cut_out,
    repeat_a_line,
    swap_lines,
    insert(b"\0", b"\0" * 4096, b"\xff\xfe", b"\xc0\x80", b"\xef\xbb\xbf", b"\r", b"\x1b[2J"),
    insert(b"\t", b"%YAML 9.9\n", b"---\n", b"...\n", b"\n? ", b"{", b"|", b"&a ", b"!!binary "),
    retype_a_value,
    rename,
    bomb,
)


def is_essential_whole(mutant):
    parts = (ESSENTIAL, ROUTES, PROJECTS)
    return all(part.encode() in mutant for part in parts) and b"*none" not in mutant


def drawn_mutants(draw, count, directory):
    """Twice as many as needed: [(bytes, whether they are a policy)] of those that may be used."""
    mutants = []
    for number in range(count):
        mutants.append(MUTATIONS[number % len(MUTATIONS)](draw, GOOD.encode()))
        (directory / f"m{number}.yaml").write_bytes(mutants[-1])
    names = [str(directory / f"m{n}.yaml") for n in range(count)]
    told = subprocess.run([BINARY, "check", *names], capture_output=True, timeout=300)
    found = re.findall(rb"^[^\n]*/m(\d+)\.yaml:[^\n]*?: error: ", told.stdout + told.stderr, re.M)
    faulty = {number.decode() for number in found}
    judged = [(mutant, str(number) not in faulty) for number, mutant in enumerate(mutants)]
    return [each for each in judged if not each[1] or is_essential_whole(each[0])]


@pytest.mark.timeout(900)
def test_a_mutated_policy_is_taken_or_told_and_no_request_fails(start_gateway, tmp_path, scale):
    seed = int(os.environ.get("HEADGATE_SEED", random.SystemRandom().randrange(2**32)))
    print(f"seed {seed}")
    count = scale(200, 2000)
    mutants = drawn_mutants(random.Random(seed), count * 5 // 4, tmp_path)[:count]
    gateway = start_gateway(text=GOOD)

    generation, refused = 1, 0
    with Load(gateway, clients=2) as load:
        for mutant, is_valid in mutants:
            gateway.policy_path.write_bytes(mutant)
            status, _, answer = call(gateway, "/headgate/v1/reload", method="POST")
            (tmp_path / "latest.yaml").write_bytes(mutant)
            where = f"seed {seed}, {tmp_path}/latest.yaml"
            assert status == (200 if is_valid else 422), (where, answer)
            if is_valid:
                generation += 1
                assert answer == {"generation": generation}, where
            else:
                refused += 1
                errors = [each for each in answer["problems"] if each["severity"] == "error"]
                assert errors and all(each["message"] for each in errors), where
                assert readiness(gateway)["warnings"], where
            assert readiness(gateway)["generation"] == generation, where
        load.await_round()

    assert len(mutants) == count
    assert generation > count // 50
    assert refused > count // 2
    assert gateway.metric("headgate_policy_reload_failures_total") == refused
    assert gateway.stderr.count("the new policy is faulty") == refused
    logged = [line for line in gateway.stderr.splitlines() if "new policy" in line]
    assert all(json.loads(line)["level"] in ("error", "warning") for line in logged)


def resident(gateway):
    """Bytes of memory, and the number of open descriptors."""
    with open(f"/proc/{gateway.pid}/statm") as file:
        pages = int(file.read().split()[1])
    return pages * os.sysconf("SC_PAGESIZE"), len(os.listdir(f"/proc/{gateway.pid}/fd"))


@pytest.mark.timeout(900)
def test_many_reloads_leave_nothing_behind(start_gateway, scale, slowdown):
    gateway = start_gateway(text=GOOD)
    seen = []

    with Load(gateway, clients=4) as load:
        for number in range(scale(200, 1000)):
            other = f"  other-{number % 7}: {{kind: simulator, wire: azure, tokens: 9}}\n"
            text = ESSENTIAL.replace("tokens: 3", f"tokens: {3 + number % 3}") + other
            text += ROUTES + PROJECTS + (OTHER_PROJECTS if number % 2 else "")
            gateway.policy_path.write_text(text)
            assert reload(gateway) == number + 2
            seen.append(resident(gateway))
            if number % 20 == 0:
                load.await_round()

    half = len(seen) // 2
    (early_bytes, early_files), (late_bytes, late_files) = (
        tuple(max(column) for column in zip(*part, strict=True))
        for part in (seen[:half], seen[half:])
    )
    # A sanitized binary keeps freed memory for a while.
    room = (8 << 20) if slowdown == 1 else (256 << 20)
    assert late_bytes <= early_bytes * 1.1 + room, (early_bytes, late_bytes)
    assert late_files <= early_files + 8, (early_files, late_files)
