"""A slot moves to another primary under load: nothing is lost and nothing counted twice, in between least of all."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from store.buckets import DAY_MS
from store.keys import PartitionKeys
from tests.cluster.servers import Server, Servers
from tests.cluster.worker import SITES, Worker, working
from tests.waiting import until

PARTITION = min(SITES)
SITE = SITES[PARTITION]
KEYS = PartitionKeys(PARTITION)
SLOT = key_slot(KEYS.tag.encode())


@pytest.fixture
async def worker(servers: Servers, tmp_path: Path) -> AsyncIterator[Worker]:
    async with working(servers.url, tmp_path) as running:
        yield running


@pytest.fixture
async def ends(servers: Servers) -> tuple[Server, Server]:
    """Where the slot is, and another primary."""
    source = await servers.owner_of(SLOT)
    return source, next(server for server in await servers.primaries() if server is not source)


async def test_a_slot_moves_at_once(
    worker: Worker, servers: Servers, redis: Redis, ends: tuple[Server, Server]
) -> None:
    source, target = ends
    async with worker.load():
        await until(lambda: worker.sent[SITE] >= 50)
        await servers.move_at_once(SLOT, source, target)
        sent = worker.sent[SITE]
        await until(lambda: worker.sent[SITE] >= sent + 50)
    await worker.all_is_counted(redis)


async def test_a_slot_moves_key_by_key(
    worker: Worker, servers: Servers, redis: Redis, ends: tuple[Server, Server]
) -> None:
    source, target = ends
    async with worker.load():
        await until(lambda: worker.sent[SITE] >= 50)
        await servers.begin_move(SLOT, source, target)
        await servers.move_keys(SLOT, source, target)
        await servers.end_move(SLOT, source, target)
        sent = worker.sent[SITE]
        await until(lambda: worker.sent[SITE] >= sent + 50)
    await worker.all_is_counted(redis)


@pytest.mark.parametrize("stays", ["what a commit names", "the rest"])
async def test_a_slot_stays_between_two_servers(
    worker: Worker, servers: Servers, redis: Any, ends: tuple[Server, Server], stays: str
) -> None:
    """Some keys here, some there: a commit that ran on either would write where others do not look.

    The days before and after are there too, as they are about midnight: only `absent` is missing of what it names.
    """
    source, target = ends
    today = int(time.time() * 1000) // DAY_MS
    days = [KEYS.dedup(day) for day in (today - 1, today, today + 1)]
    named = {key.encode() for key in (KEYS.fences, *days)}
    async with worker.load():
        await until(lambda: worker.sent[SITE] >= 50)
        for day in days:
            await redis.hset(day, "0", "0")
            await redis.expire(day, 3_600)
        others = set(await source.ask("CLUSTER", "GETKEYSINSLOT", SLOT, 10_000)) - named
        await servers.begin_move(SLOT, source, target)
        await servers.move_keys(SLOT, source, target, but=named if stays == "what a commit names" else others)
        sent, refused = worker.sent[SITE], await worker.metric("hitstream_commit_failures_total")

        async def refused_again() -> bool:
            return await worker.metric("hitstream_commit_failures_total") >= refused + 2

        await until(refused_again)
        assert worker.sent[SITE] > sent
        for site in SITES.values():
            status, _ = await worker.ask(site)
            # What asks for several keys at once, as `active_now` does, is refused like a commit.
            assert status == (503 if site == SITE else 200), site
        assert await redis.xlen(KEYS.stream("page_views")) <= sent + 2 * 50  # a single key is still found
        await servers.end_move(SLOT, source, target)
    await worker.all_is_counted(redis)
    assert await worker.metric("hitstream_commit_notes_total") == 0
