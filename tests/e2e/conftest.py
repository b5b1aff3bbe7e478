"""Processes and clients for the end-to-end tests.

HEADGATE_BINARY     the binary under test (build/release/headgate where unset)
HEADGATE_LONG=1     raises the counts of the tests on concurrency, cuts and kills
HEADGATE_SLOWDOWN   a factor on bounds of time and memory, for sanitized binaries
HEADGATE_SANITIZER  asan or tsan: what the binary was built with
"""

import os
import pathlib
import resource

import openai
import pytest
from support.gateway import Gateway, Simulator
from support.length import IS_LONG
from support.policy import policy
from support.process import BINARY
from support.scripted_upstream import upstreams
from support.sdk import sdk

SLOWDOWN = float(os.environ.get("HEADGATE_SLOWDOWN", "1"))


def pytest_configure():
    assert pathlib.Path(BINARY).is_file(), f"{BINARY} is not built; tests/run builds it"
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def scale():
    """scale(200, 2000): the count for every merge, or the one of a long run."""
    return lambda usual, at_length: at_length if IS_LONG else usual


@pytest.fixture(scope="session")
def slowdown():
    return SLOWDOWN


def started():
    """A generator fixture's body: hands out a start function, ends all that it started."""
    running = []

    def start(kind, *arguments, **options):
        process = kind(*arguments, **options)
        running.append(process)
        return process

    try:
        yield start
    finally:
        problems = []
        for process in reversed(running):
            try:
                if process.child.returncode is None:
                    process.stop()
            except AssertionError as problem:
                problems.append(str(problem))
        assert not problems, "\n".join(problems)


@pytest.fixture
def start():
    """start(Simulator, …), start(Gateway, …): ended, and their exit codes checked, after the test."""
    yield from started()


@pytest.fixture
def start_simulator(start):
    return lambda *options: start(Simulator, *options)


@pytest.fixture
def start_gateway(start, tmp_path):
    """start_gateway(simulator): serve in front of it, access log on; keywords go to policy()."""
    count = 0

    def begin(simulator=None, *, env=None, text=None, **settings):
        nonlocal count
        count += 1
        directory = tmp_path / f"gateway-{count}"
        directory.mkdir()
        settings.setdefault("access", f'"{directory}/access.log"')
        if simulator is not None:
            settings.setdefault("upstream", simulator.address)
        return start(Gateway, directory, text or policy(**settings), env=env)

    return begin


@pytest.fixture(scope="session")
def shared_start():
    yield from started()


@pytest.fixture(scope="session")
def simulator(shared_start):
    """Answers at once, 50 tokens. Tests that change its behaviour start one of their own."""
    return shared_start(Simulator, "--first-byte", "0ms", "--token-delay", "0ms")


@pytest.fixture(scope="session")
def gateway(shared_start, simulator, tmp_path_factory):
    directory = tmp_path_factory.mktemp("gateway")
    text = policy(upstream=simulator.address, access=f'"{directory}/access.log"')
    return shared_start(Gateway, directory, text)


@pytest.fixture(scope="session")
def client(gateway):
    with sdk(gateway) as ours:
        yield ours


@pytest.fixture
def make_client():
    """make_client(process, **options of OpenAI): closed after the test."""
    opened = []

    def make(process, **options):
        opened.append(sdk(process, **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
async def async_client(gateway):
    async with sdk(gateway, openai.AsyncOpenAI) as ours:
        yield ours


@pytest.fixture
def play():
    """play(script): a provider that does on each connection what the script says."""
    with upstreams() as play:
        yield play
