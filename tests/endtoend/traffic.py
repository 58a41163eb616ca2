"""Page views sent to a whole server, each until it is acknowledged; and the check that each is counted once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
from redis.exceptions import RedisError

from store.buckets import DAY_MS
from tests.endtoend.serving import Server
from tests.ingest.rig import clock, counted, everywhere
from tests.waiting import until

SENDERS = 4


class Traffic:
    """Batches of page views from several senders at once, each sent until it is acknowledged.

    acknowledged: page -> how often. refused: how many requests were told to come again.
    """

    def __init__(self, server: Server, seed: int) -> None:
        self.acknowledged: Counter[str] = Counter()
        self.refused = 0
        self.at = clock() // DAY_MS * DAY_MS  # today, whatever the hour
        self._server = server
        self._draw = random.Random(seed)
        self._stopping = False

    async def send(self, sender: int) -> None:
        async with aiohttp.ClientSession() as session:
            number = 0
            while not self._stopping:
                pages = [
                    f"https://shop.example/{self._draw.randrange(50)}" for _ in range(self._draw.choice((1, 3, 20)))
                ]
                batch = [
                    {
                        "type": "page_view",
                        "event_id": f"{sender}-{number}-{place}",
                        "user_id": f"user {self._draw.randrange(30)}",
                        "page_url": page,
                        "timestamp": self.at,
                    }
                    for place, page in enumerate(pages)
                ]
                number += 1
                await self._until_acknowledged(session, batch)
                self.acknowledged.update(pages)

    async def _until_acknowledged(self, session: aiohttp.ClientSession, batch: list[dict[str, Any]]) -> None:
        while True:
            try:
                headers = {"X-Write-Key": self._server.key("write")}
                async with session.post(self._server.url + "/v1/events", json=batch, headers=headers) as reply:
                    if reply.status == 202:
                        assert (await reply.json())["accepted"] == len(batch)
                        return
                    assert reply.status == 503, await reply.text()
                    assert int(reply.headers["Retry-After"]) > 0
                    self.refused += 1
            except (aiohttp.ClientError, OSError):
                pass
            await asyncio.sleep(0.01)

    async def more(self, events: int) -> None:
        """Returns when so many more events are acknowledged."""
        enough = self.acknowledged.total() + events
        await until(lambda: self.acknowledged.total() >= enough, 60)

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            for sender in range(SENDERS):
                tasks.create_task(self.send(sender))
            yield
            self._stopping = True


async def all_is_counted(server: Server, traffic: Traffic) -> None:
    day = datetime.fromtimestamp(traffic.at / 1000, UTC).date().isoformat()
    sent = traffic.acknowledged.total()
    async with server.redis() as redis:

        async def caught_up() -> bool:
            try:
                return (await counted(redis, day))["stream"] >= sent
            except (RedisError, OSError):
                return False  # it is on its way back

        await until(caught_up, 60)
        assert await counted(redis, day) == everywhere(sent)
        board: Any = await redis.zrange(f"{{p0}}:demo:top:pages:d:{day}", 0, -1, withscores=True)
        assert {page.decode(): int(score) for page, score in board} == traffic.acknowledged
