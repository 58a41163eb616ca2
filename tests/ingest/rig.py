"""A journal, a forwarder and a Redis wired together, as one worker has them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ingest.forwarder import Forwarder
from ingest.journal import Journal
from ingest.metrics import Metrics
from store.commit import Planner
from store.event import Event, Record, encode
from store.functions import Functions
from store.keys import PartitionKeys, SiteKeys, partition_of
from store.site import Site
from tests.store.batches import IDENTITY
from tests.waiting import cancelled, until

KEYS = SiteKeys("demo", 1)


def clock() -> int:
    return int(time.time() * 1000)


class Rig:
    """`counted` reads what Redis has; everything else is what a worker does."""

    def __init__(
        self, redis: Redis, journal: Journal, forwarder: Forwarder, registry: CollectorRegistry, partitions: int
    ) -> None:
        self.partitions = partitions
        self.redis = redis
        self.journal = journal
        self.forwarder = forwarder
        self.registry = registry

    async def send(self, *events: Event, site: str = "demo") -> None:
        """Returns when they are acknowledged."""
        record = Record(site, list(events))
        partition = partition_of(site, self.partitions)
        await self.journal.append(partition, encode(record), len(events), record)

    async def drained(self) -> None:
        await until(lambda: self.forwarder.behind == 0)

    async def fence(self) -> int:
        return await Functions(self.redis).fence(PartitionKeys(0), self.journal.id)

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def rig(redis_url: str, root: Path, *, now: Callable[[], int] = clock, partitions: int = 1) -> AsyncIterator[Rig]:
    """`redis_url`: where the forwarder finds Redis, a proxy perhaps."""
    registry = CollectorRegistry()
    async with Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=None) as redis:
        planner = Planner({"demo": Site("demo")}, IDENTITY, partitions)
        forwarder = Forwarder(root, Functions(redis), planner, Metrics(registry), now)
        async with Journal.open(
            root, on_durable=forwarder.offer, clock=now, on_damage=forwarder.note_damage
        ) as journal:
            running = asyncio.create_task(forwarder.run(journal))
            try:
                yield Rig(redis, journal, forwarder, registry, partitions)
            finally:
                await cancelled(running)


async def counted(redis: Any, day: str) -> dict[str, int]:
    """How often the page views of a day were counted, by each structure that counts them."""
    board = await redis.zrange(KEYS.top_day("pages", day), 0, -1, withscores=True)
    trails = [await redis.strlen(key) async for key in redis.scan_iter("{p0}:demo:trail:*")]
    return {
        "counter": int(await redis.hget(KEYS.count("page_views", day), "total") or 0),
        "stream": await redis.xlen("{p0}:page_views"),
        "board": int(sum(score for _, score in board)),
        "trail": sum(trails) // 24,
    }


def everywhere(events: int) -> dict[str, int]:
    return dict.fromkeys(("counter", "stream", "board", "trail"), events)
