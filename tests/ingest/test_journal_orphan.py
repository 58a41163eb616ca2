"""Journals outlive their workers: who may take one over, what is in it after a kill -9, and when it is gone."""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ingest.journal import KEEP_MS, Damage, Journal, Orphan, Retired, directory, journals
from tests.ingest.journalling import NOW, PATIENCE_S, adopted, drain, payloads, retired, segment_files

APPENDING = """
import asyncio, sys, time
from pathlib import Path
from ingest.journal import Journal

async def sender(journal, partition):
    n = 0
    while True:
        n += 1
        payload = b"%d/%d/" % (partition, n) + b"." * (n % 900)
        seq = await journal.append(partition, payload, 1)
        print(partition, seq, n, flush=True)

async def main():
    root, clock = Path(sys.argv[1]), lambda: time.time_ns() // 1_000_000
    async with Journal.open(root, on_durable=lambda _: None, clock=clock, segment_bytes=100_000) as journal:
        await asyncio.gather(*(sender(journal, partition) for partition in range(8)))

asyncio.run(main())
"""

ADOPTING = """
import sys
from pathlib import Path
from ingest.journal import Orphan

for line in sys.stdin:
    orphan = Orphan.adopt(Path(sys.argv[1]), line.strip())
    print("won" if orphan else "lost", flush=True)
    sys.stdin.readline()
    if orphan:
        orphan.close()
    print("let go", flush=True)
"""


@asynccontextmanager
async def process(program: str, root: Path) -> AsyncIterator[Process]:
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(root), stdin=PIPE, stdout=PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()}
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def say(process: Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n".encode())
    await process.stdin.drain()


async def told(process: Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode().strip()


def numbers(line: str) -> tuple[int, int, int]:
    partition, seq, n = map(int, line.split())
    return partition, seq, n


async def leave_behind(root: Path, *records: bytes, segment_bytes: int = 1 << 20) -> str:
    """The id of a journal whose worker has ended."""
    async with Journal.open(root, on_durable=lambda _: None, clock=lambda: NOW, segment_bytes=segment_bytes) as journal:
        for payload in records:
            await journal.append(0, payload, 1)
    return journal.id


@pytest.mark.parametrize("seed", range(5))
async def test_what_was_acknowledged_before_a_kill_is_all_there(tmp_path: Path, seed: int) -> None:
    moment = random.Random(seed).randrange(1, 3_000)
    acknowledged: list[tuple[int, int, int]] = []
    async with process(APPENDING, tmp_path) as worker:
        assert worker.stdout is not None
        while len(acknowledged) < moment:
            acknowledged.append(numbers(await told(worker)))
        worker.send_signal(signal.SIGKILL)
        rest = (await worker.stdout.read()).decode().splitlines(keepends=True)
        acknowledged += [numbers(line) for line in rest if line.endswith("\n")]
    (journal,) = journals(tmp_path)
    damages: list[Damage] = []
    with adopted(tmp_path, journal, damages) as orphan:
        found = {partition: drain(orphan.reader(partition, 0)) for partition in range(8)}
    assert damages == []
    for partition, seq, n in acknowledged:
        assert found[partition][seq - 1].payload.startswith(b"%d/%d/" % (partition, n))
    for entries in found.values():
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1)), "without a gap, each once"


async def test_of_two_processes_that_want_a_journal_one_gets_it(tmp_path: Path) -> None:
    ids = [await leave_behind(tmp_path, b"record") for _ in range(10)]
    async with process(ADOPTING, tmp_path) as one, process(ADOPTING, tmp_path) as other:
        for id_ in ids:
            await asyncio.gather(say(one, id_), say(other, id_))
            assert sorted(await asyncio.gather(told(one), told(other))) == ["lost", "won"]
            assert Orphan.adopt(tmp_path, id_) is None
            await asyncio.gather(say(one, ""), say(other, ""))
            assert {*await asyncio.gather(told(one), told(other))} == {"let go"}
            with adopted(tmp_path, id_) as orphan:
                assert payloads(orphan) == [b"record"]


async def test_a_journal_whose_worker_lives_is_no_orphan(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, on_durable=lambda _: None, clock=lambda: NOW) as journal:
        await journal.append(0, b"", 1)
        assert Orphan.adopt(tmp_path, journal.id) is None
    with adopted(tmp_path, journal.id):
        assert Orphan.adopt(tmp_path, journal.id) is None


async def test_a_journal_that_is_gone_cannot_be_adopted(tmp_path: Path) -> None:
    assert Orphan.adopt(tmp_path, "0018bcfe56800-9f03c1d2") is None
    assert journals(tmp_path / "nowhere") == []


async def test_a_lock_is_worth_nothing_once_its_journal_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner before removes the journal between another's opening of the lock file and its flock."""
    id_ = await leave_behind(tmp_path, b"record")
    flock = fcntl.flock

    def removed_first(lock: int, operation: int) -> None:
        monkeypatch.undo()
        segment_files(tmp_path / id_)[0].unlink()
        directory.remove(tmp_path / id_)
        flock(lock, operation)

    monkeypatch.setattr(fcntl, "flock", removed_first)
    assert Orphan.adopt(tmp_path, id_) is None
    assert journals(tmp_path) == []


async def test_an_orphan_goes_segment_by_segment_and_then_as_a_whole(tmp_path: Path) -> None:
    id_ = await leave_behind(tmp_path, b"one", b"two", b"three", segment_bytes=1)
    with adopted(tmp_path, id_) as orphan:
        assert orphan.durable(0) == 3
        assert await orphan.retire({0: 2}, NOW) == Retired(0, 0, gone=False)
        assert await orphan.retire({0: 2}, NOW + KEEP_MS) == Retired(0, 0, gone=False)
        assert (await orphan.retire({0: 2}, NOW + KEEP_MS + 1)).segments == 2
        assert payloads(orphan) == [b"three"]
        last = await retired(orphan, {0: 3})
        assert (last.segments, last.gone, orphan.size_bytes) == (1, True, 0)
        assert journals(tmp_path) == []
        assert orphan.durable(0) == 3
        assert await retired(orphan, {0: 3}) == Retired(0, 0, gone=False)


async def test_an_orphan_knows_how_far_each_partition_goes(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, on_durable=lambda _: None, clock=lambda: NOW, segment_bytes=1) as journal:
        for partition, count in [(0, 1), (1, 4), (0, 2)]:
            await journal.append(partition, b"", count)
    with adopted(tmp_path, journal.id) as orphan:
        assert [orphan.durable(partition) for partition in range(3)] == [3, 4, 0]
        assert [entry.seq for entry in drain(orphan.reader(0, 1))] == [3]


async def test_an_orphan_is_not_deleted_by_who_gave_it_back(tmp_path: Path) -> None:
    id_ = await leave_behind(tmp_path, b"record")
    with adopted(tmp_path, id_) as orphan:
        pass
    assert await retired(orphan, {0: 1}) == Retired(0, 0, gone=False)
    assert journals(tmp_path) == [id_]


async def test_an_orphan_without_segments_goes_at_once(tmp_path: Path) -> None:
    path, lock = directory.create(tmp_path, NOW)
    os.close(lock)
    with adopted(tmp_path, path.name) as orphan:
        assert (await orphan.retire({}, NOW)).gone
    assert journals(tmp_path) == []


async def test_what_was_deleted_stays_so_before_the_lock_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = await leave_behind(tmp_path, b"record")
    synced: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(directory, "sync", lambda path: synced.append((path.name, os.listdir(path))))
    with adopted(tmp_path, id_) as orphan:
        assert (await retired(orphan, {0: 1})).gone
    assert synced == [("past", [id_]), (id_, ["lock"])]


async def test_a_journal_with_segments_is_never_removed_as_a_whole(tmp_path: Path) -> None:
    id_ = await leave_behind(tmp_path, b"record")
    with pytest.raises(OSError, match="still has segments"):
        directory.remove(tmp_path / id_)
    with adopted(tmp_path, id_) as orphan:
        assert payloads(orphan) == [b"record"]
