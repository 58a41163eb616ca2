"""A whole worker in this process on a cluster, a site in each of its partitions, and senders that keep count."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web
from redis.asyncio import Redis

from hitstream.app import application
from hitstream.config import Config, SiteConfig
from hitstream.deployment import resolve
from store.buckets import bucket
from store.keys import SiteKeys, partition_of
from tests.waiting import until

PARTITIONS: Final = 8
BATCH: Final = 5  # events a request
PAUSE_S: Final = 0.02  # between two requests of a site
UTC: Final = ZoneInfo("UTC")  # as sites have it that say nothing else

SITES: Final = {partition_of(name, PARTITIONS): name for name in (f"site-{number}" for number in range(100))}
"""A site of each partition."""


class Worker:
    """`sent`: events by site that were answered with a 202."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.sent: Counter[str] = Counter()
        self._session = session
        self._began_ms = int(time.time() * 1000)

    async def send(self, site: str, events: int = BATCH) -> None:
        body = [{"type": "page_view", "page_url": f"https://{site}.example/", "user_id": "u"}] * events
        async with self._session.post(self.url + "/v1/events", json=body, headers=_key("hw", site)) as reply:
            assert reply.status == 202, await reply.text()
        self.sent[site] += events

    async def send_refused(self, site: str) -> None:
        """One event that cannot be taken."""
        async with self._session.post(self.url + "/v1/event", json={}, headers=_key("hw", site)) as reply:
            assert reply.status == 400

    @asynccontextmanager
    async def load(self, *sites: str) -> AsyncIterator[None]:
        """Sends for the sites, or for all, while the block lasts."""

        async def keep_sending(site: str) -> None:
            while not done.is_set():
                await self.send(site)
                await asyncio.sleep(PAUSE_S)

        done = asyncio.Event()
        async with asyncio.TaskGroup() as senders:
            for site in sites or SITES.values():
                senders.create_task(keep_sending(site))
            try:
                yield
            finally:
                done.set()

    async def ask(self, site: str, path: str = "/v1/metrics/realtime") -> tuple[int, Any]:
        async with self._session.get(self.url + path, headers=_key("hr", site)) as reply:
            return reply.status, await reply.json()

    async def metric(self, name: str) -> float:
        async with self._session.get(self.url + "/metrics") as reply:
            lines = (await reply.text()).splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith((name + " ", name + "{")))

    async def counted(self, redis: Redis, site: str) -> dict[str, int]:
        """How often the site's page views are in Redis, by each structure that counts them."""
        client: Any = redis
        keys = SiteKeys(site, PARTITIONS)
        now_ms = int(time.time() * 1000)
        days = {bucket(UTC, at).day for at in (self._began_ms, now_ms)}
        hours = range(self._began_ms // 3_600_000, now_ms // 3_600_000 + 1)
        boards = [await client.zrange(keys.top_day("pages", day), 0, -1, withscores=True) for day in days]
        return {
            "counter": sum([int(await client.hget(keys.count("page_views", day), "total") or 0) for day in days]),
            "stream": await client.xlen(keys.partition.stream("page_views")),
            "board": int(sum(score for board in boards for _, score in board)),
            "trail": sum([await client.strlen(keys.trail(hour)) for hour in hours]) // 24,
        }

    async def all_is_counted(self, redis: Redis) -> None:
        """What was acknowledged, all of it and once, everywhere."""

        async def nothing_is_behind() -> bool:
            return await self.metric("hitstream_backlog_events") == 0

        await until(nothing_is_behind, 30)
        for site, sent in self.sent.items():
            assert await self.counted(redis, site) == dict.fromkeys(("counter", "stream", "board", "trail"), sent)


@asynccontextmanager
async def working(redis_url: str, directory: Path, **settings: Any) -> AsyncIterator[Worker]:
    sites = {name: SiteConfig(write=_word("hw", name), read=_word("hr", name)) for name in SITES.values()}
    config = Config(data_dir=str(directory), redis_url=redis_url, partitions=PARTITIONS, sites=sites, **settings)
    async with application(resolve(config, redis_url)) as app:
        runner = web.AppRunner(app, access_log=None, auto_decompress=False)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            async with aiohttp.ClientSession() as session:
                yield Worker(f"http://{host}:{port}", session)
        finally:
            await runner.cleanup()


def _word(kind: str, site: str) -> str:
    return f"{kind}_{site}_0123456789"


def _key(kind: str, site: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {_word(kind, site)}"}
