"""A disk that forgets what was not synced when the power fails, and that fails or fills up when told.

The files are real ones, so that all of the journal's reading, locking and deleting is the real code; what a crash takes
from them is worked out here. Of what was written and not synced, any prefix may survive, as may zeros in its place; and
what was cut off and not synced since may be back. Bytes that a failed sync was asked for are never durable, however
often it is asked again. A file that its directory was not synced for may be gone.
"""

from __future__ import annotations

import errno
import os
import random
from collections import defaultdict
from pathlib import Path


class Died(BaseException):
    """The process that called has ended in the middle of the call."""


class _File:
    """`synced`: bytes from the beginning that survive anything. `ghost`: what was cut off behind the last sync."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.synced = 0
        self.is_named = False  # its name is durable
        self.is_doubtful = False  # a sync has failed: no later one makes durable what it was asked for
        self.ghost = b""


class Disk:
    """`ingest.journal.appender.Disk`. room: bytes until it is full. dies_in: calls until the caller dies."""

    def __init__(self, draw: random.Random) -> None:
        self.room: int | None = None
        self.dies_in: int | None = None
        self._draw = draw
        self._files: dict[int, _File] = {}
        self._by_path: dict[Path, _File] = {}
        self._failures: defaultdict[str, int] = defaultdict(int)

    def fail(self, call: str, times: int) -> None:
        self._failures[call] += times

    def heal(self) -> None:
        self.room = self.dies_in = None
        self._failures.clear()

    def open(self, path: Path, flags: int, mode: int) -> int:
        self._called("open")
        fd = os.open(path, flags, mode)
        self._files[fd] = self._by_path[path] = _File(path)
        return fd

    def pwrite(self, fd: int, data: memoryview, offset: int, /) -> int:
        try:
            self._called("pwrite")
        except Died:
            os.pwrite(fd, data[: self._draw.randrange(len(data) + 1)], offset)
            raise
        if self.room is not None:
            if not self.room:
                raise OSError(errno.ENOSPC, "full")
            data = data[: self.room]
            self.room -= len(data)
        if self._draw.random() < 0.05:
            data = data[: self._draw.randrange(1, len(data) + 1)]
        return os.pwrite(fd, data, offset)

    def fdatasync(self, fd: int) -> None:
        file = self._files[fd]
        try:
            self._called("fdatasync")
        except OSError:
            file.is_doubtful = True
            raise
        if not file.is_doubtful:
            file.synced = os.fstat(fd).st_size
        file.ghost = b""

    def fsync(self, fd: int) -> None:
        self._called("fsync")
        directory = os.fstat(fd)
        for path, file in self._by_path.items():
            if os.path.samestat(path.parent.stat(), directory):
                file.is_named = True

    def ftruncate(self, fd: int, length: int, /) -> None:
        self._called("ftruncate")
        file = self._files[fd]
        size = os.fstat(fd).st_size
        with open(file.path, "rb") as content:
            content.seek(length)
            file.ghost = content.read(size - length)
        os.ftruncate(fd, length)

    def unlink(self, path: Path) -> None:
        self._called("unlink")
        os.unlink(path)
        del self._by_path[path]

    def lose_power(self) -> None:
        """What the machine finds when it is on again."""
        for file in self._by_path.values():
            if not file.path.exists():
                continue
            if not file.is_named and self._draw.random() < 0.5:
                file.path.unlink()
                continue
            data = file.path.read_bytes()
            kept = data[: file.synced] + self._survivors(data[file.synced :] or file.ghost)
            file.path.write_bytes(kept)
        self._by_path.clear()

    def _survivors(self, unsynced: bytes) -> bytes:
        kept = unsynced[: self._draw.randrange(len(unsynced) + 1)]
        return kept + bytes(len(unsynced) - len(kept)) if self._draw.random() < 0.3 else kept

    def _called(self, call: str) -> None:
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in <= 0:
                self.dies_in = None
                raise Died
        if self._failures[call]:
            self._failures[call] -= 1
            raise OSError(errno.EIO, call)
