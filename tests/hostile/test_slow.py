"""Slow and half requests against one worker, its patience cut short."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from hitstream import connections, worker
from ingest import body
from tests.hitstream.deployments import deployment
from tests.hostile.connection import code, connected, statuses
from tests.hostile.framing import KEY, SLOW, UNFINISHED, Framing

PATIENCE_S = 0.2


class Worker:
    def __init__(self, url: str, key: bytes) -> None:
        self.url = url
        self.key = key

    async def ask(self, sent: bytes, *drops: bytes) -> tuple[tuple[int, ...], str]:
        """What comes back until the worker hangs up, which these tests wait for."""
        async with connected(self.url) as connection:
            for piece in (sent, *drops):
                await connection.send(piece.replace(KEY, self.key))
            heard = await connection.heard()
        return statuses(heard), code(heard)


@pytest.fixture
async def impatient(
    redis: Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Worker]:
    monkeypatch.setattr(body, "BODY_DEADLINE_S", PATIENCE_S)
    monkeypatch.setattr(connections, "KEEP_ALIVE_S", PATIENCE_S)
    monkeypatch.setattr(connections, "LINGER_S", PATIENCE_S)
    deployed = deployment(tmp_path, redis_url)
    ready, stop = asyncio.Event(), asyncio.Event()
    interval = sys.getswitchinterval()
    with worker.listen("127.0.0.1", 0, shared=False) as bound:
        working = asyncio.create_task(worker.work(deployed, 0, bound, ready.set, stop))
        await ready.wait()
        port = bound.getsockname()[1]
        yield Worker(f"http://127.0.0.1:{port}", deployed.keys["demo"].write[0].encode())
        stop.set()
        await working
    sys.setswitchinterval(interval)


@pytest.mark.parametrize("row", SLOW, ids=[row.name for row in SLOW])
async def test_who_says_no_more_is_hung_up_on(impatient: Worker, row: Framing) -> None:
    assert await impatient.ask(row.sent) == (row.replies, row.code)


async def test_a_body_byte_by_byte_has_no_longer(impatient: Worker) -> None:
    assert await impatient.ask(UNFINISHED, *(b" " for _ in range(90))) == ((408,), "body_timeout")
