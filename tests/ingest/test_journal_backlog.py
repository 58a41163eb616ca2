"""Reading a journal back from disk, whatever became of it there, and deleting what is safe to delete."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ingest.journal import KEEP_MS, Damage, Entry, Journal, Orphan, Retired
from ingest.journal.appender import ROLL_MS
from ingest.journal.frame import FRAME_BYTES, SEGMENT_BYTES, Reason
from tests.ingest.journalling import NOW, FaultyDisk, adopted, drain, frame_offsets, payloads, retired, segment_files

THREE = [b"the first", b"the middle one", b"the last"]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def damages() -> list[Damage]:
    return []


@pytest.fixture
async def journal(tmp_path: Path, clock: Clock, disk: FaultyDisk, damages: list[Damage]) -> AsyncIterator[Journal]:
    async with Journal.open(
        tmp_path, on_durable=lambda _: None, on_damage=damages.append, clock=clock, disk=disk
    ) as journal:
        yield journal


@pytest.fixture
async def ended(tmp_path: Path) -> str:
    """The id of a journal whose worker has ended, with the three records of one partition in one segment."""
    async with Journal.open(tmp_path, on_durable=lambda _: None, clock=lambda: NOW) as journal:
        for payload in THREE:
            await journal.append(0, payload, 1)
    return journal.id


@pytest.fixture
async def in_three(tmp_path: Path) -> str:
    """The same, each record in a segment of its own."""
    async with Journal.open(tmp_path, on_durable=lambda _: None, clock=lambda: NOW, segment_bytes=1) as journal:
        for payload in THREE:
            await journal.append(0, payload, 1)
    assert len(segment_files(journal.path)) == 3
    return journal.id


# -- what is read


@pytest.mark.parametrize("limit", [1, 100, 1 << 20])
async def test_a_reader_goes_on_where_it_was(journal: Journal, limit: int) -> None:
    reader = journal.reader(0, 0)
    assert reader.read(limit) == []
    await asyncio.gather(*(journal.append(n % 2, b"%d" % n * 50, 1) for n in range(20)))
    assert [entry.payload for entry in drain(reader, limit)] == [b"%d" % n * 50 for n in range(0, 20, 2)]
    assert reader.read(limit) == []
    await journal.append(0, b"later", 3)
    assert drain(reader, limit) == [Entry(0, 13, 3, NOW, b"later", None)]


async def test_a_reader_begins_behind_what_is_known(journal: Journal) -> None:
    for payload in (b"1-2", b"3-4", b"5-6"):
        await journal.append(0, payload, 2)
    assert payloads(journal, after=0) == [b"1-2", b"3-4", b"5-6"]
    assert payloads(journal, after=4) == [b"5-6"]
    assert payloads(journal, after=6) == []


async def test_a_record_may_be_larger_than_what_is_read_at_once(journal: Journal) -> None:
    await asyncio.gather(*(journal.append(0, payload, 1) for payload in (b"small", bytes(300_000), b"small")))
    assert [len(entry.payload) for entry in drain(journal.reader(0, 0), limit=1_000)] == [5, 300_000, 5]


async def test_a_reader_never_passes_the_durable_end(journal: Journal, disk: FaultyDisk) -> None:
    await journal.append(0, b"durable", 1)
    disk.hold()
    waiter = journal.append(0, b"written", 1)
    await disk.held()
    assert b"written" in segment_files(journal.path)[0].read_bytes()
    reader = journal.reader(0, 0)
    assert [entry.payload for entry in drain(reader)] == [b"durable"]
    disk.release()
    await waiter
    assert [entry.payload for entry in drain(reader)] == [b"written"]


async def test_a_reader_may_be_overtaken_by_retirement(journal: Journal, clock: Clock) -> None:
    for payload in THREE:
        await journal.append(0, payload, 1)
        clock.now += ROLL_MS
    slow, fresh = journal.reader(0, 0), journal.reader(0, 0)
    assert [entry.seq for entry in slow.read(1)] == [1]
    assert (await retired(journal, {0: 2})).segments == 2
    assert [entry.seq for entry in drain(slow)] == [3]
    assert [entry.seq for entry in drain(fresh)] == [3]


async def test_a_segment_that_is_retired_while_it_is_to_be_read_is_no_damage(
    journal: Journal, damages: list[Damage], monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.append(0, b"", 1)
    reader = journal.reader(0, 0)
    chosen = iter([*journal.segments, None])
    assert (await retired(journal, {0: 1})).segments == 1
    monkeypatch.setattr(reader, "_segment", lambda: next(chosen))
    assert (reader.read(), damages) == ([], [])


async def test_a_read_that_falls_short_is_carried_on(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    for payload in THREE:
        await journal.append(0, payload, 1)
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, length, offset: pread(fd, min(length, 7), offset))
    assert payloads(journal) == THREE


# -- segments


async def test_segments_roll_by_size(tmp_path: Path) -> None:
    one = FRAME_BYTES + 100
    async with Journal.open(
        tmp_path, on_durable=lambda _: None, clock=lambda: NOW, segment_bytes=SEGMENT_BYTES + 2 * one
    ) as journal:
        for _ in range(5):
            await journal.append(0, bytes(100), 1)
        ends = [
            SEGMENT_BYTES + 2 * one,
            2 * (SEGMENT_BYTES + 2 * one),
            2 * (SEGMENT_BYTES + 2 * one) + SEGMENT_BYTES + one,
        ]
        assert [segment.end for segment in journal.segments] == ends
        assert [file.name for file in segment_files(journal.path)] == [f"{at:016x}.log" for at in (0, *ends[:2])]
        assert sum(file.stat().st_size for file in segment_files(journal.path)) == journal.size_bytes == journal.end
        assert len(payloads(journal)) == 5


async def test_segments_roll_by_age(journal: Journal, clock: Clock) -> None:
    for step, segments in [(0, 1), (ROLL_MS - 1, 1), (1, 2), (ROLL_MS, 3)]:
        clock.now += step
        await journal.append(0, b"", 1)
        assert len(segment_files(journal.path)) == segments
    assert len(payloads(journal)) == 4


# -- retirement


async def test_a_segment_is_kept_until_it_has_been_fenced_for_five_minutes(journal: Journal, clock: Clock) -> None:
    await journal.append(0, b"", 2)
    await journal.append(5, b"", 1)
    clock.now += ROLL_MS
    await journal.append(0, b"", 1)
    long_ago, fenced_at = NOW + 7 * KEEP_MS, NOW + 9 * KEEP_MS
    for fences, now, segments in [
        ({}, long_ago, 0),
        ({0: 1, 5: 1}, long_ago, 0),
        ({0: 1, 5: 1}, long_ago + KEEP_MS + 1, 0),
        ({0: 2}, long_ago, 0),
        ({0: 2}, long_ago + KEEP_MS + 1, 0),
        ({0: 2, 5: 1}, fenced_at, 0),
        ({0: 2, 5: 1}, fenced_at + KEEP_MS, 0),
        ({0: 2, 5: 1}, fenced_at + KEEP_MS + 1, 1),
    ]:
        assert (await journal.retire(fences, now)).segments == segments, (fences, now)
    assert len(segment_files(journal.path)) == len(journal.segments) == 1


async def test_the_five_minutes_begin_anew_where_redis_lost_the_segment(journal: Journal) -> None:
    await journal.append(0, b"", 1)
    for fence, minutes, segments in [(1, 0, 0), (0, 4, 0), (1, 5, 0), (1, 10, 0), (1, 11, 1)]:
        assert (await journal.retire({0: fence}, NOW + minutes * 60_000)).segments == segments, minutes


async def test_the_five_minutes_begin_anew_where_the_segment_grows(journal: Journal) -> None:
    await journal.append(0, b"", 1)
    assert (await journal.retire({0: 1}, NOW)).segments == 0
    await journal.append(0, b"", 1)
    assert (await journal.retire({0: 2}, NOW + KEEP_MS + 1)).segments == 0
    assert (await journal.retire({0: 2}, NOW + 2 * KEEP_MS + 2)).segments == 1


async def test_segments_go_in_their_order(journal: Journal, clock: Clock) -> None:
    await journal.append(1, b"not fenced", 1)
    clock.now += ROLL_MS
    await journal.append(0, b"fenced", 1)
    assert await retired(journal, {0: 1}) == Retired(0, 0, gone=False)


async def test_an_idle_journal_shrinks_to_nothing_and_grows_again(journal: Journal) -> None:
    await journal.append(0, b"old", 1)
    end = journal.end
    assert await retired(journal, {0: 1}) == Retired(1, end, gone=False)
    assert (segment_files(journal.path), journal.size_bytes, payloads(journal)) == ([], 0, [])
    assert await journal.append(0, b"new", 1) == 2
    assert [file.name for file in segment_files(journal.path)] == [f"{end:016x}.log"]
    assert payloads(journal) == [b"new"]


async def test_the_segment_that_is_written_to_stays(journal: Journal, disk: FaultyDisk) -> None:
    await journal.append(0, b"old", 1)
    disk.hold()
    waiter = journal.append(0, b"new", 1)
    await disk.held()
    assert (await retired(journal, {0: 1})).segments == 0
    disk.release()
    await waiter
    assert payloads(journal) == [b"old", b"new"]


async def test_what_cannot_be_deleted_is_still_counted_and_tried_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.append(0, b"", 1)
    size = journal.size_bytes

    def refuse(path: Path, missing_ok: bool) -> None:
        raise OSError(errno.EIO, str(path), missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OSError, match="log"):
        await retired(journal, {0: 1})
    assert journal.size_bytes == size
    monkeypatch.undo()
    assert (await retired(journal, {0: 1})).segments == 1
    assert segment_files(journal.path) == []


# -- damage


async def test_a_cut_at_every_byte_leaves_the_records_before_it(tmp_path: Path, ended: str) -> None:
    file = segment_files(tmp_path / ended)[0]
    whole = file.read_bytes()
    *begins, end = frame_offsets([len(payload) for payload in THREE])
    assert end == len(whole)
    for cut in range(len(whole)):
        file.write_bytes(whole[:cut])
        damages: list[Damage] = []
        with adopted(tmp_path, ended, damages) as orphan:
            complete = [payload for payload, stop in zip(THREE, [*begins[1:], end], strict=True) if cut >= stop]
            assert (payloads(orphan), damages) == (complete, []), cut
            assert orphan.durable(0) == len(complete)
            tear = max([0, *(at for at in (*begins, end) if at <= cut)])
            assert file.stat().st_size == orphan.end == tear, cut


@pytest.mark.parametrize("zeros", [1, 40, 5_000])
async def test_zeros_at_the_end_are_cut_off(tmp_path: Path, ended: str, zeros: int) -> None:
    file = segment_files(tmp_path / ended)[0]
    whole = file.read_bytes()
    file.write_bytes(whole + bytes(zeros))
    damages: list[Damage] = []
    with adopted(tmp_path, ended, damages) as orphan:
        assert (payloads(orphan), damages) == (THREE, [])
    assert file.read_bytes() == whole


async def test_a_segment_of_nothing_but_zeros_is_empty(tmp_path: Path, ended: str) -> None:
    file = segment_files(tmp_path / ended)[0]
    file.write_bytes(bytes(10_000))
    damages: list[Damage] = []
    with adopted(tmp_path, ended, damages) as orphan:
        assert (payloads(orphan), damages, file.stat().st_size) == ([], [], 0)


async def test_every_flipped_bit_of_a_record_costs_that_record_and_is_told(tmp_path: Path, ended: str) -> None:
    file = segment_files(tmp_path / ended)[0]
    whole = file.read_bytes()
    _, begin, stop, _ = frame_offsets([len(payload) for payload in THREE])
    for bit in range(begin * 8, stop * 8):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(changed)
        damages: list[Damage] = []
        with adopted(tmp_path, ended, damages) as orphan:
            found = drain(orphan.reader(0, 0))
        assert [(entry.seq, entry.payload) for entry in found] == [(1, THREE[0]), (3, THREE[2])], bit
        reason: Reason = "header" if bit < (begin + FRAME_BYTES) * 8 else "payload"
        assert damages == [Damage(ended, file.name, begin, stop - begin, reason)], bit
        assert found[1].seq - found[1].count - found[0].seq == 1, "the numbers tell how many events were lost"
        aside = tmp_path / "aside" / f"{ended}-{0:016x}-{begin}.bad"
        assert aside.read_bytes() == changed[begin:stop]
        aside.unlink()


async def test_damage_in_a_living_journal_is_told_once(
    journal: Journal, damages: list[Damage], caplog: pytest.LogCaptureFixture
) -> None:
    for payload in THREE:
        await journal.append(0, payload, 1)
    file = segment_files(journal.path)[0]
    _, begin, stop, _ = frame_offsets([len(payload) for payload in THREE])
    changed = bytearray(file.read_bytes())
    changed[stop - 1] ^= 1
    file.write_bytes(changed)
    for _ in range(3):
        assert payloads(journal) == [THREE[0], THREE[2]]
    assert damages == [Damage(journal.id, file.name, begin, stop - begin, "payload")]
    assert caplog.text.count("journal is damaged") == 1


async def test_damage_that_cannot_be_set_aside_does_not_stop_the_reading(tmp_path: Path, ended: str) -> None:
    (tmp_path / "aside").write_text("not a directory")
    file = segment_files(tmp_path / ended)[0]
    changed = bytearray(file.read_bytes())
    changed[SEGMENT_BYTES] ^= 1
    file.write_bytes(changed)
    damages: list[Damage] = []
    with adopted(tmp_path, ended, damages) as orphan:
        assert payloads(orphan) == THREE[1:]
    assert len(damages) == 1


async def test_a_damaged_segment_header_costs_no_record(tmp_path: Path, ended: str) -> None:
    file = segment_files(tmp_path / ended)[0]
    whole = file.read_bytes()
    for bit in range(0, SEGMENT_BYTES * 8, 7):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(changed)
        damages: list[Damage] = []
        with adopted(tmp_path, ended, damages) as orphan:
            assert payloads(orphan) == THREE
        assert damages == [Damage(ended, file.name, 0, SEGMENT_BYTES, "header")]


async def test_a_stretch_of_damage_that_is_longer_than_a_read_is_one_damage(tmp_path: Path, ended: str) -> None:
    file = segment_files(tmp_path / ended)[0]
    whole = file.read_bytes()
    begin = SEGMENT_BYTES
    file.write_bytes(whole[:begin] + b"\xff" * 3_000_000 + whole[begin:])
    damages: list[Damage] = []
    with adopted(tmp_path, ended, damages) as orphan:
        assert [entry.payload for entry in drain(orphan.reader(0, 0), limit=1_000)] == THREE
    assert damages == [Damage(ended, file.name, begin, 3_000_000, "header")]


async def test_a_segment_that_is_shorter_than_it_was_is_damaged(tmp_path: Path, in_three: str) -> None:
    _, middle, _ = segment_files(tmp_path / in_three)
    whole = middle.read_bytes()
    middle.write_bytes(whole[:-1])
    damages: list[Damage] = []
    with adopted(tmp_path, in_three, damages) as orphan:
        assert payloads(orphan) == [THREE[0], THREE[2]]
        assert damages == [Damage(in_three, middle.name, SEGMENT_BYTES, len(whole) - SEGMENT_BYTES, "missing")]


async def test_a_segment_that_is_missing_is_told(tmp_path: Path, in_three: str) -> None:
    first, middle, _ = segment_files(tmp_path / in_three)
    missing = middle.stat().st_size
    whole = first.stat().st_size
    middle.unlink()
    damages: list[Damage] = []
    with adopted(tmp_path, in_three, damages) as orphan:
        assert payloads(orphan) == [THREE[0], THREE[2]]
        assert damages == [Damage(in_three, first.name, whole, missing, "missing")]


async def test_a_segment_that_vanishes_from_a_living_journal_is_told(
    journal: Journal, clock: Clock, damages: list[Damage]
) -> None:
    for payload in THREE:
        await journal.append(0, payload, 1)
        clock.now += ROLL_MS
    middle = segment_files(journal.path)[1]
    length = middle.stat().st_size
    middle.unlink()
    assert payloads(journal) == [THREE[0], THREE[2]]
    assert damages == [Damage(journal.id, middle.name, 0, length, "missing")]


async def test_a_number_that_was_passed_is_not_given_again(tmp_path: Path, ended: str) -> None:
    file = segment_files(tmp_path / ended)[0]
    whole = file.read_bytes()
    _, begin, _, end = frame_offsets([len(payload) for payload in THREE])
    file.write_bytes(whole + whole[begin:end])
    with adopted(tmp_path, ended) as orphan:
        assert payloads(orphan) == THREE


async def test_what_another_version_wrote_is_left_alone(
    tmp_path: Path, ended: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = segment_files(tmp_path / ended)[0].read_bytes()
    monkeypatch.setattr("ingest.journal.frame.VERSION", 2)
    assert Orphan.adopt(tmp_path, ended) is None
    assert "is of version 1" in caplog.text
    monkeypatch.undo()
    with adopted(tmp_path, ended) as orphan:
        assert payloads(orphan) == THREE
    assert segment_files(tmp_path / ended)[0].read_bytes() == before
