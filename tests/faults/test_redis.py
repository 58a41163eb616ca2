"""What a Redis may be that answers, but not as it should: read-only, loading, slow, an older copy of itself, another.

Each time: what is sent meanwhile is acknowledged, and at the end everything is counted, and once.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from hitstream import engines
from hitstream.engines import Valkey
from ingest import lane
from tests.faults.views import DAY, view
from tests.ingest.rig import Rig, counted, everywhere, rig
from tests.proxy import Connect, proxy_to
from tests.waiting import until

FAILURES = "hitstream_commit_failures_total"
NOWHERE = ("127.0.0.1", "1")  # no master listens there


async def send(worker: Rig, first: int, last: int) -> None:
    for number in range(first, last):
        await worker.send(view(number))


def client(valkey: Valkey) -> Redis:
    return Redis.from_url(valkey.url, retry=Retry(NoBackoff(), 0), socket_timeout=30)


async def test_a_replica_refuses_and_is_promoted(redis: Any, redis_url: str, tmp_path: Path) -> None:
    async with rig(redis_url, tmp_path) as worker:
        await send(worker, 0, 5)
        await worker.drained()
        await redis.replicaof(*NOWHERE)
        try:
            await send(worker, 5, 20)
            await until(lambda: worker.metric(FAILURES, error="ReadOnlyError") > 1)
            assert await counted(redis, DAY) == everywhere(5)
        finally:
            await redis.replicaof("NO", "ONE")
        await worker.drained()
        assert await counted(redis, DAY) == everywhere(20)


async def test_a_slow_line(redis: Redis, reach: Connect, tmp_path: Path) -> None:
    async with proxy_to(reach) as proxy, rig(proxy.url, tmp_path) as worker:
        proxy.bytes_per_s = 50_000
        await send(worker, 0, 100)
        await worker.drained()
        assert await counted(redis, DAY) == everywhere(100)


async def test_replies_later_than_anybody_waits(
    redis: Redis, reach: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every commit runs, and none is known to have: each time the fence tells."""
    monkeypatch.setattr(lane, "COMMIT_DEADLINE_S", 0.1)
    monkeypatch.setattr(lane, "BATCH_EVENTS", 10)
    async with proxy_to(reach) as proxy, rig(proxy.url, tmp_path) as worker:
        await send(worker, 0, 1)
        await worker.drained()
        proxy.delay_s = 0.3
        await send(worker, 1, 60)
        await until(lambda: worker.metric(FAILURES, error="TimeoutError") > 3)
        proxy.delay_s = 0.0
        await worker.drained()
        assert await counted(redis, DAY) == everywhere(60)


async def test_an_older_copy_of_its_data_is_put_in_place(tmp_path: Path) -> None:
    data, copy = tmp_path / "valkey", tmp_path / "copy"
    async with Valkey(data) as valkey:
        url = valkey.url
    async with rig(url, tmp_path / "journal") as worker:
        async with Valkey(data):
            await send(worker, 0, 30)
            await worker.drained()
        shutil.copytree(data, copy, ignore=shutil.ignore_patterns("*.sock"))
        async with Valkey(data):
            await send(worker, 30, 80)
            await worker.drained()
        shutil.rmtree(data)
        copy.rename(data)
        await send(worker, 80, 90)
        async with Valkey(data):
            await until(lambda: worker.metric("hitstream_events_replayed_total") == 50)
            await worker.drained()
            assert await counted(worker.redis, DAY) == everywhere(90)
            assert not worker.metric("hitstream_events_lost_total", reason="missing")


async def test_a_replica_without_the_last_writes_takes_over(tmp_path: Path) -> None:
    async with Valkey(tmp_path / "first") as first, Valkey(tmp_path / "second") as second:
        serving = first

        async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_unix_connection(serving.url.removeprefix("unix://"))

        async with (
            client(first) as old,
            client(second) as new,
            proxy_to(connect) as proxy,
            rig(proxy.url, tmp_path / "journal") as worker,
        ):
            await send(worker, 0, 20)
            await worker.drained()
            await replicate(old, new)
            assert await counted(new, DAY) == everywhere(20)
            await new.replicaof("NO", "ONE")
            await send(worker, 20, 50)
            await worker.drained()
            serving = second
            proxy.cut()
            await send(worker, 50, 60)
            await until(lambda: worker.metric("hitstream_events_replayed_total") == 30)
            await worker.drained()
            assert await counted(new, DAY) == everywhere(60)


async def replicate(old: Any, new: Any) -> None:
    """Returns when `new` has all that `old` has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    await old.config_set("port", port)
    await old.config_set("repl-diskless-sync-delay", 0)
    await new.replicaof("127.0.0.1", str(port))
    await old.wait(1, 20_000)
    await until(lambda: _is_linked(new))


async def _is_linked(replica: Any) -> bool:
    return bool((await replica.info("replication")).get("master_link_status") == "up")


async def test_one_that_takes_its_time_to_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Valkey(tmp_path / "valkey") as valkey, rig(valkey.url, tmp_path / "journal") as worker:
        await send(worker, 0, 10)
        await worker.drained()
        async with worker.redis.pipeline(transaction=False) as ballast:
            for number in range(5_000):
                ballast.set(f"ballast:{number}", "", ex=3600)
            await ballast.execute()
        monkeypatch.setitem(engines._SETTINGS, "key-load-delay", "300")  # us each; it answers every 1,024
        assert valkey.pid
        os.kill(valkey.pid, signal.SIGKILL)
        await send(worker, 10, 30)
        await until(lambda: worker.metric(FAILURES, error="BusyLoadingError") > 0)
        await worker.drained()
        assert await counted(worker.redis, DAY) == everywhere(30)
