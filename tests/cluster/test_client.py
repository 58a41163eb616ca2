"""What else a worker does with its Redis, on a cluster: each of it on the server whose slot it is about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from query.tail import Tail
from store.consumer import Consumer, Poison, StreamEntry
from store.functions import LIBRARY
from store.keys import PartitionKeys, SiteKeys
from tests.cluster.servers import Server, Servers
from tests.cluster.worker import PARTITIONS, SITES, Worker, working
from tests.proxy import Proxy, proxy_to
from tests.waiting import until

PARTITION = min(SITES)
SITE = SITES[PARTITION]


@pytest.fixture
async def worker(servers: Servers, tmp_path: Path) -> AsyncIterator[Worker]:
    async with working(servers.url, tmp_path) as running:
        yield running


@asynccontextmanager
async def behind_a_proxy(servers: Servers, server: Server) -> AsyncIterator[Proxy]:
    """The server tells everybody to come to it through the proxy."""

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", server.port)

    async def announce(port: int) -> None:
        await server.ask("CONFIG", "SET", "cluster-announce-port", port)

        async def known() -> bool:
            found = [await each.ask("CLUSTER", "SLOTS") for each in servers.all]
            shown = port or server.port
            return all(shown in [place[1] for _, _, *places in ranges for place in places] for ranges in found)

        await until(known)

    async with proxy_to(connect) as proxy:
        await announce(proxy.port)
        try:
            yield proxy
        finally:
            await announce(0)


async def test_a_lost_reply_is_counted_once(servers: Servers, tmp_path: Path, redis: Redis) -> None:
    server = await servers.owner(PartitionKeys(PARTITION).tag)
    async with behind_a_proxy(servers, server) as proxy, working(servers.url, tmp_path) as worker:
        for _ in range(3):
            proxy.lose_reply_to = f"{LIBRARY}_commit".encode()
            await worker.send(SITE)
            await until(lambda: not proxy.lose_reply_to)
            await worker.all_is_counted(redis)
        assert proxy.replies_lost == 3
        assert await worker.metric("hitstream_commit_failures_total") == 3


async def test_a_primary_without_the_functions_gets_them(worker: Worker, servers: Servers, redis: Redis) -> None:
    """As one has that joined after the start; only those that own slots are given them."""
    for server in await servers.primaries():
        await server.ask("FUNCTION", "FLUSH")
    for site in SITES.values():
        await worker.send(site)
    await worker.all_is_counted(redis)


async def test_refused_events_are_kept_with_their_sites(worker: Worker, redis: Any) -> None:
    """Copies of several sites are written in one go."""
    for site in SITES.values():
        await worker.send_refused(site)

    async def all_are_kept() -> bool:
        streams = [SiteKeys(site, PARTITIONS).partition.rejected for site in SITES.values()]
        return [await redis.xlen(stream) for stream in streams] == [1] * len(streams)

    await until(all_are_kept)


async def test_tails_follow_each_their_partition(worker: Worker, redis: Redis) -> None:
    found: dict[bytes, int] = {}
    tails = [
        Tail(redis, PartitionKeys(partition), lambda _, fields: found.update({fields[b"site"]: 1}), lambda: None)
        for partition in SITES
    ]
    running = [asyncio.create_task(tail.run()) for tail in tails]

    async def all_are_seen() -> bool:
        for site in SITES.values():
            await worker.send(site)
        return found.keys() == {site.encode() for site in SITES.values()}

    try:
        await until(all_are_seen)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def test_a_consumer_group_settles_in_one_transaction(worker: Worker, redis: Any) -> None:
    await worker.send(SITE, 3)
    await worker.all_is_counted(redis)
    taken: list[StreamEntry] = []

    async def apply(entries: Any) -> list[Poison]:
        taken.extend(entries)
        return [Poison(entries[0], "not today")]

    consumer = Consumer(redis, PARTITION, "page_views", "readers", "one", batch=10)
    running = asyncio.create_task(consumer.run(apply))

    async def all_is_settled() -> bool:
        return len(taken) == 3 and await consumer.lag() == 0

    try:
        await until(all_is_settled)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    [[_, letter]] = await redis.xrange(PartitionKeys(PARTITION).dead_letters)
    assert letter[b"dead:reason"] == b"not today"
