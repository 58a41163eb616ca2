"""What the tests of the journal share: a disk that fails when told to, and reading a journal back."""

from __future__ import annotations

import asyncio
import errno
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Final

from ingest.journal import KEEP_MS, Backlog, Damage, Entry, Journal, Orphan, Reader, Retired
from ingest.journal.frame import FRAME_BYTES, SEGMENT_BYTES

NOW: Final = 1_700_000_000_000
PATIENCE_S: Final = 20.0  # how long a test waits for what must come; never waited out when all is well


class FaultyDisk:
    """The real disk, except where a test makes a call fail, fall short or wait: no real disk does so when asked.

    calls: (name, file name), in order. room: bytes that may still be written before the disk is full.
    step: at most so many bytes are taken at once. After `hold` every sync waits for `release`.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._names: dict[int, str] = {}
        self.room: int | None = None
        self.step: int | None = None
        self._failures: defaultdict[str, list[Exception | None]] = defaultdict(list)
        self._gate = Event()
        self._gate.set()
        self._waiting = Event()

    def fail(self, call: str, *failures: int | Exception | None) -> None:
        """What the next calls of that name do: fail with an errno or an exception, or (None) work."""
        self._failures[call] += [OSError(f, os.strerror(f)) if isinstance(f, int) else f for f in failures]

    def hold(self) -> None:
        """Lets every sync wait from now on."""
        self._gate.clear()
        self._waiting.clear()

    def release(self) -> None:
        self._gate.set()

    async def held(self) -> None:
        """Returns when a sync waits."""
        assert await asyncio.to_thread(self._waiting.wait, PATIENCE_S)

    def count(self, call: str) -> int:
        return sum(name == call for name, _ in self.calls)

    def open(self, path: Path, flags: int, mode: int) -> int:
        self._called("open", path.name)
        fd = os.open(path, flags, mode)
        self._names[fd] = path.name
        return fd

    def pwrite(self, fd: int, data: memoryview, offset: int, /) -> int:
        self._called("pwrite", self._names.get(fd, "directory"))
        if self.step is not None:
            data = data[: self.step]
        if self.room is not None:
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data = data[: self.room]
            self.room -= len(data)
        return os.pwrite(fd, data, offset)

    def fdatasync(self, fd: int) -> None:
        self._called("fdatasync", self._names.get(fd, "directory"))
        if not self._gate.is_set():
            self._waiting.set()
            assert self._gate.wait(PATIENCE_S)
        os.fdatasync(fd)

    def fsync(self, fd: int) -> None:
        self._called("fsync", self._names.get(fd, "directory"))
        os.fsync(fd)

    def ftruncate(self, fd: int, length: int, /) -> None:
        self._called("ftruncate", self._names.get(fd, "directory"))
        os.ftruncate(fd, length)

    def unlink(self, path: Path) -> None:
        self._called("unlink", path.name)
        os.unlink(path)

    def _called(self, call: str, file: str) -> None:
        self.calls.append((call, file))
        failure = self._failures[call].pop(0) if self._failures[call] else None
        if failure is not None:
            raise failure


def drain(reader: Reader, limit: int = 1 << 20) -> list[Entry]:
    """All that the reader has until the end."""
    found: list[Entry] = []
    while entries := reader.read(limit):
        found += entries
    return found


def payloads(backlog: Backlog, partition: int = 0, after: int = 0) -> list[bytes]:
    return [entry.payload for entry in drain(backlog.reader(partition, after))]


@contextmanager
def adopted(root: Path, journal: str, damages: list[Damage] | None = None) -> Iterator[Orphan]:
    orphan = Orphan.adopt(root, journal, (damages if damages is not None else []).append)
    assert orphan is not None
    try:
        yield orphan
    finally:
        orphan.close()


async def retired(journal: Journal | Orphan, fences: dict[int, int]) -> Retired:
    """What is deleted once these fences have stood for long enough."""
    await journal.retire(fences, NOW)
    return await journal.retire(fences, NOW + KEEP_MS + 1)


def segment_files(path: Path) -> list[Path]:
    return sorted(path.glob("*.log"))


def frame_offsets(sizes: list[int]) -> list[int]:
    """Where the frames of payloads of these sizes begin in the first segment, and where the last one ends."""
    offsets = [SEGMENT_BYTES]
    for size in sizes:
        offsets.append(offsets[-1] + FRAME_BYTES + size)
    return offsets
