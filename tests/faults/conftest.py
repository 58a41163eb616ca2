"""What the tests of faults share: a way past the client to the shared Redis, for a proxy to stand on."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import UnixDomainSocketConnection

from tests.proxy import Connect


@pytest.fixture
def reach(redis: Redis) -> Connect:
    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        settings = redis.connection_pool.connection_kwargs
        if issubclass(redis.connection_pool.connection_class, UnixDomainSocketConnection):
            return await asyncio.open_unix_connection(settings["path"])
        return await asyncio.open_connection(settings["host"], settings["port"])

    return connect
