"""A projector as a process of its own, for tests that kill it.

    python -m tests.social.projecting REDIS_URL MONGO_URL BATCH [plain]

`plain`: as on a server without transactions.
"""

from __future__ import annotations

import asyncio
import sys

from msgspec.structs import replace
from redis.asyncio import Redis

from social.database import Database
from social.projector import GROUP, STREAM
from store import consumer as consuming
from store.consumer import Consumer
from tests.social.acting import projector


async def main(redis_url: str, mongo_url: str, batch: str, *plain: str) -> None:
    consuming.BLOCK_MS = 20  # type: ignore[misc]  # a test should not wait
    consuming.BACKOFF_S = (0.02, 0.2)  # type: ignore[misc]
    async with Redis.from_url(redis_url, socket_timeout=None) as redis, Database(mongo_url) as database:
        if plain:
            database._capabilities = replace(await database.capabilities(), transactions=False)
        await Consumer(redis, 0, STREAM, GROUP, "child", batch=int(batch)).run(projector(database, redis).apply)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
