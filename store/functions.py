"""The function library in Redis, loaded and wrapped with types: no other module calls FCALL or knows a reply's shape.

A call is one attempt. What a lost reply means is for the caller to decide by reading the fence; the client must be
made without automatic retries.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from .commit import Batch
from .keys import STREAM_CAP, PartitionKeys

LIBRARY: Final = "hitstream_v3"  # as in the first line of functions.lua

# What the server's set-max-intset-entries should be. DEDUP_FULL in functions.lua lies below it, and so the sets of
# event ids stay arrays of eight bytes each. One that is past it takes five times that.
INTSET_ENTRIES: Final = 8_192


class Applied(Struct, frozen=True):
    """The batch is in Redis and the fence stands at its end.

    lost: stream entries that were cut although a consumer group had not read them yet.
    notes: keys that were set aside and writes that failed, for the log.
    """

    lost: int
    notes: tuple[str, ...]


class Fenced(Struct, frozen=True):
    """Nothing was applied: the fence stands at `at`, not where the batch begins."""

    at: int


class Seen(Struct, frozen=True):
    """Nothing was applied: the ids at these positions of the batch were counted before."""

    positions: tuple[int, ...]


Reply = Applied | Fenced | Seen


class Functions:
    """The library's calls on one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def load(self) -> None:
        """Loads the library, replacing one of the same version."""
        source = files(__package__).joinpath("functions.lua").read_text()
        await self._redis.function_load(source, replace=True)

    async def fence(self, partition: PartitionKeys, journal: str) -> int:
        """The last sequence number that Redis has applied of this journal; 0 where it knows none."""
        return int(await self._redis.hget(partition.fences, journal) or 0)

    async def commit(self, batch: Batch) -> Reply:
        """Applies the batch, all of it or nothing."""
        reply = await self._call("commit", len(batch.keys), *batch.keys, batch.sections)
        match reply[0]:
            case b"ok":
                return Applied(reply[1], tuple(note.decode(errors="replace") for note in reply[2:]))
            case b"fence":
                return Fenced(int(reply[1]))
            case _:
                return Seen(tuple(reply[1:]))

    async def skip(self, partition: PartitionKeys, journal: str, previous: int, to: int, reason: str) -> bool:
        """Moves the fence over events that the journal cannot replay, and notes the gap in Redis.

        False where the fence does not stand at `previous`.
        """
        keys = (partition.fences, partition.gaps)
        return bool(await self._call("skip", 2, *keys, journal, previous, to, reason, STREAM_CAP["gaps"]))

    async def forget(self, partition: PartitionKeys, journal: str) -> None:
        """Deletes the fence of a journal that is gone for good."""
        await self._redis.hdel(partition.fences, journal)

    async def _call(self, name: str, keys: int, *args: str | bytes | int) -> Any:
        function = f"{LIBRARY}_{name}"
        try:
            return await self._redis.fcall(function, keys, *args)
        except ResponseError as error:
            # A Redis that was replaced or flushed of functions has not run anything: load and call again.
            if "Function not found" not in str(error):
                raise
            await self.load()
            return await self._redis.fcall(function, keys, *args)
