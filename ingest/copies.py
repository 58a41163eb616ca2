"""Copies of refused events, kept for the people who have to find out why: the capped stream `rejected`.

They are a diagnosis, not data: bounded in memory, written behind, and dropped (and counted) while Redis is away.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import orjson
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from store.keys import STREAM_CAP, PartitionKeys, partition_of

from .decode import Undecodable
from .metrics import Metrics
from .rejection import Rejection

HELD: Final = 1_000  # copies in memory: two seconds of a busy flood
COPY_BYTES: Final = 1_024  # of the event, encoded; enough to see what is wrong with it
WRITE_EVERY_S: Final = 0.5
DEADLINE_S: Final = 5.0

log = logging.getLogger(__name__)


class Copy(Struct, frozen=True):
    site: str
    at: int
    code: str
    message: str
    event: bytes


class Copies:
    """Takes copies at once and writes them behind, as long as `run` runs."""

    def __init__(self, redis: Redis, partitions: int, metrics: Metrics) -> None:
        self._redis = redis
        self._partitions = partitions
        self._metrics = metrics
        self._held: deque[Copy] = deque()

    def keep(self, site: str, rejections: Sequence[Rejection], items: Sequence[object], now: int) -> None:
        """`items` are the request's events as they were decoded, by index."""
        for rejection in rejections:
            if len(self._held) >= HELD:
                self._metrics.copies_dropped.inc()
                continue
            self._held.append(Copy(site, now, rejection.code, rejection.message, _excerpt(items[rejection.index])))

    async def run(self) -> None:
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            await self.flush()

    async def flush(self) -> None:
        """Writes what is held; also for a worker that ends."""
        if not self._held:
            return
        copies, self._held = self._held, deque()
        try:
            await self._write(copies)
        except (RedisError, OSError, TimeoutError) as error:
            self._metrics.copies_dropped.inc(len(copies))
            log.info("copies of refused events were not written", extra={"error": str(error)})

    async def _write(self, copies: deque[Copy]) -> None:
        async with asyncio.timeout(DEADLINE_S), self._redis.pipeline(transaction=False) as pipe:
            for copy in copies:
                stream = PartitionKeys(partition_of(copy.site, self._partitions)).rejected
                fields: dict[Any, Any] = {
                    "site": copy.site,
                    "timestamp": copy.at,
                    "code": copy.code,
                    "message": copy.message,
                    "event": copy.event,
                }
                pipe.xadd(stream, fields, maxlen=STREAM_CAP["rejected"], approximate=True)
            await pipe.execute()


def _excerpt(item: object) -> bytes:
    """How the event begins."""
    if isinstance(item, Undecodable):
        return item.excerpt
    if isinstance(item, dict) and "address" in item:  # the visitor's, which is kept nowhere
        item = {name: value for name, value in item.items() if name != "address"}
    try:
        return orjson.dumps(item)[:COPY_BYTES]
    except TypeError:  # integers beyond 64 bits, or nested too deep to encode
        return b""
