"""From the journal into Redis: whatever happens in between, what was acknowledged is counted, and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import UnixDomainSocketConnection

from ingest import forwarder as forwarder_module
from ingest import lane
from ingest.journal import KEEP_MS, Journal, past
from store.buckets import DAY_MS
from store.commit import Batch
from store.event import Record, encode
from store.functions import Functions, Reply
from store.keys import PartitionKeys, SiteKeys, partition_of
from tests.ingest.rig import KEYS, clock, counted, everywhere, rig
from tests.proxy import Proxy, proxy_to
from tests.store.batches import page_view
from tests.waiting import until

NOW = clock() // DAY_MS * DAY_MS + DAY_MS // 2  # noon: no test runs into another day


DAY = datetime.fromtimestamp(NOW / 1000, UTC).date().isoformat()


def view(number: int = 0, **fields: Any) -> Any:
    return page_view(at=NOW, url=f"https://shop.example/{number}", user=f"u{number}", **fields)


@pytest.fixture
async def proxy(redis: Redis) -> AsyncIterator[Proxy]:
    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        settings = redis.connection_pool.connection_kwargs
        if issubclass(redis.connection_pool.connection_class, UnixDomainSocketConnection):
            return await asyncio.open_unix_connection(settings["path"])
        return await asyncio.open_connection(settings["host"], settings["port"])

    async with proxy_to(connect) as proxy:
        yield proxy


async def test_what_is_acknowledged_is_counted(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with rig(redis_url, tmp_path) as worker:
        await worker.send(view(1), view(2))
        await worker.send(view(3))
        await worker.drained()
        assert await worker.fence() == 3
        assert await counted(redis, DAY) == everywhere(3)


async def test_a_reply_lost_after_the_commit_ran(redis: Redis, proxy: Proxy, tmp_path: Path) -> None:
    async with rig(proxy.url, tmp_path) as worker:
        await worker.send(view(1))
        await worker.drained()
        proxy.lose_reply_to = b"hitstream_v3_commit"
        await worker.send(view(2), view(3))
        await worker.drained()
        assert proxy.replies_lost == 1
        assert await counted(redis, DAY) == everywhere(3)


async def test_lines_cut_again_and_again(redis: Redis, proxy: Proxy, tmp_path: Path) -> None:
    async with rig(proxy.url, tmp_path) as worker:
        for number in range(60):
            await worker.send(view(number))
            if number % 5 == 0:
                proxy.cut()
            if number % 7 == 0:
                proxy.lose_reply_to = b"hitstream_v3_commit"
        await worker.drained()
        assert await counted(redis, DAY) == everywhere(60)


async def test_a_redis_that_answers_nothing_delays_no_acknowledgement(
    redis: Redis, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "COMMIT_DEADLINE_S", 0.5)
    async with rig(proxy.url, tmp_path) as worker:
        await worker.send(view(0))
        await worker.drained()
        proxy.black_hole()
        for number in range(1, 40):
            await worker.send(view(number))
        assert worker.forwarder.behind == 39
        await until(lambda: worker.metric("hitstream_commit_failures_total", error="TimeoutError") > 0)
        proxy.restore()
        await worker.drained()
        assert await counted(redis, DAY) == everywhere(40)


@pytest.mark.parametrize("distinct", [100, 50])
async def test_two_batches_are_on_their_way_where_there_is_enough(
    redis: Redis, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, distinct: int
) -> None:
    """Also where one holds what was counted before, and is refused with the other behind it."""
    monkeypatch.setattr(lane, "BATCH_EVENTS", 7)
    under_way, most = 0, 0
    commit = Functions.commit

    async def observed(self: Functions, batch: Batch) -> Reply:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return await commit(self, batch)
        finally:
            under_way -= 1

    monkeypatch.setattr(Functions, "commit", observed)
    async with rig(proxy.url, tmp_path) as worker:
        proxy.black_hole()
        for number in range(100):
            await worker.send(view(number, dedup=number % distinct + 1))
        proxy.restore()
        await worker.drained()
    assert (most, under_way) == (2, 0)
    assert await counted(redis, DAY) == everywhere(distinct)


async def test_beyond_memory_s_bound_the_disk_serves(
    redis: Any, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "QUEUE_EVENTS", 10)
    monkeypatch.setattr(lane, "BATCH_EVENTS", 7)
    monkeypatch.setattr(lane, "READ_BYTES", 500)
    async with rig(proxy.url, tmp_path) as worker:
        proxy.black_hole()
        for number in range(100):
            await worker.send(view(number), view(number + 1000))
        proxy.restore()
        await worker.drained()
        for number in range(100, 120):
            await worker.send(view(number))
        await worker.drained()
        assert await counted(redis, DAY) == everywhere(220)
        pages = await redis.xrange(PartitionKeys(0).stream("page_views"))
        numbers = [int(fields[b"page_url"].rpartition(b"/")[2]) for _, fields in pages]
        assert [number for number in numbers if number < 1000] == list(range(120))  # in order


async def test_batches_from_disk_are_as_full_as_those_from_memory(
    redis: Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is read on while there is still a batch to commit, not when there is none left."""
    monkeypatch.setattr(lane, "BATCH_EVENTS", 10)
    monkeypatch.setattr(lane, "REFILL_BELOW", 20)
    monkeypatch.setattr(lane, "READ_BYTES", 3_000)  # some fifteen of these records
    sizes: list[int] = []
    commit = Functions.commit

    async def observed(self: Functions, batch: Batch) -> Reply:
        sizes.append(batch.events)
        return await commit(self, batch)

    async with rig(redis_url, tmp_path) as worker:
        for number in range(100):
            await worker.send(view(number))
        await worker.drained()
        monkeypatch.setattr(Functions, "commit", observed)
        await redis.flushall()
        await until(lambda: worker.metric("hitstream_events_replayed_total") == 100)
        await worker.drained()
        assert await counted(redis, DAY) == everywhere(100)
    assert sizes == [10] * 10


async def test_sites_of_several_partitions(redis: Any, redis_url: str, tmp_path: Path) -> None:
    """Each partition has its fence, its streams and its own place in the one journal."""
    sites = [f"site-{number}" for number in range(6)]
    async with rig(redis_url, tmp_path, partitions=3) as worker:
        for round_ in range(4):
            for number, site in enumerate(sites):
                ids = range(100 * number + 10 * round_ + 1, 100 * number + 10 * round_ + number + 2)
                await worker.send(*(view(id_, dedup=id_) for id_ in ids), site=site)
        await worker.drained()
        await redis.flushall()  # and all of it once more, from disk
        await until(lambda: worker.metric("hitstream_events_replayed_total") == 84)
        await worker.drained()
    assert {partition_of(site, 3) for site in sites} == {0, 1, 2}
    for partition in range(3):
        own = [4 * (number + 1) for number, site in enumerate(sites) if partition_of(site, 3) == partition]
        assert await redis.xlen(PartitionKeys(partition).stream("page_views")) == sum(own)
        assert await redis.hget(PartitionKeys(partition).fences, worker.journal.id) == str(sum(own)).encode()
    for number, site in enumerate(sites):
        assert await redis.hget(SiteKeys(site, 3).count("page_views", DAY), "total") == str(4 * (number + 1)).encode()


async def test_a_large_record_is_committed_in_parts(
    redis: Redis, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "BATCH_EVENTS", 10)
    async with rig(proxy.url, tmp_path) as worker:
        proxy.black_hole()
        await worker.send(*(view(number) for number in range(25)))
        await worker.send(*(view(number) for number in range(8)))
        await worker.send(*(view(number) for number in range(12)))
        proxy.restore()
        for _ in range(3):  # so that it has to find its place within a record, from the fence and from disk
            proxy.lose_reply_to = b"hitstream_v3_commit"
            await until(lambda: not proxy.lose_reply_to or worker.forwarder.behind == 0)
        await worker.drained()
        assert await counted(redis, DAY) == everywhere(45)


async def test_a_redis_that_lost_everything_is_refilled(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with rig(redis_url, tmp_path) as worker:
        for number in range(30):
            await worker.send(view(number))
        await worker.drained()
        await redis.flushall()
        await redis.function_flush()
        await until(lambda: worker.metric("hitstream_events_replayed_total") == 30)
        await worker.drained()
        assert await counted(redis, DAY) == everywhere(30)


async def test_a_redis_that_is_full_refuses_and_catches_up(redis: Any, redis_url: str, tmp_path: Path) -> None:
    async with rig(redis_url, tmp_path) as worker:
        await worker.send(view(0))
        await worker.drained()
        await redis.config_set("maxmemory", 1)
        try:
            for number in range(1, 20):
                await worker.send(view(number))
            await until(lambda: worker.metric("hitstream_commit_failures_total", error="OutOfMemoryError") > 1)
            assert await counted(redis, DAY) == everywhere(1)
        finally:
            await redis.config_set("maxmemory", 0)
        await worker.drained()
        assert await counted(redis, DAY) == everywhere(20)


async def test_the_same_event_id_within_and_across_requests(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with rig(redis_url, tmp_path) as worker:
        await worker.send(view(1, dedup=1), view(2, dedup=2), view(1, dedup=1))
        await worker.drained()
        await worker.send(view(2, dedup=2), view(3, dedup=3))
        await worker.drained()
        await worker.send(view(3, dedup=3))
        await worker.drained()
        assert await counted(redis, DAY) == everywhere(3)
        assert worker.metric("hitstream_events_duplicate_total") == 3
        assert worker.metric("hitstream_events_committed_total") == 3


async def _orphan(root: Path, *payloads: tuple[bytes, int]) -> str:
    """A journal that nobody forwarded."""
    async with Journal.open(root, on_durable=lambda _: None, clock=clock) as journal:
        for payload, events in payloads:
            await journal.append(0, payload, events)
        return journal.id


def _payload(*events: Any) -> tuple[bytes, int]:
    return encode(Record("demo", list(events))), len(events)


async def test_an_ended_worker_s_journal_is_adopted_and_done_away_with(
    redis: Any, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarder_module, "RETIRE_EVERY_S", 0.02)
    left = await _orphan(tmp_path, _payload(view(1), view(2)), _payload(view(3)))
    later = 0
    async with rig(redis_url, tmp_path, now=lambda: clock() + later) as worker:
        await until(lambda: redis.hget(PartitionKeys(0).fences, left))
        assert await counted(redis, DAY) == everywhere(3)
        assert (tmp_path / left).is_dir()  # until Redis can no longer lose what it got

        def is_gone() -> bool:
            nonlocal later
            later += KEEP_MS + 1
            return not (tmp_path / left).exists()

        await until(is_gone)
        assert past.notes(tmp_path) == {left: {0: 3}}
        assert not await _is_forgotten(redis, left)
        later += past.KEEP_PAST_MS
        await until(lambda: not past.notes(tmp_path))
        assert await _is_forgotten(redis, left)
        assert worker.metric("hitstream_journals_adopted_total") == 1


async def test_what_redis_loses_of_a_journal_that_is_gone_is_a_gap(
    redis: Any, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarder_module, "RETIRE_EVERY_S", 0.02)
    left = await _orphan(tmp_path, _payload(view(1), view(2)), _payload(view(3)))
    later = 0
    async with rig(redis_url, tmp_path, now=lambda: clock() + later) as worker:
        await until(lambda: redis.hget(PartitionKeys(0).fences, left))

        def is_gone() -> bool:
            nonlocal later
            later += KEEP_MS + 1
            return not (tmp_path / left).exists()

        await until(is_gone)
        await redis.flushall()
        await until(lambda: worker.metric("hitstream_events_lost_total", reason="missing") == 3)
        ((_, gap),) = await redis.xrange(PartitionKeys(0).gaps)
        assert (gap[b"journal"], gap[b"events"], gap[b"after"], gap[b"to"]) == (left.encode(), b"3", b"0", b"3")


async def _is_forgotten(redis: Any, journal: str) -> bool:
    return not await redis.hexists(PartitionKeys(0).fences, journal)


async def test_a_damaged_record_is_passed_over_named_and_counted(redis: Any, redis_url: str, tmp_path: Path) -> None:
    left = await _orphan(tmp_path, *[_payload(view(number), view(number + 100)) for number in range(5)])
    (segment,) = (tmp_path / left).glob("*.log")
    data = bytearray(segment.read_bytes())
    data[data.index(b"shop.example/2")] ^= 1
    segment.write_bytes(data)
    async with rig(redis_url, tmp_path) as worker:
        await until(lambda: worker.metric("hitstream_events_committed_total") == 8)
        assert await counted(redis, DAY) == everywhere(8)
        assert worker.metric("hitstream_events_lost_total", reason="missing") == 2
        ((_, gap),) = await redis.xrange(PartitionKeys(0).gaps)
        assert (gap[b"journal"], gap[b"events"], gap[b"after"]) == (left.encode(), b"2", b"4")


async def test_a_record_that_does_not_decode_is_passed_over(redis: Any, redis_url: str, tmp_path: Path) -> None:
    await _orphan(tmp_path, _payload(view(1)), (b"\xc1 never valid", 3), _payload(view(2)))
    async with rig(redis_url, tmp_path) as worker:
        await until(lambda: worker.metric("hitstream_events_committed_total") == 2)
        assert await counted(redis, DAY) == everywhere(2)
        assert worker.metric("hitstream_events_lost_total", reason="undecodable") == 3


async def test_events_that_the_journal_no_longer_holds_are_a_gap(
    redis: Any, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis comes back empty after the journal has deleted its oldest segment."""
    monkeypatch.setattr(forwarder_module, "RETIRE_EVERY_S", 0.02)
    later = 0
    async with rig(redis_url, tmp_path, now=lambda: clock() + later) as worker:
        await worker.send(view(1), view(2))
        await worker.drained()

        def is_deleted() -> bool:
            nonlocal later
            later += KEEP_MS + 1
            return worker.journal.size_bytes == 0

        await until(is_deleted)
        await worker.send(view(3))
        await worker.drained()
        await redis.flushall()
        await until(lambda: worker.metric("hitstream_events_lost_total", reason="missing") == 2)
        await until(lambda: redis.hget(KEYS.count("page_views", DAY), "total"))
        assert await counted(redis, DAY) == everywhere(1)
