"""A projector of orders as a process of its own, for tests that kill it.

python -m tests.commerce.projecting REDIS_URL POSTGRES_URL BATCH
"""

from __future__ import annotations

import asyncio
import sys

from redis.asyncio import Redis

from commerce.database import Database
from commerce.projector import GROUP, STREAM
from store import consumer as consuming
from store.consumer import Consumer
from tests.commerce.shop import projector


async def main(redis_url: str, postgres_url: str, batch: str) -> None:
    consuming.BLOCK_MS = 20  # type: ignore[misc]  # a test should not wait
    async with Redis.from_url(redis_url, socket_timeout=None) as redis, Database(postgres_url) as database:
        await Consumer(redis, 0, STREAM, GROUP, "child", batch=int(batch)).run(projector(database).apply)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
