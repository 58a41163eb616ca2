"""Everything that carries journals into Redis: the worker's own, and those that ended workers left behind.

    own journal ----- on_durable --> lanes (one a partition) --> commit
    orphans     ----- adopted -----> lanes, reading from disk --> commit --> deleted
    past        ----- recalled ----> what Redis lost of journals that are gone is named as a gap

An orphan is a journal whose lock is free: its worker ended, however.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from redis.exceptions import RedisError

from store.commit import Planner
from store.functions import Functions
from store.keys import PartitionKeys

from .journal import Backlog, Damage, Entry, Journal, Orphan, journals, past
from .lane import Lane
from .metrics import Metrics

RETIRE_EVERY_S: Final = 15.0
ADOPT_EVERY_S: Final = 5.0
FENCE_DEADLINE_S: Final = 5.0

log = logging.getLogger(__name__)


class Forwarder:
    """One worker's. `run` works until it is cancelled.

    `root` holds the journals of all workers of the machine.
    """

    def __init__(
        self,
        root: Path,
        functions: Functions,
        planner: Planner,
        metrics: Metrics,
        clock: Callable[[], int],
    ) -> None:
        self._root = root
        self._functions = functions
        self._planner = planner
        self._metrics = metrics
        self._clock = clock
        self._lanes: list[Lane] = []
        self._adopted: dict[str, list[Lane]] = {}

    @property
    def behind(self) -> int:
        """Events that are durable here and not known to be in Redis, those of adopted journals included."""
        return sum(lane.behind for lanes in (self._lanes, *self._adopted.values()) for lane in lanes)

    def offer(self, entries: Sequence[Entry]) -> None:
        """Takes what the worker's own journal has just made durable."""
        for entry in entries:
            self._lanes[entry.partition].offer(entry)

    async def applied(self, partition: int, seq: int) -> None:
        """Returns when the event `seq` of the worker's own journal is in Redis."""
        await self._lanes[partition].applied(seq)

    async def drain(self) -> None:
        """Returns when all that the worker's own journal holds is in Redis."""
        for lane in self._lanes:
            await lane.applied(lane.end)

    async def run(self, journal: Journal) -> None:
        """Forwards `journal`, and every orphan that it finds."""
        self._lanes = self._lanes_of(journal)
        async with asyncio.TaskGroup() as tasks:
            for lane in self._lanes:
                tasks.create_task(lane.run(), name=f"lane {lane.partition} of {journal.id}")
            tasks.create_task(self._retire(journal, self._lanes), name=f"retire {journal.id}")
            tasks.create_task(self._adopt(tasks), name="adopt orphans")
            tasks.create_task(self._recall(), name="recall gone journals")

    def note_damage(self, damage: Damage) -> None:
        self._metrics.damaged.labels(damage.reason).inc()

    def _lanes_of(self, journal: Backlog) -> list[Lane]:
        return [
            Lane(journal, partition, self._functions, self._planner, self._metrics, self._clock)
            for partition in range(self._planner.partitions)
        ]

    async def _retire(self, journal: Journal | Orphan, lanes: list[Lane]) -> bool:
        """Deletes what has expired, again and again; returns when the whole journal is gone."""
        while True:
            await asyncio.sleep(RETIRE_EVERY_S)
            fences = await self._fences(journal, lanes)
            try:
                retired = await journal.retire(fences, self._clock())
            except OSError as error:
                log.error("the journal could not delete what has expired", extra={"error": str(error)})
                continue
            if retired.gone:
                return True

    async def _fences(self, journal: Backlog, lanes: list[Lane]) -> dict[int, int]:
        """What Redis says that it has, by partition; nothing where it does not answer.

        What it had before it went away does not count: it may come back without its last seconds, however long after.
        """
        try:
            async with asyncio.timeout(FENCE_DEADLINE_S):
                return {
                    lane.partition: await self._functions.fence(PartitionKeys(lane.partition), journal.id)
                    for lane in lanes
                }
        except (RedisError, OSError, TimeoutError):
            return {}

    async def _adopt(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            for id_ in journals(self._root):
                if id_ in self._adopted:
                    continue
                try:
                    orphan = await asyncio.to_thread(Orphan.adopt, self._root, id_, self.note_damage)
                except OSError as error:
                    log.error("an orphaned journal cannot be read", extra={"journal": id_, "error": str(error)})
                    continue
                if orphan is not None:
                    log.info("adopted the journal of an ended worker", extra={"journal": id_})
                    self._metrics.adopted.inc()
                    self._adopted[id_] = self._lanes_of(orphan)
                    tasks.create_task(self._carry(orphan), name=f"orphan {id_}")
            await asyncio.sleep(ADOPT_EVERY_S)

    async def _carry(self, orphan: Orphan) -> None:
        """Forwards an orphan until nothing is left of it."""
        lanes = self._adopted[orphan.id]
        running = [asyncio.create_task(lane.run(), name=f"lane {lane.partition} of {orphan.id}") for lane in lanes]
        try:
            await self._retire(orphan, lanes)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            orphan.close()
            del self._adopted[orphan.id]

    async def _recall(self) -> None:
        """Compares what is remembered of journals that are gone with what Redis has of them, again and again.

        Costs one read a journal of the last 30 days: a worker leaves one at each of its starts.
        """
        while True:
            await asyncio.sleep(RETIRE_EVERY_S)
            try:
                present = set(await asyncio.to_thread(journals, self._root))
                for journal, ends in (await asyncio.to_thread(past.notes, self._root)).items():
                    if journal not in present:
                        await self._compare(journal, ends)
            except (RedisError, OSError, TimeoutError) as error:
                log.info("gone journals are compared later", extra={"error": str(error) or type(error).__name__})

    async def _compare(self, journal: str, ends: Mapping[int, int]) -> None:
        """Names what Redis lacks of a journal that is gone; one from long ago is forgotten, and its fences too."""
        is_old = self._clock() - past.began_at(journal) > past.KEEP_PAST_MS
        for partition, end in ends.items():
            keys = PartitionKeys(partition)
            async with asyncio.timeout(FENCE_DEADLINE_S):
                if is_old:
                    await self._functions.forget(keys, journal)
                    continue
                fence = await self._functions.fence(keys, journal)
                if fence < end and await self._functions.skip(keys, journal, fence, end, "missing"):
                    self._metrics.gap_events.labels("missing").inc(end - fence)
                    gap = {"journal": journal, "after": fence, "to": end, "reason": "missing"}
                    log.error("events lost", extra=gap)
        if is_old:
            await asyncio.to_thread(past.forget, self._root, journal)
