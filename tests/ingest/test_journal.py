"""Group commit: when an append is done, what shares a sync, and what is refused."""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from ingest.errors import JournalBusy, JournalClosed, JournalFull
from ingest.journal import Entry, Journal, Orphan, directory, journals
from ingest.journal.backlog import KEEP_MS
from ingest.journal.frame import FRAME_BYTES, SEGMENT_BYTES
from ingest.journal.journal import GROUP_BYTES
from store.event import Record
from tests.ingest.journalling import NOW, FaultyDisk, adopted, payloads, segment_files
from tests.waiting import until

Open = Callable[..., AbstractAsyncContextManager[Journal]]


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def durable() -> list[Entry]:
    """What the journal handed on, in order."""
    return []


@pytest.fixture
def open_journal(tmp_path: Path, disk: FaultyDisk, durable: list[Entry]) -> Open:
    return partial(Journal.open, tmp_path, on_durable=durable.extend, clock=lambda: NOW, disk=disk)


@pytest.fixture
async def journal(open_journal: Open) -> AsyncIterator[Journal]:
    async with open_journal() as journal:
        yield journal


async def test_an_append_is_done_when_it_is_synced_and_not_before(
    journal: Journal, disk: FaultyDisk, durable: list[Entry]
) -> None:
    disk.hold()
    waiter = journal.append(0, b"payload", 2)
    await disk.held()
    assert b"payload" in segment_files(journal.path)[0].read_bytes()
    assert not waiter.done()
    assert (durable, journal.end, payloads(journal)) == ([], 0, [])
    disk.release()
    assert await waiter == 2
    assert disk.calls[-2:] == [("fdatasync", "0000000000000000.log"), ("fsync", "directory")]
    assert [entry.seq for entry in durable] == [2]
    assert payloads(journal) == [b"payload"]


async def test_what_arrives_during_a_sync_shares_the_next(journal: Journal, disk: FaultyDisk) -> None:
    disk.hold()
    first = journal.append(0, b"0", 1)
    await disk.held()
    rest = [journal.append(0, b"%d" % n, 1) for n in range(1, 500)]
    disk.release()
    await asyncio.gather(first, *rest)
    assert disk.count("fdatasync") == 2
    assert disk.count("pwrite") == 2
    assert (journal.groups, journal.events) == (2, 500)
    assert payloads(journal) == [b"%d" % n for n in range(500)]


async def test_what_one_turn_of_the_loop_appends_shares_a_sync(journal: Journal, disk: FaultyDisk) -> None:
    await asyncio.gather(*(journal.append(0, b"", 1) for _ in range(50)))
    assert disk.count("fdatasync") == 1


async def test_numbers_run_for_each_partition_and_count_events(journal: Journal, durable: list[Entry]) -> None:
    record = Record("site", [])
    seqs = [
        await journal.append(partition, b"p", count, record) for partition, count in [(0, 3), (7, 1), (0, 2), (7, 5)]
    ]
    assert seqs == [3, 1, 5, 6]
    assert durable == [
        Entry(0, 3, 3, NOW, b"", record),
        Entry(7, 1, 1, NOW, b"", record),
        Entry(0, 5, 2, NOW, b"", record),
        Entry(7, 6, 5, NOW, b"", record),
    ]
    assert [journal.durable(partition) for partition in (0, 7, 8)] == [5, 6, 0]
    assert [len(payloads(journal, partition)) for partition in (0, 7, 8)] == [2, 2, 0]


async def test_an_entry_without_a_record_keeps_its_payload(journal: Journal, durable: list[Entry]) -> None:
    await journal.append(0, b"payload", 1)
    assert durable == [Entry(0, 1, 1, NOW, b"payload", None)]


async def test_entries_are_handed_on_in_order_before_their_waiters_go_on(
    journal: Journal, durable: list[Entry]
) -> None:
    async def sender() -> None:
        for _ in range(50):
            seq = await journal.append(0, b"", 1)
            assert durable[seq - 1].seq == seq

    await asyncio.gather(*(sender() for _ in range(20)))
    assert [entry.seq for entry in durable] == list(range(1, 1001))


async def test_a_cancelled_waiter_harms_no_other(journal: Journal, disk: FaultyDisk, durable: list[Entry]) -> None:
    disk.hold()
    flying = [journal.append(0, b"0", 1), journal.append(0, b"1", 1)]
    await disk.held()
    gathering = [journal.append(0, b"2", 1), journal.append(0, b"3", 1)]
    flying[0].cancel()
    gathering[0].cancel()
    disk.release()
    assert [await flying[1], await gathering[1]] == [2, 4]
    assert [entry.seq for entry in durable] == [1, 2, 3, 4]
    assert payloads(journal) == [b"0", b"1", b"2", b"3"]


async def test_a_receiver_that_raises_stops_nothing(open_journal: Open, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(entries: list[Entry]) -> None:
        raise RuntimeError(f"not today: {len(entries)}")

    async with open_journal(on_durable=refuse) as journal:
        assert [await journal.append(0, b"", 1) for _ in range(3)] == [1, 2, 3]
    assert "not today" in caplog.text


async def test_a_full_quota_refuses_and_takes_again_when_there_is_room(open_journal: Open) -> None:
    frame = FRAME_BYTES + 100
    quota = 3 * (SEGMENT_BYTES + frame)
    async with open_journal(quota_bytes=quota, segment_bytes=1) as journal:
        for _ in range(3):
            await journal.append(0, bytes(100), 1)
        assert journal.size_bytes == quota
        with pytest.raises(JournalFull) as refused:
            await journal.append(0, bytes(100), 1)
        assert refused.value.retry_after
        await journal.retire({0: 1}, NOW)
        retired = await journal.retire({0: 1}, NOW + KEEP_MS + 1)
        assert (retired.segments, retired.size_bytes) == (1, SEGMENT_BYTES + frame)
        assert await journal.append(0, bytes(100), 1) == 4


async def test_the_quota_counts_what_still_waits(open_journal: Open, disk: FaultyDisk) -> None:
    async with open_journal(quota_bytes=2 * (FRAME_BYTES + 100)) as journal:
        disk.hold()
        flying = journal.append(0, bytes(100), 1)
        await disk.held()
        gathering = journal.append(0, bytes(100), 1)
        with pytest.raises(JournalFull):
            journal.append(0, b"", 1)
        disk.release()
        await asyncio.gather(flying, gathering)


async def test_memory_is_bounded_while_the_disk_is_slow(journal: Journal, disk: FaultyDisk) -> None:
    disk.hold()
    flying = journal.append(0, b"", 1)
    await disk.held()
    quarter = bytes(GROUP_BYTES // 4)
    gathering = [journal.append(0, quarter, 1) for _ in range(3)]
    with pytest.raises(JournalBusy) as refused:
        journal.append(0, quarter, 1)
    assert refused.value.retry_after
    disk.release()
    await asyncio.gather(flying, *gathering)
    assert await journal.append(0, bytes(GROUP_BYTES + 1), 1) == 5, "a record that is larger than a group flies alone"


async def test_what_cannot_be_framed_is_refused_alone(journal: Journal) -> None:
    waiter = journal.append(0, b"", 1)
    with pytest.raises(ValueError, match="no frame holds"):
        journal.append(0, b"", 0)
    assert await waiter == 1


async def test_closing_syncs_what_was_appended_and_takes_no_more(
    tmp_path: Path, open_journal: Open, disk: FaultyDisk, durable: list[Entry]
) -> None:
    async with open_journal() as journal:
        disk.hold()
        flying = journal.append(0, b"flying", 1)
        await disk.held()
        gathering = journal.append(0, b"gathering", 1)
        asyncio.get_running_loop().call_soon(disk.release)
    assert [flying.result(), gathering.result()] == [1, 2]
    assert len(durable) == 2
    with pytest.raises(JournalClosed):
        journal.append(0, b"", 1)
    with adopted(tmp_path, journal.id) as orphan:
        assert payloads(orphan) == [b"flying", b"gathering"]


async def test_a_journal_whose_closing_is_cancelled_keeps_its_lock(
    tmp_path: Path, open_journal: Open, disk: FaultyDisk
) -> None:
    opened: list[Journal] = []

    async def worker() -> None:
        async with open_journal() as journal:
            opened.append(journal)
            disk.hold()
            journal.append(0, b"still being written", 1)
            await disk.held()

    task = asyncio.create_task(worker())
    await until(lambda: opened and opened[0]._closed)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert Orphan.adopt(tmp_path, opened[0].id) is None
    disk.release()
    await until(lambda: opened[0].durable(0) == 1)
    await opened[0]._close()


async def test_a_new_journal_that_another_worker_takes_for_an_orphan_is_left_to_it(
    tmp_path: Path, open_journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Path] = []
    take = directory.take

    def too_late(path: Path) -> int | None:
        monkeypatch.undo()
        taken.append(path)
        return None

    monkeypatch.setattr(directory, "take", too_late)
    async with open_journal() as journal:
        assert await journal.append(0, b"", 1) == 1
        assert journal.path not in taken
    assert directory.take is take


async def test_a_journal_is_closed_where_its_user_fails(tmp_path: Path, open_journal: Open) -> None:
    async def worker() -> None:
        async with open_journal() as journal:
            await journal.append(0, b"safe", 1)
            raise RuntimeError("the worker failed")

    with pytest.raises(RuntimeError, match="the worker failed"):
        await worker()
    with adopted(tmp_path, journals(tmp_path)[0]) as orphan:
        assert payloads(orphan) == [b"safe"]


async def test_an_empty_journal_leaves_nothing_behind(tmp_path: Path, open_journal: Open) -> None:
    async with open_journal() as journal:
        assert journals(tmp_path) == [journal.id]
    assert journals(tmp_path) == []


async def test_only_their_owner_can_read_the_files(tmp_path: Path, open_journal: Open) -> None:
    root = tmp_path / "data" / "journals"
    async with Journal.open(root, on_durable=lambda _: None, clock=lambda: NOW) as journal:
        await journal.append(0, b"", 1)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (root, journal.path, *journal.path.iterdir())}
    assert modes == {"journals": 0o700, journal.id: 0o700, "lock": 0o600, "0000000000000000.log": 0o600}


async def test_journals_are_named_so_that_they_sort_by_age(tmp_path: Path, open_journal: Open) -> None:
    made: list[str] = []
    times = [5, 999, NOW, NOW + 1]
    for time in times:
        async with open_journal(clock=partial(int, time)) as journal:
            await journal.append(0, b"", 1)
            made.append(journal.id)
    (tmp_path / "aside").mkdir()
    assert journals(tmp_path) == made
    assert [int(id_[:13], 16) for id_ in made] == times


async def test_the_thread_ends_with_the_journal(open_journal: Open, caplog: pytest.LogCaptureFixture) -> None:
    async with open_journal() as journal:
        assert journal._thread.is_alive()
        assert journal._thread.name == f"journal-{journal.id}"
    assert not journal._thread.is_alive()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
