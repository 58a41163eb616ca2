"""A machine with workers, their disk and a Redis, to which a schedule of faults happens; and what must hold afterwards.

The journal, its reader, orphans, lanes and the forwarder are the real ones, and so is the planner. Only what they stand
on is made up: time (`timeless`), the disk (`disk`) and Redis (`redis_model`).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from prometheus_client import CollectorRegistry

from ingest.errors import JournalBusy, JournalFull
from ingest.forwarder import RETIRE_EVERY_S, Forwarder
from ingest.journal import KEEP_MS, Journal, directory, frame, journals
from ingest.journal.appender import Appender
from ingest.lane import Lane
from ingest.metrics import Metrics
from store.buckets import DAY_MS, HOUR_MS
from store.commit import Planner
from store.event import Custom, Record, encode
from store.keys import PartitionKeys
from tests.simulation.disk import Died, Disk
from tests.simulation.redis_model import RedisModel
from tests.simulation.timeless import Process, TimelessLoop
from tests.store.batches import IDENTITY, NOW, custom

SEGMENT_BYTES: Final = 600  # three records or so: schedules are short, and shall see many segments
QUOTA_BYTES: Final = 1 << 20
RECOVERS_S: Final = 60.0  # a stuck commit is given up after 10 s, an orphan adopted 5 s later; and the rest is quick
METRICS: Final = Metrics(CollectorRegistry())  # nobody looks at them: making them would cost more than a schedule


class NoThread:
    """In the place of the journal's: whoever makes the journal does its work."""

    def __init__(self, **_: Any) -> None: ...
    def start(self) -> None: ...


class _Flights(SimpleQueue[Any]):
    """What would go to the journal's thread goes to the worker."""

    def __init__(self, fly: Callable[[Any], None]) -> None:
        self._fly = fly

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        self._fly(item)


class Worker(Process):
    """One start of a worker, until it is killed."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        path, self._lock = directory.create(world.root, world.new_moment())
        planner = Planner({}, IDENTITY, world.partitions)
        self.forwarder = Forwarder(world.root, world.redis, planner, METRICS, world.clock)
        appender = Appender(path, SEGMENT_BYTES, world.disk)
        forwarder = self.forwarder
        self.journal = Journal(path, appender, forwarder.offer, forwarder.note_damage, world.clock, QUOTA_BYTES)
        self.journal._groups = _Flights(self._fly)
        self.start(lambda: self.forwarder.run(self.journal))

    @property
    def lanes(self) -> Iterator[Lane]:
        yield from self.forwarder._lanes
        for lanes in self.forwarder._adopted.values():
            yield from lanes

    @property
    def holds(self) -> set[str]:
        """The journals that are its."""
        return {self.journal.id, *self.forwarder._adopted}

    def kill(self) -> None:
        if self.alive:
            super().kill()
            self.journal._appender.close()
            os.close(self._lock)

    def _fly(self, group: Any) -> None:
        self.world.loop.call_later(self.world.draw.uniform(0.0002, 0.01), self._write, group)

    def _write(self, group: Any) -> None:
        if not self.alive:
            return
        try:
            outcome = self.journal._write(group)
        except Died:
            self.kill()
            return
        self.world.loop.call_later(self.world.draw.uniform(0.0, 0.002), self._land, group, outcome)

    def _land(self, group: Any, outcome: Any) -> None:
        if self.alive:
            self.journal._land(group, outcome)


class World:
    """acknowledged: (journal, partition, seq) -> the name of an event. `trace` tells what happened, for a person."""

    def __init__(self, root: Path, loop: TimelessLoop, draw: random.Random) -> None:
        self.root = root
        self.loop = loop
        self.draw = draw
        self.disk = Disk(draw)
        self.redis = RedisModel(draw)
        self.partitions = draw.choice((1, 1, 1, 2))
        self.clients_repeat = draw.random() < 0.8  # else the clock may go so far that ids are forgotten
        self.workers: list[Worker] = []
        self.trace: list[str] = []
        self.acknowledged: dict[tuple[str, int, int], str] = {}
        self.sent: set[str] = set()
        self.to_repeat: list[tuple[Custom, int]] = []  # with their partition
        self.with_ids: set[str] = set()
        self.damaged: set[tuple[str, int, int]] = set()  # as `acknowledged`
        self.may_have_gaps = False
        # An hour's jump leads into another day, for which ids are kept apart, from one of the two.
        self._began_at = draw.choice((NOW, NOW // DAY_MS * DAY_MS + HOUR_MS // 2))
        self._numbers = itertools.count(1)
        self._last_moment = 0

    def clock(self) -> int:
        return self._began_at + int(self.loop.time() * 1000)

    def new_moment(self) -> int:
        """One that no journal was made at: their order shall not hang on what is random in their names."""
        self._last_moment = max(self._last_moment + 1, self.clock())
        return self._last_moment

    # What happens

    def tell(self, what: str) -> None:
        self.trace.append(f"{self.loop.time():.3f} {what}")

    def begin_worker(self) -> None:
        self.workers.append(Worker(self))

    def send(self) -> None:
        """A few requests at once; some bring events again, as a client does that got no answer or did not wait."""
        for worker in self.living():
            for _ in range(self.draw.randint(1, 4)):
                partition = self.draw.randrange(self.partitions)
                self._append(worker, partition, [self._event(partition) for _ in range(self.draw.randint(1, 3))])

    def _event(self, partition: int) -> Custom:
        again = [event for event, of in self.to_repeat if of == partition]
        if again and self.clients_repeat and self.draw.random() < 0.3:
            return self.draw.choice(again)
        number = next(self._numbers)
        event = custom(name=f"e{number}", dedup=number if self.draw.random() < 0.5 else 0)
        if event.dedup:
            self.to_repeat.append((event, partition))
            self.with_ids.add(event.name)
        self.sent.add(event.name)
        return event

    def _append(self, worker: Worker, partition: int, events: list[Custom]) -> None:
        record = Record("demo", [*events])
        try:
            waiter = worker.journal.append(partition, encode(record), len(events), record)
        except (JournalFull, JournalBusy):
            return

        def settled(waiter: asyncio.Future[int]) -> None:
            if not waiter.cancelled() and waiter.exception() is None:
                for place, event in enumerate(reversed(events)):
                    self.acknowledged[worker.journal.id, partition, waiter.result() - place] = event.name

        waiter.add_done_callback(settled)

    def living(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.alive]

    def kill_workers(self) -> None:
        for worker in self.living():
            worker.kill()

    def lose_power(self) -> None:
        self.kill_workers()
        self.disk.lose_power()
        self.redis.crash(self.loop.time())

    def damage(self, worker: Worker) -> None:
        """Flips a bit of a record in a dead worker's journal, of one that others of its partition follow."""
        journal = worker.journal
        for segment in journal.segments:
            file = journal.path / directory.segment_name(segment.start)
            if not file.exists():
                continue
            data = bytearray(file.read_bytes())
            found = frame.scan(bytes(data), frame.seed(journal.id), at=frame.SEGMENT_BYTES, final=True).frames
            for record in found:
                if record.seq < journal.durable(record.partition) and self.draw.random() < 0.3:
                    data[self.draw.randrange(record.start, record.stop)] ^= 1 << self.draw.randrange(8)
                    seqs = range(record.seq - record.count + 1, record.seq + 1)
                    self.damaged.update((journal.id, record.partition, seq) for seq in seqs)
                    file.write_bytes(data)
                    return

    def restore_snapshot(self) -> None:
        """Redis is given an old backup, an empty one perhaps: what no journal holds any more is lost."""
        self.may_have_gaps = True
        self.redis.restore(self.draw.randint(0, self.redis.operations))

    def shift_clock(self, ms: int) -> None:
        self.may_have_gaps |= ms >= KEEP_MS  # segments seem to have been fenced for long
        self._began_at += ms

    # What must hold

    async def heal(self) -> None:
        """Everything works again; returns when all is in Redis, and fails where that takes too long."""
        self.disk.heal()
        self.redis.flakiness, self.redis.full, self.redis.up = 0.0, False, True
        self.redis.go_on()
        if not self.living():
            self.begin_worker()
        deadline = self.loop.time() + RECOVERS_S
        await asyncio.sleep(RETIRE_EVERY_S + 1)  # so that gone journals are recalled
        while not self._is_level():
            assert self.loop.time() < deadline, f"not level after {RECOVERS_S} s"
            await asyncio.sleep(0.5)

    def _is_level(self) -> bool:
        """Every journal is someone's, and Redis has all of it."""
        living = self.living()
        held = set[str]().union(*(worker.holds for worker in living))
        return held.issuperset(journals(self.root)) and all(
            worker.forwarder.behind == 0
            and all(
                self.redis.fences.get((PartitionKeys(lane.partition).fences, lane._journal.id), 0) >= lane.end
                for lane in worker.lanes
            )
            for worker in living
        )

    def check(self) -> None:
        assert not self.loop.failures, self.loop.failures
        counted = self.redis.counted
        twice = {name: times for name, times in counted.items() if times > 1}
        assert not twice, f"counted more than once: {twice}"
        assert counted.keys() <= self.sent, "counted what nobody sent"
        gaps = {
            (gap.journal, gap.partition, seq) for gap in self.redis.gaps for seq in range(gap.after + 1, gap.to + 1)
        }
        assert self.may_have_gaps or gaps <= self.damaged, f"a gap that nothing explains: {self.redis.gaps}"
        for place, name in self.acknowledged.items():
            if name not in counted:
                assert place in gaps, f"lost: {name} of {place}"
            elif place in gaps:
                assert name in self.with_ids, f"counted and in a gap: {name}"  # with an id another journal had it too
