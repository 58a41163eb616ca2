"""The one consumer-group loop: entries of a stream to a function that applies them, each at least once.

Exactly once in effect is the function's part: it must change nothing when it is given an entry again. What the loop
adds: entries of consumers that died are claimed, entries that can never be applied go to the dead-letter stream with
their reason, and any failure of the function or of Redis is waited out, never passed over.

    XREADGROUP (own pending first, then new) -> apply -> poison to {p}:dead-letters -> XACK
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Any, Final

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from .keys import STREAM_CAP, PartitionKeys

BATCH: Final = 500
BLOCK_MS: Final = 1_000  # how long a read waits for new entries; also how soon a stop is noticed
CLAIM_AFTER_MS: Final = 60_000  # a consumer silent for so long is dead, and its entries are taken over
CLAIM_EVERY_S: Final = 15.0
DEADLINE_S: Final = 10.0  # for each call, beyond what it waits for entries
BACKOFF_S: Final = (0.1, 5.0)  # first and longest pause after a failure

log = logging.getLogger(__name__)


class StreamEntry(Struct, frozen=True):
    """`id` is the entry's in its stream ('1795439000000-0')."""

    id: str
    fields: Mapping[str, str]


class Poison(Struct, frozen=True):
    """An entry that can never be applied, and why."""

    entry: StreamEntry
    reason: str


class Unavailable(Exception):
    """What the entries are applied to cannot be reached now: the same entries are to be given again."""


Apply = Callable[[Sequence[StreamEntry]], Awaitable[Sequence[Poison]]]


class Consumer:
    """One member of a group, on one partition's stream."""

    def __init__(self, redis: Redis, partition: int, stream: str, group: str, name: str, *, batch: int = BATCH) -> None:
        """`name` should be the same after a restart: its pending entries are then found at once."""
        keys = PartitionKeys(partition)
        self.stream = keys.stream(stream)
        self.group = group
        self._name = name
        self._batch = batch
        self._dead_letters = keys.dead_letters
        self._redis: Any = redis  # what the stubs say a reply may be depends on settings that they do not know
        self._has_pending = True  # entries given out before, to this name, and not acknowledged
        self._claim_from = "0-0"
        self._claimed_at = 0.0

    async def run(self, apply: Apply) -> None:
        """Works until it is cancelled. `apply` gets entries in the stream's order and returns those that it refuses.

        `apply` raises Unavailable where it should be asked again; anything else that it raises ends the loop.
        """
        pause = BACKOFF_S[0]
        while True:
            try:
                async with asyncio.timeout(BLOCK_MS / 1000 + DEADLINE_S):
                    entries = await self._next()
                if entries:
                    poisons = await apply(entries)
                    async with asyncio.timeout(DEADLINE_S):
                        await self._settle(entries, poisons)
                pause = BACKOFF_S[0]
            except (Unavailable, RedisError, OSError, TimeoutError) as error:
                log.warning("the consumer group waits", extra={"group": self.group, "error": str(error)})
                self._has_pending = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, BACKOFF_S[1])

    async def lag(self) -> int:
        """Entries of the stream that the group has not acknowledged."""
        for group in await self._redis.xinfo_groups(self.stream):
            if group["name"] == self.group.encode():
                return int(group["pending"]) + int(group["lag"] or 0)
        return int(await self._redis.xlen(self.stream))

    async def _next(self) -> list[StreamEntry]:
        """Entries of this name first, then of consumers that died, then new ones."""
        if self._has_pending:
            entries = await self._read("0")
            self._has_pending = bool(entries)
            if entries:
                return entries
        if monotonic() - self._claimed_at > CLAIM_EVERY_S:
            return await self._claim()
        return await self._read(">")

    async def _read(self, after: str) -> list[StreamEntry]:
        try:
            found = await self._redis.xreadgroup(
                self.group, self._name, {self.stream: after}, count=self._batch, block=BLOCK_MS
            )
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            await self._create_group()  # at the first start, and where Redis came back empty
            return []
        return [stream_entry(id_, fields) for _, entries in found for id_, fields in entries]

    async def _claim(self) -> list[StreamEntry]:
        """Takes over a batch of what dead consumers left; done for this time when the cursor is back at the start."""
        self._claim_from, entries, *_ = await self._redis.xautoclaim(
            self.stream, self.group, self._name, CLAIM_AFTER_MS, start_id=self._claim_from, count=self._batch
        )
        if self._claim_from in (b"0-0", "0-0"):
            self._claimed_at = monotonic()
        return [stream_entry(id_, fields) for id_, fields in entries]

    async def _settle(self, entries: Sequence[StreamEntry], poisons: Sequence[Poison]) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            for poison in poisons:
                letter = {**poison.entry.fields, "dead:group": self.group, "dead:reason": poison.reason}
                letter |= {"dead:stream": self.stream, "dead:id": poison.entry.id}
                pipe.xadd(self._dead_letters, letter, maxlen=STREAM_CAP["dead_letters"], approximate=True)
            pipe.xack(self.stream, self.group, *(entry.id for entry in entries))
            await pipe.execute()

    async def _create_group(self) -> None:
        try:
            await self._redis.xgroup_create(self.stream, self.group, "0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise


def stream_entry(id_: bytes, fields: Mapping[bytes, bytes] | None) -> StreamEntry:
    """As Redis gives it. One that was trimmed while it was pending has no fields any more."""
    decoded = {name.decode(): value.decode(errors="replace") for name, value in (fields or {}).items()}
    return StreamEntry(id_.decode(), decoded)
