"""kill -9 in the middle of a stream of events, at random points: what was acknowledged is counted, and counted once.

Senders send each event until it is acknowledged, with its event_id, as a tracker does; so at the end every event must
stand exactly once in streams, counters, leaderboards and trail alike. The seed of a failing run is in its name.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.exceptions import RedisError

from store.buckets import DAY_MS
from tests.endtoend.serving import Server, serving
from tests.ingest.rig import clock, counted, everywhere
from tests.waiting import until

SENDERS = 4
KILLS = 20


class Traffic:
    """Batches of page views from several senders at once, each sent until it is acknowledged."""

    def __init__(self, server: Server, seed: int) -> None:
        self.acknowledged: Counter[str] = Counter()
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
            except (aiohttp.ClientError, OSError):
                pass
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            for sender in range(SENDERS):
                tasks.create_task(self.send(sender))
            yield
            self._stopping = True


async def _all_is_counted(server: Server, traffic: Traffic) -> None:
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


@pytest.mark.parametrize("seed", [20261123])
async def test_the_server_is_killed(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    async with serving(tmp_path / "data") as server:
        traffic = Traffic(server, seed)
        async with traffic.flowing():
            for _ in range(KILLS):
                await asyncio.sleep(draw.uniform(0.01, 0.5))
                await server.kill()
                await server.start()
        await _all_is_counted(server, traffic)


@pytest.mark.parametrize("seed", [20261124])
async def test_valkey_is_killed(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    async with serving(tmp_path / "data") as server:
        traffic = Traffic(server, seed)
        async with traffic.flowing():
            for _ in range(KILLS):
                await asyncio.sleep(draw.uniform(0.01, 0.5))
                await _kill_valkey(server)
        await _all_is_counted(server, traffic)


async def _kill_valkey(server: Server) -> None:
    async def killed() -> bool:
        try:
            await server.kill_valkey()
        except (RedisError, OSError):
            return False  # it is not back yet from the last time
        return True

    await until(killed, 30)


async def test_valkey_loses_the_end_of_its_file(tmp_path: Path) -> None:
    """Everything is killed at once and the append-only file loses its tail, as after a power cut."""
    draw = random.Random(7)
    async with serving(tmp_path / "data") as server:
        traffic = Traffic(server, 7)
        async with traffic.flowing():
            for _ in range(3):
                await asyncio.sleep(0.5)
                await server.kill()
                for file in (tmp_path / "data" / "valkey").glob("**/*.incr.aof"):
                    size = file.stat().st_size
                    with file.open("r+b") as tail:
                        tail.truncate(size - min(size, draw.randrange(1, 60_000)))
                await server.start()
        await _all_is_counted(server, traffic)
