"""The end of a journal's log: makes bytes durable, whatever the disk does meanwhile. Blocking; one thread at a time.

    what fails                     what is done about it                                      the caller gets
    no space (also a short write)  cut back to the durable end; the next write tries again    JournalFull
    a write, or a sync             the segment is given up, the bytes are written to another  nothing
    that one too                   given up as well; the next write begins another            JournalBroken

After a failed fdatasync the kernel may have dropped the pages and called them clean, and the next sync would succeed
without having written them. So such a descriptor is closed and never asked again.

Invariants: every byte of the journal before `end` is synced, and so is the directory's entry of its segment. Nothing
beyond `end` was ever acknowledged.
"""

from __future__ import annotations

import errno
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from ingest.errors import JournalBroken, JournalFull

from .directory import segment_name
from .frame import segment_header

ROLL_MS: Final = 5 * 60_000  # a segment takes no more after that time, so that a quiet journal shrinks too

_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger(__name__)


class Disk(Protocol):
    """The calls of `os` that a write is made of; a test's may fail as no real disk does when asked."""

    def open(self, path: Path, flags: int, mode: int) -> int: ...
    def pwrite(self, fd: int, data: memoryview, offset: int, /) -> int: ...
    def fdatasync(self, fd: int) -> None: ...
    def fsync(self, fd: int) -> None: ...
    def ftruncate(self, fd: int, length: int, /) -> None: ...
    def unlink(self, path: Path) -> None: ...


class Place(Struct, frozen=True):
    """Where written bytes came to stand: the segment's first position, and the journal's end behind them."""

    segment: int
    end: int


class Appender:
    def __init__(self, path: Path, segment_bytes: int, disk: Disk) -> None:
        self.end = 0
        self._path = path
        self._segment_bytes = segment_bytes
        self._disk = disk
        self._directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._fd: int | None = None
        self._start = 0
        self._opened_at = 0

    def write(self, data: bytes, now: int) -> Place:
        """Appends `data` and syncs it. Raises JournalFull or JournalBroken, and then none of it is in the journal."""
        if self._fd is not None and self._is_due(now):
            self.leave()
        try:
            try:
                self._attempt(data, now)
            except OSError:
                self._attempt(data, now)
        except _NoSpace as failure:
            raise JournalFull("the journal's disk is full") from failure.__cause__
        except OSError as failure:
            raise JournalBroken("the journal's disk refuses to keep what is written to it") from failure
        return Place(self._start, self.end)

    def leave(self) -> None:
        """Lets go of the current segment; the next write begins another."""
        if self._fd is not None:
            with suppress(OSError):  # all that counts is synced, so a failing close loses nothing
                os.close(self._fd)
            self._fd = None

    def give_up(self) -> None:
        """Leaves a segment that cannot be trusted any more."""
        if self._fd is None:
            return
        with suppress(OSError):  # the next segment voids the rest anyhow; this spares a crash before it from reading it
            self._disk.ftruncate(self._fd, self.end - self._start)
        if self._is_new():
            with suppress(OSError):
                self._disk.unlink(self._path / segment_name(self._start))
        self.leave()

    def close(self) -> None:
        self.leave()
        os.close(self._directory)

    def _is_due(self, now: int) -> bool:
        return self.end - self._start >= self._segment_bytes or now - self._opened_at >= ROLL_MS

    def _is_new(self) -> bool:
        """Whether nothing in the current segment is durable yet, not even its name."""
        return self.end == self._start

    def _attempt(self, data: bytes, now: int) -> None:
        """One write and sync, in a new segment where there is none. Raises _NoSpace, or OSError and gives it up."""
        fd = self._begin(now) if self._fd is None else self._fd
        if self._is_new():
            data = segment_header(self._path.name, self._start) + data
        try:
            self._put(fd, data)
            self._disk.fdatasync(fd)
            if self._is_new():
                self._disk.fsync(self._directory)
        except OSError as failure:
            log.error("journal segment %s of %s is given up: %s", segment_name(self._start), self._path.name, failure)
            self.give_up()
            raise
        self.end += len(data)

    def _begin(self, now: int) -> int:
        path = self._path / segment_name(self.end)
        try:
            with suppress(FileNotFoundError):
                self._disk.unlink(path)  # left by an attempt that failed: what begins at the end holds nothing durable
            self._fd = self._disk.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as failure:
            if failure.errno in _NO_SPACE:
                raise _NoSpace from failure
            raise
        self._start = self.end
        self._opened_at = now
        return self._fd

    def _put(self, fd: int, data: bytes) -> None:
        offset = self.end - self._start
        rest = memoryview(data)
        try:
            while rest:
                written = self._disk.pwrite(fd, rest, offset)
                if not written:
                    raise OSError(errno.ENOSPC, "the disk takes no more")
                rest = rest[written:]
                offset += written
        except OSError as failure:
            if failure.errno not in _NO_SPACE:
                raise
            self._cut_back(fd)
            raise _NoSpace from failure

    def _cut_back(self, fd: int) -> None:
        """Takes back what a full disk cut short, durably, so that a crash does not bring back what was refused."""
        if self._is_new():
            self.give_up()
            return
        self._disk.ftruncate(fd, self.end - self._start)
        self._disk.fdatasync(fd)


class _NoSpace(Exception):
    """The disk is full. Not an OSError: there is nothing wrong with the segment, another one would not help."""
