"""The real server that these tests talk to, and an empty network for each of them.

By default it is the embedded one. `HITSTREAM_TEST_MONGO_URL` names a MongoDB instead, in which only databases whose
names begin with `hitstream_test_` are touched; `HITSTREAM_TEST_MONGO_IMAGE` a container image to start one from, such
as mongo:7.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from itertools import count
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import pytest
import pytest_asyncio

from hitstream.mongo import Mongo
from social.database import Database
from social.migrate import ensure
from social.schema import COLLECTIONS

_numbers: Final = count()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Of the one server that a test run shares. A test that kills a server starts its own `Mongo`."""
    if url := os.environ.get("HITSTREAM_TEST_MONGO_URL"):
        yield url
    elif image := os.environ.get("HITSTREAM_TEST_MONGO_IMAGE"):
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.wait_strategies import LogMessageWaitStrategy

        # Of one member, for transactions need a replica set; its address inside is not that outside.
        ready = LogMessageWaitStrategy("Waiting for connections")
        container = DockerContainer(image).with_command("--replSet rs0 --bind_ip_all").with_exposed_ports(27017)
        with container.waiting_for(ready) as running:
            script = "rs.initiate(); while (!db.hello().isWritablePrimary) sleep(50)"
            running.exec(["mongosh", "--quiet", "--eval", script])
            host, port = running.get_container_host_ip(), running.get_exposed_port(27017)
            yield f"mongodb://{host}:{port}/?directConnection=true"
    else:
        # What a test run writes need not outlive a power cut.
        async with Mongo(tmp_path_factory.mktemp("mongo"), sync=False) as mongo:
            yield mongo.url


def named(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture
async def network_url(mongo_url: str) -> AsyncIterator[str]:
    """Of a database that is dropped at the end, with nothing in it."""
    url = named(mongo_url, f"hitstream_test_{os.getpid()}_{next(_numbers)}")
    yield url
    async with Database(url) as database, database.working() as handle:
        await handle.client.drop_database(handle.name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(mongo_url: str) -> AsyncIterator[str]:
    """The database that most tests use one after the other: emptying it is faster than making another."""
    url = named(mongo_url, f"hitstream_test_{os.getpid()}_shared")
    async with Database(url) as database:
        await ensure(database)
        yield url
        async with database.working() as handle:
            await handle.client.drop_database(handle.name)


@pytest.fixture
async def database(shared: str) -> AsyncIterator[Database]:
    """An empty network with all its collections and indexes."""
    async with Database(shared) as database:
        async with database.working() as handle:
            for collection in COLLECTIONS:
                await handle[collection.name].delete_many({})
        yield database
