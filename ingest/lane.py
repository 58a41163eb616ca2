"""One partition of one journal on its way into Redis, in order, each event once.

A lane holds what it knows of the fence as `position`: everything up to it is in Redis. It commits what follows; the
function refuses a batch that does not begin where the fence stands, so a batch can be sent again after any doubt and
is applied once. After a doubt (a timeout, a lost connection, a refusal, a second without work) it reads the fence:

    fence == position    nothing happened meanwhile
    fence >  position    a commit whose reply was lost did run: go on behind it
    fence <  position    Redis lost its tail, or all: go back and read the journal again from the fence

Where there is enough, two batches are on their way, so that Redis finds the next when it has done one. The fence keeps
them in order: the second is refused unless the first was applied, and then it is sent again.

Entries come from memory as the journal makes them durable. Where memory's bound is passed, or at a start, they come
from disk, until the lane has caught up with the journal's end: then from memory again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count, dropwhile
from typing import Final

from msgspec import DecodeError, Struct
from redis.exceptions import RedisError

from store.commit import Batch, Planner, Span
from store.event import Record, decode
from store.functions import Applied, Fenced, Functions, Reply, Seen
from store.keys import PartitionKeys

from .journal import Backlog, Entry, Reader
from .metrics import Metrics

BATCH_EVENTS: Final = 1_000  # a commit of this size holds Redis for some 20 ms; larger ones save little
GATHER_S: Final = 0.01  # between the beginnings of two commits: each costs some 0.4 ms, whatever is in it
QUEUE_EVENTS: Final = 20_000  # in memory, about 1 KiB an event; what comes on top is read from disk
REFILL_BELOW: Final = 2 * BATCH_EVENTS  # read on while Redis has a batch to work on, and the next can still be made
READ_BYTES: Final = 1 << 20  # from disk at once: a few thousand events
COMMIT_DEADLINE_S: Final = 10.0  # a Redis that takes longer is in doubt, and the fence will tell
IDLE_CHECK_S: Final = 1.0  # how soon an idle lane notices that Redis lost what it had
BACKOFF_S: Final = (0.05, 1.0)  # first and longest pause after a failure

log = logging.getLogger(__name__)


class _Planned(Struct, frozen=True):
    """A batch, and what it was made of."""

    span: Span
    records: list[Record]
    batch: Batch


class Lane:
    """Forwards one partition of `journal`. `run` ends when cancelled; a cancelled commit is only a doubt."""

    def __init__(
        self,
        journal: Backlog,
        partition: int,
        functions: Functions,
        planner: Planner,
        metrics: Metrics,
        clock: Callable[[], int],
    ) -> None:
        self.partition = partition
        self.position = 0
        self._keys = PartitionKeys(partition)
        self._journal = journal
        self._functions = functions
        self._planner = planner
        self._metrics = metrics
        self._clock = clock
        self._queue: deque[Entry] = deque()
        self._queued = 0  # events in it
        self._on_disk = True  # what follows the queue is to be read from disk
        self._reader: Reader | None = None
        self._doubtful = True
        self._ahead: _Planned | None = None
        self._sent: asyncio.Task[Reply] | None = None  # the one ahead, where it is on its way
        self._wake = asyncio.Event()
        self._began_at = 0.0  # the last commit, by the loop's clock
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []  # a heap by sequence number
        self._waiter_numbers = count()

    @property
    def behind(self) -> int:
        """Events that are durable in the journal and not known to be in Redis.

        The fence of an orphan stands behind its end where all that it still held was a torn, unacknowledged record.
        """
        return max(0, self.end - self.position)

    @property
    def end(self) -> int:
        """The last event of the partition that is durable in the journal."""
        return self._journal.durable(self.partition)

    def offer(self, entry: Entry) -> None:
        """Takes an entry that has just become durable; called in the journal's order."""
        if not self._on_disk and self._queued < QUEUE_EVENTS:
            self._queue.append(entry)
            self._queued += entry.count
        else:
            self._on_disk = True
        self._wake.set()

    async def applied(self, seq: int) -> None:
        """Returns when the event `seq` is in Redis."""
        if self.position < seq:
            waiter = asyncio.get_running_loop().create_future()
            heappush(self._waiters, (seq, next(self._waiter_numbers), waiter))
            await waiter

    async def run(self) -> None:
        pause = BACKOFF_S[0]
        try:
            while True:
                try:
                    await self._step()
                    pause = BACKOFF_S[0]
                except (RedisError, OSError, TimeoutError) as error:
                    self._doubtful = True
                    self._metrics.commit_failures.labels(type(error).__name__).inc()
                    log.warning("commit failed, trying again", extra={"partition": self.partition, "error": str(error)})
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, BACKOFF_S[1])
        finally:
            await self._give_up_ahead()

    async def _step(self) -> None:
        if self._doubtful:
            await self._give_up_ahead()
            await self._ask_fence()
        if self._on_disk and self._queued < REFILL_BELOW:
            await self._refill()
        if self._queue:
            await self._gather()
            await self._apply()
        else:
            await self._wait_for_work()

    async def _ask_fence(self) -> None:
        async with asyncio.timeout(COMMIT_DEADLINE_S):
            fence = await self._functions.fence(self._keys, self._journal.id)
        if fence < self.position:
            events = self.position - fence
            log.warning("redis lost events, replaying", extra={"partition": self.partition, "events": events})
            self._metrics.replayed.inc(events)
            self._queue.clear()
            self._queued = 0
            self._on_disk = True
            self._reader = None
        self._move(fence)
        self._doubtful = False

    def _move(self, fence: int) -> None:
        """Everything up to `fence` is in Redis."""
        self.position = fence
        while self._queue and self._queue[0].seq <= fence:
            self._queued -= self._queue.popleft().count
        while self._waiters and self._waiters[0][0] <= fence:
            _, _, waiter = heappop(self._waiters)
            if not waiter.done():
                waiter.set_result(None)

    async def _refill(self) -> None:
        """Reads on from disk, or finds that the lane has caught up with the journal, or that the rest is lost."""
        end = self.end
        reader = self._reader or self._journal.reader(self.partition, self.position)
        self._reader = reader
        entries = await asyncio.to_thread(reader.read, READ_BYTES)
        self._queue.extend(entries)
        self._queued += sum(entry.count for entry in entries)
        self._move(self.position)  # the reader may be behind the fence: a late commit of the journal's owner ran
        if entries or self._queue:
            return
        if self.position < end:
            await self._skip(end, "unreadable")
        elif self.position == self.end:
            self._on_disk = False
            self._reader = None

    async def _gather(self) -> None:
        """Lets more events come, unless there are enough for a batch or the last commit is a while ago."""
        loop = asyncio.get_running_loop()
        if self._queued < BATCH_EVENTS and (pause := self._began_at + GATHER_S - loop.time()) > 0:
            await asyncio.sleep(pause)
        self._began_at = loop.time()

    async def _apply(self) -> None:
        """Commits what follows `position` without a gap, up to a batch; where nothing does, passes over the gap."""
        if self._ahead is not None and self._ahead.span.previous != self.position:
            await self._give_up_ahead()
        planned, sent = self._ahead or self._plan(self.position), self._sent
        self._ahead = self._sent = None
        first = self._queue[0]
        if planned:
            await self._commit(planned, sent or self._begin(planned))
        elif first.seq - first.count > self.position:
            await self._skip(first.seq - first.count, "missing")
        else:
            await self._skip(first.seq, "undecodable")

    def _plan(self, after: int) -> _Planned | None:
        """The batch of what is queued behind the event `after`; None where nothing follows it without a gap."""
        records, last = _follow(dropwhile(lambda entry: entry.seq <= after, self._queue), after)
        if not records:
            return None
        span = Span(self._journal.id, self.partition, after, last)
        return _Planned(span, records, self._planner.plan(span, records, now=self._clock()))

    def _begin(self, planned: _Planned) -> asyncio.Task[Reply]:
        return asyncio.create_task(self._send(planned.batch), name=f"commit {planned.span.last}")

    def _begin_ahead(self, after: int) -> None:
        """While Redis works on one batch the next is made and sent, where there is enough for it."""
        if self._queued - (after - self.position) >= BATCH_EVENTS and (planned := self._plan(after)):
            self._ahead, self._sent = planned, self._begin(planned)

    async def _settle_ahead(self) -> None:
        """When the one before was not applied: the one ahead is refused for that, and keeps its plan."""
        sent, self._sent = self._sent, None
        if sent is not None:
            await asyncio.wait((sent,))  # has a deadline of its own
            sent.exception()  # may be one: what becomes of the one before will tell

    async def _give_up_ahead(self) -> None:
        """A commit that is cut off may run all the same; the fence will tell."""
        if self._sent is not None:
            self._sent.cancel()
            await asyncio.wait((self._sent,))
        self._ahead = self._sent = None

    async def _commit(self, planned: _Planned, sent: asyncio.Task[Reply]) -> None:
        ahead = asyncio.get_running_loop().call_soon(self._begin_ahead, planned.span.last)
        batch = planned.batch
        seen: frozenset[int] = frozenset()
        try:
            reply = await sent
        finally:
            ahead.cancel()
        while isinstance(reply, Seen):
            await self._settle_ahead()
            seen |= {batch.ids[position] for position in reply.positions}
            batch = self._planner.plan(planned.span, planned.records, now=self._clock(), seen=seen)
            reply = await self._send(batch)
        if isinstance(reply, Fenced):
            self._doubtful = True
        else:
            self._note(batch, reply)
            self._move(planned.span.last)

    async def _send(self, batch: Batch) -> Reply:
        with self._metrics.commit_seconds.time():
            async with asyncio.timeout(COMMIT_DEADLINE_S):
                return await self._functions.commit(batch)

    def _note(self, batch: Batch, applied: Applied) -> None:
        self._metrics.committed.inc(batch.events)
        self._metrics.duplicates.inc(batch.duplicates)
        self._metrics.stream_entries_lost.inc(applied.lost)
        for note in applied.notes:
            self._metrics.commit_notes.inc()
            log.error("a write of a commit went wrong", extra={"partition": self.partition, "note": note})

    async def _skip(self, to: int, reason: str) -> None:
        events = to - self.position
        async with asyncio.timeout(COMMIT_DEADLINE_S):
            moved = await self._functions.skip(self._keys, self._journal.id, self.position, to, reason)
        if not moved:
            self._doubtful = True
            return
        self._metrics.gap_events.labels(reason).inc(events)
        gap = {"journal": self._journal.id, "after": self.position, "to": to, "reason": reason}
        log.error("events lost", extra=gap)
        self._move(to)

    async def _wait_for_work(self) -> None:
        self._wake.clear()
        if self._queue or self._on_disk:
            return
        try:
            async with asyncio.timeout(IDLE_CHECK_S):
                await self._wake.wait()
        except TimeoutError:
            self._doubtful = True


def _follow(entries: Iterable[Entry], position: int) -> tuple[list[Record], int]:
    """The events behind `position`, at most a batch, and the seq of the last; they end before a gap.

    A fence may stand within a record: the rest of a large one then belongs to the next batch.
    """
    records: list[Record] = []
    last = position
    for entry in entries:
        start = entry.seq - entry.count
        record = _record_of(entry) if start <= last else None
        if record is None or last - position == BATCH_EVENTS:
            break
        events = record.events[last - start : last - start + BATCH_EVENTS - (last - position)]
        records.append(Record(record.site, events))
        last += len(events)
    return records, last


def _record_of(entry: Entry) -> Record | None:
    """The record, as it was appended or decoded from its bytes; None where these are none."""
    if entry.record is not None:
        return entry.record
    try:
        record = decode(entry.payload)
    except DecodeError:
        return None
    return record if len(record.events) == entry.count else None
