"""What a journal keeps on disk: how it is read back, and when it may be deleted.

Shared by the journal of this worker, which grows meanwhile, and those of ended ones, which do not.

A segment is deleted when it is *expired*: every record in it has been fenced for more than `KEEP_MS`, so that a Redis
which loses its last minutes can be refilled. How old its records are does not matter: after a long outage old ones
reach Redis only now. Segments go in their order, the oldest first: what a failed sync left at the end of one (`frame`)
stays void only as long as the one that follows it exists.

Damage found on the way is told once in a process, as a `Damage`; its bytes are set aside and reading goes on behind it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import Final

from msgspec import Struct

from store.event import Record

from . import directory, frame, past

KEEP_MS: Final = 5 * 60_000  # far longer than what Redis can lose under everysec, or a replica can be behind
READ_BYTES: Final = 1 << 20  # read at once, and so in memory; a longer record or stretch of damage takes its length

log = logging.getLogger(__name__)


class Entry(Struct, frozen=True):
    """A record of the journal: events (seq - count, seq] of its partition, of one site.

    `record` is what was given to `append`, where the entry comes from memory; from disk it is None, and `payload` are
    the bytes that encode it (`store.event.decode`).
    """

    partition: int
    seq: int
    count: int
    received_at: int
    payload: bytes
    record: Record | None


class Damage(Struct, frozen=True):
    """Bytes of a segment that are no whole record.

    reason: the checksum of a header or of a payload does not match, or bytes are missing at the file's end.
    How many events were lost is told by the sequence numbers around them.
    """

    journal: str
    segment: str
    offset: int
    length: int
    reason: frame.Reason


class Segment(Struct, frozen=True):
    """`start`, `end`: positions. `last`: partition -> its highest seq."""

    start: int
    end: int
    last: Mapping[int, int]

    def is_fenced(self, fences: Mapping[int, int]) -> bool:
        return all(fences.get(partition, 0) >= seq for partition, seq in self.last.items())


class Retired(Struct, frozen=True):
    """What `retire` deleted. `gone`: the whole journal, for good; `past` remembers its end."""

    segments: int
    size_bytes: int
    gone: bool


class Stretch(Struct, frozen=True):
    """Consecutive bytes of a segment, scanned. `used`: how many are accounted for. `torn`: a tear follows those."""

    data: bytes
    frames: list[frame.Frame]
    flaws: list[frame.Flaw]
    used: int
    torn: bool


class Backlog:
    """The segments of one journal, oldest first.

    id: the journal's. end: the position up to which it may be read. size_bytes: on disk, up to there.
    `segments` is replaced, never changed, and only on the event loop: a thread that reads keeps the version it took.
    """

    def __init__(self, path: Path, on_damage: Callable[[Damage], None]) -> None:
        """`on_damage` is called by the thread that reads."""
        self.id = path.name
        self.end = 0
        self.size_bytes = 0
        self.segments: tuple[Segment, ...] = ()
        self.path = path
        self._seqs: dict[int, int] = {}
        self._fenced_since: dict[tuple[int, int], int] = {}  # (start, end) of a segment -> epoch ms
        self._on_damage = on_damage
        self._damages: set[tuple[int, int]] = set()
        self._damages_lock = Lock()

    def durable(self, partition: int) -> int:
        """The seq of the partition's last durable event; 0 before the first."""
        return self._seqs.get(partition, 0)

    def reader(self, partition: int, after: int) -> Reader:
        """Reads the partition's entries from disk, those whose seq is above `after`."""
        return Reader(self, partition, after)

    def stretch(self, start: int, offset: int, end: int, limit: int, *, may_be_torn: bool = False) -> Stretch:
        """`read_stretch`, telling of the damage in it; a tear that is not to be expected is damage too. Blocking."""
        found = read_stretch(self.path, start, offset, end, limit)
        for flaw in found.flaws:
            data = found.data[flaw.offset : flaw.offset + flaw.length]
            self.report(start, frame.Flaw(offset + flaw.offset, flaw.length, flaw.reason), data)
        if not found.torn or may_be_torn:
            return found
        torn_at = offset + found.used
        self.report(start, frame.Flaw(torn_at, end - torn_at, "missing"), found.data[found.used :])
        return Stretch(found.data, found.frames, found.flaws, used=end - offset, torn=False)

    def report(self, segment: int, flaw: frame.Flaw, data: bytes) -> None:
        """Sets damaged bytes aside and tells of them, unless that was done before. Blocking; any thread may call it."""
        with self._damages_lock:
            if (segment, flaw.offset) in self._damages:
                return
            self._damages.add((segment, flaw.offset))
        damage = Damage(self.id, directory.segment_name(segment), flaw.offset, flaw.length, flaw.reason)
        log.error("journal is damaged: %s", damage)
        try:
            directory.set_aside(self.path, segment, flaw.offset, data)
        except OSError as failure:  # they stay in the segment while that lasts; what follows them matters more
            log.error("damaged bytes of the journal could not be set aside: %s", failure)
        self._on_damage(damage)

    def _replace(self, segments: tuple[Segment, ...]) -> None:
        self.segments = segments
        self.size_bytes = sum(segment.end - segment.start for segment in segments)
        if segments:
            self.end = segments[-1].end
            self._seqs.update(segments[-1].last)

    def _expired(self, fences: Mapping[int, int], now: int) -> list[Segment]:
        """The segments that may be deleted, from the oldest on."""
        fenced = [*takewhile(lambda segment: segment.is_fenced(fences), self.segments)]
        # A segment that has grown is another one, and one that is not fenced any more, as Redis lost it, begins anew.
        self._fenced_since = {
            (segment.start, segment.end): self._fenced_since.get((segment.start, segment.end), now)
            for segment in fenced
        }
        return [*takewhile(lambda segment: now - self._fenced_since[segment.start, segment.end] > KEEP_MS, fenced)]

    async def _delete(self, expired: list[Segment]) -> None:
        """A segment that a crash brings back is fenced, and goes again."""
        self._replace(self.segments[len(expired) :])
        try:
            await asyncio.to_thread(self._unlink, expired)
        except OSError:
            self._replace((*expired, *self.segments))
            raise

    def _unlink(self, segments: list[Segment]) -> None:
        if not segments:
            return
        ends = {partition: seq for segment in segments for partition, seq in segment.last.items()}
        try:
            past.note(self.path.parent, self.id, ends)
        except OSError as failure:  # a full disk is freed all the same
            log.warning("what is deleted is not remembered: %s", failure)
        for segment in segments:
            (self.path / directory.segment_name(segment.start)).unlink(missing_ok=True)


class Reader:
    """Reads one partition of a journal, in order. It remembers how far it came, so each read goes on cheaply."""

    def __init__(self, backlog: Backlog, partition: int, after: int) -> None:
        self._backlog = backlog
        self._partition = partition
        self._after = after
        self._position = 0

    def read(self, limit_bytes: int = READ_BYTES) -> list[Entry]:
        """The next entries, from about `limit_bytes` of the disk; none only at the journal's end, as it is by now.

        Blocking: call it in a thread, one call at a time. Raises OSError where the disk cannot be read; the call can be
        repeated. Never reads what is not durable, and never gives a sequence number twice.
        """
        entries: list[Entry] = []
        while not entries and (segment := self._segment()) is not None:
            entries = self._read(segment, limit_bytes)
        return entries

    def _segment(self) -> Segment | None:
        """Where to read on; passes over segments that are deleted, or hold nothing that is wanted."""
        for segment in self._backlog.segments:
            if segment.end > self._position and segment.last.get(self._partition, 0) > self._after:
                self._position = max(self._position, segment.start)
                return segment
        return None

    def _read(self, segment: Segment, limit: int) -> list[Entry]:
        offset, end = self._position - segment.start, segment.end - segment.start
        try:
            found = self._backlog.stretch(segment.start, offset, end, limit)
        except FileNotFoundError:
            if any(kept.start == segment.start for kept in self._backlog.segments):  # else it was retired this moment
                self._backlog.report(segment.start, frame.Flaw(offset, end - offset, "missing"), b"")
            self._position = segment.end
            return []
        self._position += found.used
        return [self._entry(found.data, each) for each in found.frames if self._is_next(each)]

    def _is_next(self, found: frame.Frame) -> bool:
        if found.partition != self._partition or found.seq <= self._after:
            return False
        self._after = found.seq
        return True

    def _entry(self, data: bytes, found: frame.Frame) -> Entry:
        payload = data[found.start : found.stop]
        return Entry(found.partition, found.seq, found.count, found.received_at, payload, None)


def read_stretch(path: Path, start: int, offset: int, end: int, limit: int) -> Stretch:
    """At least one frame or flaw of the segment that begins at `start`, from its byte `offset`, where `end` allows it.

    Reads about `limit` bytes, and more where that is not enough to tell a frame from damage. Raises
    FileNotFoundError, any other OSError, and frame.UnknownVersion.
    """
    journal = path.name
    limit = max(limit, frame.SEGMENT_BYTES + frame.FRAME_BYTES)
    with open(path / directory.segment_name(start), "rb", buffering=0) as file:
        while True:
            wanted = min(limit, end - offset)
            data = _pread(file.fileno(), wanted, offset)
            final = len(data) < wanted or offset + wanted == end
            headless = offset == 0 and not frame.is_segment_header(data, journal, start)
            if headless and final and frame.is_tear(data, frame.SEGMENT_BYTES):
                return Stretch(data, [], [], 0, torn=True)
            first = frame.SEGMENT_BYTES if offset == 0 else 0
            found = frame.scan(data, frame.seed(journal), at=first, final=final)
            if found.used > first or final:
                break
            limit *= 2
    flaws = [frame.Flaw(0, first, "header"), *found.flaws] if headless else found.flaws
    return Stretch(data, found.frames, flaws, found.used, torn=final and offset + found.used < end)


def _pread(fd: int, length: int, offset: int) -> bytes:
    data = os.pread(fd, length, offset)
    while 0 < len(data) < length:
        more = os.pread(fd, length - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data
