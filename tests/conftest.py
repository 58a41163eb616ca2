"""The real Redis that tests talk to, clean for each, and the check that none leaves a key behind for ever.

By default it is the embedded Valkey. `HITSTREAM_TEST_REDIS_URL` names another server instead (everything in it is
deleted), `HITSTREAM_TEST_REDIS_IMAGE` a container image to start one from, such as redis:7.2.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from hitstream.engines import Valkey
from store import keys

# Servers that tests start have no shop and no network unless they are told: a PostgreSQL and a MongoDB for each would
# cost more than all else.
os.environ.setdefault("HITSTREAM_SHOP", "-")
os.environ.setdefault("HITSTREAM_NETWORK", "-")

# What other people's programs do there, a browser and a dozen clients, is now and then late on two shared cores in ways
# that no wait of ours covers. Such a test fails where it fails three times; the report says which were run again.
OTHERS: Final = ("browser", "clients")
RERUNS: Final = 2

PARTITION_TAG: Final = re.compile(r"\{p\d+\}:")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # pymongo leaves a socket to the collector where a connect is cut off; whichever test runs then is blamed for it.
    blamed = pytest.mark.flaky(reruns=1, only_rerun=["PytestUnraisableExceptionWarning"])
    for item in items:
        item.add_marker(pytest.mark.flaky(reruns=RERUNS) if item.path.parent.name in OTHERS else blamed)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Of the one server that a test run shares. A test that stops or kills a server starts its own `Valkey`."""
    if url := os.environ.get("HITSTREAM_TEST_REDIS_URL"):
        yield url
    elif image := os.environ.get("HITSTREAM_TEST_REDIS_IMAGE"):
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.wait_strategies import LogMessageWaitStrategy

        ready = LogMessageWaitStrategy("Ready to accept connections")
        with DockerContainer(image).with_exposed_ports(6379).waiting_for(ready) as container:
            yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}"
    else:
        async with Valkey(tmp_path_factory.mktemp("valkey")) as valkey:
            yield valkey.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of an empty database. Afterwards every key must have a TTL or stand on the list of permanent ones."""
    async with Redis.from_url(
        redis_url, decode_responses=False, retry=Retry(NoBackoff(), 0), socket_timeout=None
    ) as client:
        await client.flushall()
        yield client
        assert not await immortal(client), "keys without a TTL that store.keys.PERMANENT does not name"


async def immortal(redis: Redis) -> list[str]:
    """The keys that would stay for ever and may not."""
    found = [key async for key in redis.scan_iter(count=1000)]
    async with redis.pipeline(transaction=False) as pipeline:
        for key in found:
            pipeline.ttl(key)
        ttls = await pipeline.execute()
    names = [key.decode(errors="backslashreplace") for key, ttl in zip(found, ttls, strict=True) if ttl == -1]
    return sorted(name for name in names if PARTITION_TAG.sub("", name, count=1) not in keys.PERMANENT)
