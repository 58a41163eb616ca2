"""Group commit: what is appended while a sync runs is written and synced together when it ends.

    loop    append -> gathering group ----> the flying group ----------------> waiters resume, on_durable(entries)
    thread                                  one write, one fdatasync -> one call back to the loop

There is no timer: an idle journal syncs at once, a busy one as often as the disk can, in groups as large as that needs.

Invariants: at most one group flies, so `seq`s are given at take-off and only landing moves them; a group that fails
leaves no hole in them. All of this object's state belongs to the loop; the thread has the appender while a group flies.

Costs: an append 1 us and its take-off another; a sync of an SSD 0.2 to 2 ms; memory two groups.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Final

from msgspec import Struct

from ingest.errors import JournalBroken, JournalBusy, JournalClosed, JournalFull
from store.event import Record

from . import directory, frame
from .appender import Appender, Disk, Place
from .backlog import Backlog, Damage, Entry, Retired, Segment

QUOTA_BYTES: Final = 2 << 30
SEGMENT_BYTES: Final = 64 << 20  # the grain in which disk is given back; 32 of them in a quota
GROUP_BYTES: Final = 8 << 20  # bounds the memory that waits for the disk; a single larger record passes

log = logging.getLogger(__name__)

Waiter = asyncio.Future[int]


class _Group(Struct):
    """What flies: numbered, with who waits for it. `last`: partition -> its highest seq in the group."""

    now: int
    buffers: list[bytes] = []
    entries: list[Entry] = []
    waiters: list[Waiter] = []
    last: dict[int, int] = {}


class Journal(Backlog):
    """This worker's journal. Made by `open`.

    events, groups: how many became durable. failed_at: when a group was last refused by the disk, epoch ms; 0: never.
    """

    def __init__(
        self,
        path: Path,
        appender: Appender,
        on_durable: Callable[[list[Entry]], None],
        on_damage: Callable[[Damage], None],
        clock: Callable[[], int],
        quota_bytes: int,
    ) -> None:
        super().__init__(path, on_damage)
        self.quota_bytes = quota_bytes
        self.events = 0
        self.groups = 0
        self.failed_at = 0
        self._appender = appender
        self._on_durable = on_durable
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._seed = frame.seed(self.id)
        self._gathering: list[tuple[int, bytes, int, int, Record | None, Waiter]] = []
        self._gathering_bytes = 0
        self._flying = False
        self._flying_bytes = 0
        self._closed = False
        self._landed = asyncio.Event()
        self._groups: SimpleQueue[_Group | None] = SimpleQueue()
        # A daemon, so that a process that ends without closing its journal does end; what then flies is unacknowledged.
        self._thread = Thread(target=self._serve, name=f"journal-{self.id}", daemon=True)
        self._thread.start()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        root: Path,
        *,
        on_durable: Callable[[list[Entry]], None],
        clock: Callable[[], int],
        on_damage: Callable[[Damage], None] = lambda _: None,
        quota_bytes: int = QUOTA_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        disk: Disk = os,
    ) -> AsyncIterator[Journal]:
        """A new journal under `root`; at the end what was appended is synced, and the journal left to be adopted.

        `on_durable` is called on the loop with the entries of each durable group, in order, and may not block.
        `clock` gives epoch milliseconds. Not to be kept open across a fork, which would share its lock.
        """
        path, lock = await asyncio.to_thread(directory.create, root, clock())
        with ExitStack() as owned:
            owned.callback(os.close, lock)
            appender = Appender(path, segment_bytes, disk)
            owned.callback(appender.close)
            journal = cls(path, appender, on_durable, on_damage, clock, quota_bytes)
            try:
                yield journal
            finally:
                # Where this wait is cancelled the thread may still be writing: then nobody may adopt the journal, and
                # no descriptor be used for something else, until the process has ended.
                kept = owned.pop_all()
                await journal._close()
                owned.push(kept)
            if not journal.end:  # nothing was ever in it
                with suppress(OSError):  # then it is adopted like any other
                    await asyncio.to_thread(directory.remove, path)

    @property
    def pending_bytes(self) -> int:
        """What waits to become durable; at most two groups."""
        return self._gathering_bytes + self._flying_bytes

    def append(self, partition: int, payload: bytes, count: int, record: Record | None = None) -> Waiter:
        """A future of the record's seq, done when its `count` events are durable; it fails when they are not kept.

        `record` is handed to `on_durable` in place of the payload. Whoever waits may be cancelled; the record is then
        appended all the same. Raises JournalClosed, JournalFull and JournalBusy, the future JournalFull and
        JournalBroken.
        """
        if self._closed:
            raise JournalClosed()
        frame.check_limits(partition, count, payload)
        size = frame.FRAME_BYTES + len(payload)
        if self.size_bytes + self._flying_bytes + self._gathering_bytes + size > self.quota_bytes:
            raise JournalFull("the journal's quota is used up")
        if self._gathering and self._gathering_bytes + size > GROUP_BYTES:
            raise JournalBusy("more events are waiting for the journal's disk than it takes at once")
        if not self._gathering and not self._flying:
            self._loop.call_soon(self._take_off)  # with what the rest of this turn of the loop appends
        waiter = self._loop.create_future()
        self._gathering.append((partition, payload, count, self._clock(), record, waiter))
        self._gathering_bytes += size
        return waiter

    async def retire(self, fences: Mapping[int, int], now: int) -> Retired:
        """Deletes the segments that have expired. `fences`: partition -> its fence in Redis. Never `gone`."""
        expired = self._expired(fences, now)
        if expired and len(expired) == len(self.segments):
            if not self._flying:
                self._appender.leave()
            else:  # into this very segment, most likely
                expired.pop()
        await self._delete(expired)
        return Retired(len(expired), sum(segment.end - segment.start for segment in expired), gone=False)

    def _take_off(self) -> None:
        gathered, self._gathering = self._gathering, []
        self._flying_bytes, self._gathering_bytes = self._gathering_bytes, 0
        group = _Group(self._clock())
        for partition, payload, count, received_at, record, waiter in gathered:
            seq = group.last.get(partition, self.durable(partition)) + count
            group.last[partition] = seq
            group.buffers += (frame.frame_header(self._seed, partition, count, seq, received_at, payload), payload)
            group.entries.append(Entry(partition, seq, count, received_at, payload if record is None else b"", record))
            group.waiters.append(waiter)
        self._flying = True
        self._groups.put(group)

    def _land(self, group: _Group, outcome: Place | JournalFull | JournalBroken) -> None:
        self._flying = False
        self._flying_bytes = 0
        if isinstance(outcome, Place):
            self._grow(group, outcome)
            for entry, waiter in zip(group.entries, group.waiters, strict=True):
                if not waiter.done():
                    waiter.set_result(entry.seq)
        else:
            self.failed_at = group.now
            for waiter in group.waiters:
                if not waiter.done():
                    waiter.set_exception(_copy(outcome))
        if self._gathering:
            self._take_off()  # before anything else: the disk works meanwhile
        self._landed.set()
        if isinstance(outcome, Place):
            self._on_durable(group.entries)

    def _grow(self, group: _Group, place: Place) -> None:
        closed, last = self.segments, group.last
        if closed and closed[-1].start == place.segment:
            closed, last = closed[:-1], {**closed[-1].last, **last}
        self._replace((*closed, Segment(place.segment, place.end, last)))
        self.events += sum(entry.count for entry in group.entries)
        self.groups += 1

    async def _close(self) -> None:
        self._closed = True
        while self._gathering or self._flying:
            self._landed.clear()
            await self._landed.wait()
        self._groups.put(None)
        self._thread.join()  # it has nothing left to do

    def _serve(self) -> None:
        """The thread: writes one group after the other."""
        while (group := self._groups.get()) is not None:
            try:
                self._loop.call_soon_threadsafe(self._land, group, self._write(group))
            except RuntimeError:  # the loop has ended without closing the journal: nobody waits any more
                return
            del group  # and with it the bytes, while there is nothing to do

    def _write(self, group: _Group) -> Place | JournalFull | JournalBroken:
        try:
            return self._appender.write(b"".join(group.buffers), group.now)
        except (JournalFull, JournalBroken) as refusal:
            return refusal
        except Exception as failure:  # whatever it is: were the thread to die, its waiters would wait for ever
            log.exception("a group of the journal was not written")
            self._appender.give_up()
            broken = JournalBroken("the journal could not be written")
            broken.__cause__ = failure
            return broken


def _copy(refusal: JournalFull | JournalBroken) -> JournalFull | JournalBroken:
    """One of its own for each waiter: raising an exception writes to it."""
    copy = type(refusal)(refusal.message)
    copy.__cause__ = refusal.__cause__
    return copy
