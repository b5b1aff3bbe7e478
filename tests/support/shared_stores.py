"""Fixtures for tests of several processes: one PostgreSQL for all, a schema and a Redis for each
test. `from support.shared_stores import *` brings them into a test file."""

import itertools

import pytest

from support import postgres, redis_server
from support.installation import Installation
from support.postgres import Postgres
from support.redis_server import RedisServer

__all__ = ["install", "needs_redis", "postgresql", "records", "redis"]

numbers = itertools.count(1)

needs_redis = pytest.mark.skipif(
    not redis_server.is_installed(), reason="redis-server is not installed"
)


servers = []  # of all files that import the fixture: one


@pytest.fixture(scope="session")
def postgresql():
    if postgres.binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    if servers:
        yield servers[0]
        return
    with Postgres() as server:
        servers.append(server)
        yield server


@pytest.fixture
def records(postgresql):
    """The address of an empty schema: sooner made, and gone, than a database."""
    name = f"records_{next(numbers)}"
    postgresql.sql(f"CREATE SCHEMA {name}")
    return f"{postgresql.uri()}?options=-csearch_path%3D{name}"


@pytest.fixture
def redis():
    with RedisServer() as server:
        yield server


@pytest.fixture
def install(start, tmp_path, request):
    """install(upstream, project, …): an Installation on the test's Redis and schema, unless told
    `redis` and `records`."""
    count = 0

    def begin(upstream, project, **settings):
        nonlocal count
        count += 1
        if "redis" not in settings:
            settings["redis"] = request.getfixturevalue("redis").url
        if "records" not in settings:
            settings["records"] = request.getfixturevalue("records")
        folder = tmp_path / f"installation-{count}"
        return Installation(start, folder, upstream, project, **settings)

    return begin
