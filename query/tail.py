"""The newest entries of a partition's four streams, as they arrive: one connection, however many are interested.

Nothing is promised here: it begins with what comes next, and after a failure, or where it cannot keep up, it begins
again. What must see every event is a consumer group (`store.consumer`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from store.keys import STREAM_OF, PartitionKeys

BLOCK_MS: Final = 1_000  # below any socket timeout that a client is likely to have
DEADLINE_S: Final = 5.0
COUNT: Final = 500  # entries of a stream at once: about 5 ms of work
FULL_REPLIES: Final = 20  # so many in a row, and the reader is behind for good: 10,000 entries
PAUSE_S: Final = 1.0  # after a failure

Entry = Mapping[bytes, bytes]

log = logging.getLogger(__name__)


def cancelled() -> bool:
    """Whether the running task was cancelled, even where the exception got lost on its way.

    Up to Python 3.11 `asyncio.wait_for`, which the client writes with, swallows one that arrives as it finishes. So a
    loop around Redis asks.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Tail:
    """Calls `publish` with the type and the fields of every new entry, and `skipped` where it passed over some."""

    def __init__(
        self,
        redis: Redis,
        keys: PartitionKeys,
        publish: Callable[[str, Entry], None],
        skipped: Callable[[], None],
    ) -> None:
        self._redis = redis
        self._types = {keys.stream(stream).encode(): type_ for type_, stream in STREAM_OF.items()}
        self._publish = publish
        self._skipped = skipped

    async def run(self) -> None:
        """Until it is cancelled."""
        again = False
        while not cancelled():
            try:
                positions = await self._ends()
                if again:
                    self._skipped()
                again = True
                await self._follow(positions)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("the live tail lost redis", extra={"error": str(error) or type(error).__name__})
                await asyncio.sleep(PAUSE_S)

    async def _ends(self) -> dict[bytes, bytes]:
        """The last id of each stream. Asked for by name: `$` would miss what is added between two reads."""
        async with asyncio.timeout(DEADLINE_S), self._redis.pipeline(transaction=False) as pipeline:
            for key in self._types:
                pipeline.xrevrange(key, count=1)
            newest = await pipeline.execute()
        return {key: entries[0][0] if entries else b"0-0" for key, entries in zip(self._types, newest, strict=True)}

    async def _follow(self, positions: dict[bytes, bytes]) -> None:
        """Returns when it is too far behind to catch up, or cancelled."""
        full = 0
        while full < FULL_REPLIES and not cancelled():
            async with asyncio.timeout(DEADLINE_S):
                reply: Any = await self._redis.xread(positions, COUNT, BLOCK_MS)  # type: ignore[arg-type]  # invariant
            longest = 0
            for key, entries in reply:
                positions[key] = entries[-1][0]
                longest = max(longest, len(entries))
                for _, fields in entries:
                    self._publish(self._types[key], fields)
            full = full + 1 if longest == COUNT else 0
