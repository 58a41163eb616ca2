"""Redis is away for longer than segments are kept, and comes back without what it was last given."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ingest import forwarder
from ingest.journal import KEEP_MS
from tests.faults.views import DAY, view
from tests.ingest.rig import clock, counted, everywhere, rig
from tests.proxy import Connect, proxy_to
from tests.waiting import until

ROUNDS = 20  # of retiring; one would do


async def test_what_redis_lost_at_its_beginning_is_there_at_its_end(
    redis: Any, reach: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarder, "RETIRE_EVERY_S", 0.01)
    away, later, asked = False, 0, 0

    def now() -> int:
        nonlocal asked
        asked += 1
        return clock() + later

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if away:
            raise ConnectionRefusedError
        return await reach()

    async with proxy_to(connect) as proxy, rig(proxy.url, tmp_path, now=now) as worker:
        for number in range(30):
            await worker.send(view(number))
        await worker.drained()
        asked = 0
        await until(lambda: asked > ROUNDS)  # by now it has been seen to be fenced
        away = True
        proxy.cut()
        later, asked = KEEP_MS + 60_000, 0
        await until(lambda: asked > ROUNDS)
        await redis.flushall()  # everything was in its last seconds
        away = False
        await until(lambda: worker.metric("hitstream_events_replayed_total") == 30)
        await worker.drained()
        assert await counted(redis, DAY) == everywhere(30)
        assert not worker.metric("hitstream_events_lost_total", reason="missing")
        assert not worker.metric("hitstream_events_lost_total", reason="unreadable")
