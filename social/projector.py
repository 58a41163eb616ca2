"""The projector of the network: entries of the events stream to documents in MongoDB, each exactly once in effect.

    read the position -> the stream after it -> actions -> load, let them happen -> write all and the new position

The consumer group says that there is something to do, and how far. What is done is read from the stream itself, from
the position that the database holds (`social.writing`) on, in the stream's order. So it does not matter which entries
the group gave to whom, in which order, or whether it was told that they were done before the database lost them: edges
and counters are always those of the stream up to the position. Only one projector moves it at a time.

    killed before the write      the position stands; the same entries are read again
    killed within it             `social.writing`: both or neither, or a plan to be carried out
    killed after it              the group gives entries at or before the position again: nothing is done for them
    the database lost its tail   the position is as old as the edges are; the stream is read again from there
    the database is empty        it is filled with what the stream still holds
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from store.consumer import Consumer, Poison, StreamEntry, Unavailable, stream_entry
from store.keys import PartitionKeys

from .actions import Refused, Sent, entry_id, position, read
from .database import Database
from .effects import happen
from .errors import NetworkUnavailable
from .interests import Interests
from .loading import load
from .metrics import Metrics
from .working_set import Key, WorkingSet
from .writing import Unwritable, Writer

log = logging.getLogger(__name__)

STREAM: Final = "user_events"
GROUP: Final = "social"

AT_ONCE: Final = 500  # entries in a transaction: it should last well below a second
READ_S: Final = 10.0
LAG_EVERY_S: Final = 5.0


class Projector:
    """`apply` is what `store.consumer.Consumer` is run with. Events of other sites than `site` are passed over."""

    def __init__(
        self,
        database: Database,
        redis: Redis,
        site: str,
        partition: int,
        metrics: Metrics,
        interests: Interests | None = None,
    ) -> None:
        self._database = database
        self._redis: Any = redis  # what the stubs say a reply may be depends on settings that they do not know
        self._stream = PartitionKeys(partition).stream(STREAM)
        self._site = site
        self._metrics = metrics
        self._interests = interests
        self._writer = Writer(database)
        self._written = 0  # where the database stood when it was written last
        self._seen = 0  # as far as there was nothing more to write

    async def apply(self, entries: Sequence[StreamEntry]) -> Sequence[Poison]:
        """Brings the network up to the last of the entries; returns those that never can be. Raises `Unavailable`."""
        poisons = [
            Poison(entry, reason) for entry in entries if (reason := _refusal(entry.fields, self._site, entry.id))
        ]
        try:
            poisons += await self._catch_up(max(position(entry.id) for entry in entries))
        except NetworkUnavailable as error:
            raise Unavailable(error.message) from error
        for poison in poisons:
            self._metrics.refused.inc()
            log.warning("an action was refused", extra={"entry": poison.entry.id, "reason": poison.reason})
        return poisons

    async def _catch_up(self, until: int) -> list[Poison]:
        """Those that only the network's state refuses are returned by whoever writes past them."""
        written = await self._writer.position()
        seen = max(written, self._seen) if written == self._written else written
        poisons: list[Poison] = []
        while seen < until:
            entries = await self._after(seen, until)
            if not entries:
                break
            seen = position(entries[-1].id)
            actions = [sent for entry in entries if (sent := _action(entry, self._site))]
            if actions:
                poisons += await self._project(actions, written, seen)
                written = seen
        self._written, self._seen = written, seen
        return poisons

    async def _after(self, seen: int, until: int) -> list[StreamEntry]:
        async with asyncio.timeout(READ_S):
            found = await self._redis.xrange(self._stream, f"({entry_id(seen)}", entry_id(until), count=AT_ONCE)
        return [stream_entry(id_, fields) for id_, fields in found]

    async def _project(self, actions: Sequence[Sent], since: int, until: int) -> list[Poison]:
        """A document that MongoDB does not take spoils its whole batch: then each half is written by itself."""
        loaded: dict[Key, Struct | None] = {}
        while True:
            network = WorkingSet(loaded)
            refused = happen(network, actions)
            if not network.missed:
                break
            loaded |= await load(self._database, network.missed)
        if network.liked and self._interests:
            await self._interests.note(network.liked)
        try:
            await self._writer.write(network.writes(), since, until)
        except Unwritable as error:
            if len(actions) == 1:
                await self._writer.write(WorkingSet({}).writes(), since, until)
                return [_poison(actions[0], str(error))]
            middle = len(actions) // 2
            between = actions[middle - 1].position
            first = await self._project(actions[:middle], since, between)
            return first + await self._project(actions[middle:], between, until)
        self._metrics.happened(network.applied, network.ignored)
        return [_poison(sent, reason) for sent, reason in refused]


async def watch_lag(consumer: Consumer, metrics: Metrics) -> None:
    """Keeps the gauge of how much of the stream is still to be done."""
    while True:
        try:
            async with asyncio.timeout(READ_S):
                metrics.lag.set(await consumer.lag())
        except (RedisError, OSError, TimeoutError) as error:  # the consumer itself tells that Redis is away
            log.debug("the lag is not known", extra={"error": str(error)})
        await asyncio.sleep(LAG_EVERY_S)


def _action(entry: StreamEntry, site: str) -> Sent | None:
    try:
        return read(entry.fields, site, position(entry.id))
    except Refused:  # told where the group gives the entry
        return None


def _refusal(fields: Mapping[str, str], site: str, id_: str) -> str | None:
    try:
        read(fields, site, position(id_))
    except Refused as refused:
        return str(refused)
    return None


def _poison(sent: Sent, reason: str) -> Poison:
    fields = {"user_id": sent.actor, "name": sent.name, "properties": sent.properties}
    return Poison(StreamEntry(entry_id(sent.position), fields), reason)
