"""The journal of a worker that has ended, taken over by one that runs: read, forwarded, and deleted when it may be."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from . import directory, past
from .backlog import READ_BYTES, Backlog, Damage, Retired, Segment
from .frame import UnknownVersion

log = logging.getLogger(__name__)


class Orphan(Backlog):
    """Made by `adopt`, which takes its lock; given back by `close`, or deleted by `retire`."""

    def __init__(self, path: Path, lock: int, on_damage: Callable[[Damage], None]) -> None:
        super().__init__(path, on_damage)
        self._lock: int | None = lock

    @classmethod
    def adopt(cls, root: Path, journal: str, on_damage: Callable[[Damage], None] = lambda _: None) -> Orphan | None:
        """Takes over the journal; None where another process has it, did away with it, or alone can read it.

        Blocking, and not for a moment: reads all of it through (2 GiB take some 10 s), truncates it where an
        interrupted write tore it, and tells of the damage it finds. Raises OSError; the journal is then nobody's again.
        """
        path = root / journal
        lock = directory.take(path)
        if lock is None:
            return None
        orphan = cls(path, lock, on_damage)
        try:
            orphan._survey()
        except UnknownVersion as unknown:
            orphan.close()
            log.error("left alone: %s", unknown)
            return None
        except BaseException:
            orphan.close()
            raise
        return orphan

    async def retire(self, fences: Mapping[int, int], now: int) -> Retired:
        """Deletes what has expired, and with the last segment the journal. `fences`: partition -> its fence in Redis.

        `gone` is told once that is durable: no crash brings events back after their fences were deleted too.
        """
        if self._lock is None:
            return Retired(0, 0, gone=False)
        expired = self._expired(fences, now)
        await self._delete(expired)
        if gone := not self.segments:
            await asyncio.to_thread(directory.remove, self.path)
            self.close()
        return Retired(len(expired), sum(segment.end - segment.start for segment in expired), gone)

    def close(self) -> None:
        """Gives the journal back to whoever adopts it next."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _survey(self) -> None:
        self._seqs.update(past.read(self.path.parent, self.id))  # of partitions of which nothing else is left
        starts = directory.segments(self.path)
        for start, following in zip(starts, [*starts, None][1:], strict=True):
            file = self.path / directory.segment_name(start)
            end = start + file.stat().st_size if following is None else following
            segment = self._read_through(start, end, may_be_torn=following is None)
            if segment.end < end:
                os.truncate(file, segment.end - start)
            self._replace((*self.segments, segment))

    def _read_through(self, start: int, end: int, *, may_be_torn: bool) -> Segment:
        """What the segment holds. Only the last one may be torn: the others were synced up to where the next begins."""
        at, length = 0, end - start
        last: dict[int, int] = {}
        while at < length:
            found = self.stretch(start, at, length, READ_BYTES, may_be_torn=may_be_torn)
            for each in found.frames:
                last[each.partition] = each.seq
            at += found.used
            if found.torn:
                break
        return Segment(start, start + at, last)
