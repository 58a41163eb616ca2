"""A disk that is full, falls short or fails: what was acknowledged is kept, what was refused is not."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ingest.errors import JournalBroken, JournalFull
from ingest.journal import Damage, Entry, Journal
from ingest.journal.frame import FRAME_BYTES, SEGMENT_BYTES
from tests.ingest.journalling import NOW, FaultyDisk, adopted, drain, payloads, segment_files

PAYLOAD = b"forty bytes, of which each may be the last"
FRAME = FRAME_BYTES + len(PAYLOAD)


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def durable() -> list[Entry]:
    return []


@pytest.fixture
async def journal(tmp_path: Path, disk: FaultyDisk, durable: list[Entry]) -> AsyncIterator[Journal]:
    async with Journal.open(tmp_path, on_durable=durable.extend, clock=lambda: NOW, disk=disk) as journal:
        yield journal


def read_after_a_crash(journal: Journal) -> list[tuple[int, bytes]]:
    """(seq, payload) of all that is found in a copy of the files: they are as a crash would leave them."""
    damages: list[Damage] = []
    copy = journal.path.parent.parent / "after-the-crash" / journal.id
    copy.mkdir(parents=True)
    for file in segment_files(journal.path):
        (copy / file.name).write_bytes(file.read_bytes())
    with adopted(copy.parent, journal.id, damages) as orphan:
        found = [(entry.seq, entry.payload) for entry in drain(orphan.reader(0, 0))]
    assert damages == []
    return found


async def test_a_disk_that_is_full_at_any_byte_is_cut_back_and_taken_up_again(
    journal: Journal, disk: FaultyDisk, durable: list[Entry]
) -> None:
    await journal.append(0, b"before", 1)
    file, size = segment_files(journal.path)[0], SEGMENT_BYTES + FRAME_BYTES + len(b"before")
    for room in range(FRAME):
        disk.room = room
        with pytest.raises(JournalFull) as refused:
            await journal.append(0, PAYLOAD, 1)
        assert isinstance(refused.value.__cause__, OSError)
        assert (file.stat().st_size, journal.end) == (size, size)
        assert [call for call, _ in disk.calls[-2:]] == ["ftruncate", "fdatasync"], "durably"
    disk.room = None
    assert await journal.append(0, b"after", 1) == 2, "what was refused used up no number"
    assert [entry.seq for entry in durable] == [1, 2]
    assert segment_files(journal.path) == [file]
    assert read_after_a_crash(journal) == [(1, b"before"), (2, b"after")]


async def test_a_disk_that_is_full_at_any_byte_of_a_new_segment(journal: Journal, disk: FaultyDisk) -> None:
    for room in range(SEGMENT_BYTES + FRAME):
        disk.room = room
        with pytest.raises(JournalFull):
            await journal.append(0, PAYLOAD, 1)
        assert segment_files(journal.path) == []
    disk.room = None
    assert await journal.append(0, PAYLOAD, 1) == 1
    assert read_after_a_crash(journal) == [(1, PAYLOAD)]


async def test_no_room_for_a_new_file(journal: Journal, disk: FaultyDisk) -> None:
    disk.fail("open", errno.ENOSPC)
    with pytest.raises(JournalFull):
        await journal.append(0, PAYLOAD, 1)
    assert await journal.append(0, PAYLOAD, 1) == 1


@pytest.mark.parametrize("step", [1, 7, FRAME_BYTES])
async def test_short_writes_are_carried_on(journal: Journal, disk: FaultyDisk, step: int) -> None:
    disk.step = step
    assert await asyncio.gather(*(journal.append(0, PAYLOAD, 1) for _ in range(5))) == [1, 2, 3, 4, 5]
    assert read_after_a_crash(journal) == [(seq, PAYLOAD) for seq in range(1, 6)]


async def test_a_disk_that_takes_nothing_and_gives_no_reason_is_full(journal: Journal, disk: FaultyDisk) -> None:
    disk.step = 0
    with pytest.raises(JournalFull):
        await journal.append(0, PAYLOAD, 1)


async def test_after_a_failed_sync_the_group_is_rewritten_elsewhere(
    journal: Journal, disk: FaultyDisk, durable: list[Entry]
) -> None:
    await journal.append(0, b"before", 1)
    distrusted, trusted = f"{0:016x}.log", f"{journal.end:016x}.log"
    disk.calls.clear()
    disk.fail("fdatasync", errno.EIO)
    group = [journal.append(0, payload, 1) for payload in (b"one", b"two")]
    assert [await waiter for waiter in group] == [2, 3]
    assert await journal.append(0, b"after", 1) == 4
    assert [entry.seq for entry in durable] == [1, 2, 3, 4]
    assert [file.name for file in segment_files(journal.path)] == [distrusted, trusted]
    assert [call for call, file in disk.calls if file == distrusted] == ["pwrite", "fdatasync", "ftruncate"]
    assert [call for call, file in disk.calls if file == trusted][-4:] == ["pwrite", "fdatasync"] * 2
    assert payloads(journal) == [b"before", b"one", b"two", b"after"]
    assert read_after_a_crash(journal) == [(1, b"before"), (2, b"one"), (3, b"two"), (4, b"after")]


@pytest.mark.parametrize("call", ["pwrite", "fdatasync", "fsync"])
async def test_whatever_fails_in_a_new_segment_leads_to_another(journal: Journal, disk: FaultyDisk, call: str) -> None:
    disk.fail(call, errno.EIO)
    assert await journal.append(0, PAYLOAD, 1) == 1
    assert [file.name for file in segment_files(journal.path)] == [f"{0:016x}.log"]
    assert read_after_a_crash(journal) == [(1, PAYLOAD)]


async def test_a_disk_that_refuses_twice_breaks_the_group_and_the_next_tries_again(
    journal: Journal, disk: FaultyDisk, durable: list[Entry]
) -> None:
    await journal.append(0, b"before", 1)
    for _ in range(3):
        disk.fail("fdatasync", errno.EIO, errno.EIO)
        with pytest.raises(JournalBroken) as refused:
            await journal.append(0, b"refused", 1)
        assert isinstance(refused.value.__cause__, OSError)
        assert journal.failed_at == NOW
    assert await journal.append(0, b"after", 1) == 2
    assert [entry.seq for entry in durable] == [1, 2]
    assert read_after_a_crash(journal) == [(1, b"before"), (2, b"after")]


async def test_what_a_failing_disk_kept_of_the_refused_is_void(journal: Journal, disk: FaultyDisk) -> None:
    """Nothing can be taken back: the refused record stays in its file, whole, with the seq that another gets later."""
    await journal.append(0, b"before", 1)
    disk.fail("fdatasync", errno.EIO, errno.EIO)
    disk.fail("ftruncate", errno.EIO, errno.EIO)
    disk.fail("unlink", None, errno.EIO)
    with pytest.raises(JournalBroken):
        await journal.append(0, b"refused", 1)
    assert [b"refused" in file.read_bytes() for file in segment_files(journal.path)] == [True, True]
    assert await journal.append(0, b"accepted", 1) == 2
    assert b"refused" in segment_files(journal.path)[0].read_bytes()
    assert payloads(journal) == [b"before", b"accepted"]
    assert read_after_a_crash(journal) == [(1, b"before"), (2, b"accepted")]


async def test_a_full_disk_that_cannot_be_cut_back_is_left(journal: Journal, disk: FaultyDisk) -> None:
    await journal.append(0, b"before", 1)
    disk.room = 10
    disk.fail("ftruncate", errno.EIO, errno.EIO)
    with pytest.raises(JournalFull):
        await journal.append(0, b"refused", 1)
    disk.room = None
    assert await journal.append(0, b"after", 1) == 2
    assert len(segment_files(journal.path)) == 2
    assert read_after_a_crash(journal) == [(1, b"before"), (2, b"after")]


async def test_no_file_to_be_had_breaks_the_group_only(journal: Journal, disk: FaultyDisk) -> None:
    disk.fail("open", errno.EMFILE, errno.EMFILE)
    with pytest.raises(JournalBroken):
        await journal.append(0, b"refused", 1)
    assert await journal.append(0, b"after", 1) == 1


async def test_what_nobody_foresaw_breaks_the_group_only(
    journal: Journal, disk: FaultyDisk, caplog: pytest.LogCaptureFixture
) -> None:
    await journal.append(0, b"before", 1)
    disk.fail("fdatasync", MemoryError("of all things"))
    with pytest.raises(JournalBroken) as refused:
        await journal.append(0, b"refused", 1)
    assert isinstance(refused.value.__cause__, MemoryError)
    assert "of all things" in caplog.text
    assert await journal.append(0, b"after", 1) == 2
    assert len(segment_files(journal.path)) == 2, "the first is not trusted any more"
    assert read_after_a_crash(journal) == [(1, b"before"), (2, b"after")]


async def test_every_waiter_of_a_refused_group_is_told_by_an_exception_of_its_own(
    journal: Journal, disk: FaultyDisk
) -> None:
    disk.hold()
    first = journal.append(0, b"", 1)
    await disk.held()
    rest = [journal.append(0, b"", 1) for _ in range(3)]
    rest[1].cancel()
    disk.fail("fdatasync", errno.EIO, errno.EIO)
    disk.release()
    assert await first == 1
    told = await asyncio.gather(*rest, return_exceptions=True)
    assert [type(refusal) for refusal in told] == [JournalBroken, asyncio.CancelledError, JournalBroken]
    assert told[0] is not told[2]


def _mount(where: Path, *, size: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", bytes(where), b"tmpfs", 0, f"size={size}".encode()):
        pytest.skip(f"a file system cannot be mounted here: {os.strerror(ctypes.get_errno())}")


def _unmount(where: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.umount2(bytes(where), 2) == 0, os.strerror(ctypes.get_errno())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KiB."""
    where = tmp_path / "small"
    where.mkdir()
    _mount(where, size=256 << 10)
    yield where
    _unmount(where)


async def filled(journal: Journal) -> None:
    while True:
        await journal.append(0, PAYLOAD * 50, 1)


async def test_a_real_disk_fills_up_and_is_freed(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(128 << 10))
    durable: list[Entry] = []
    async with Journal.open(small_disk / "journals", on_durable=durable.extend, clock=lambda: NOW) as journal:
        with pytest.raises(JournalFull):
            await filled(journal)
        kept = len(durable)
        assert kept > 0
        assert sum(file.stat().st_size for file in segment_files(journal.path)) == journal.end
        with pytest.raises(JournalFull):
            await journal.append(0, PAYLOAD * 200, 1)
        ballast.unlink()
        assert await journal.append(0, PAYLOAD * 200, 1) == kept + 1
    with adopted(small_disk / "journals", journal.id) as orphan:
        assert payloads(orphan) == [PAYLOAD * 50] * kept + [PAYLOAD * 200]
