"""One cluster for all tests of it, empty and well before each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from hitstream.app import connected
from tests.cluster.servers import Servers


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def formed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    servers = Servers(tmp_path_factory.mktemp("cluster"))
    try:
        await servers.form()
        yield servers
    finally:
        servers.close()


@pytest.fixture
async def servers(formed: Servers) -> Servers:
    """What a test killed or stopped runs again before the next one."""
    await formed.revive()
    for server in await formed.primaries():
        await server.ask("FLUSHALL")
    return formed


@pytest.fixture
async def redis(servers: Servers) -> AsyncIterator[Redis]:
    """A client of the cluster, as a worker's is made."""
    async with connected(servers.url) as client:
        yield client
