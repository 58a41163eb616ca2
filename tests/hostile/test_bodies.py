"""Hostile bodies against the whole application: the reply of the table, and nothing counted but what it took."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from tests.application import Running, serving
from tests.hostile.bodies import BODIES, COUNTED_TWICE, Body, Reply

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROWS = [row for rows in BODIES.values() for row in rows]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
    async with serving(redis_url, tmp_path_factory.mktemp("bodies")) as running:
        yield running


async def sent(app: Running, row: Body) -> Reply:
    headers = {"Content-Type": row.type, **({"Content-Encoding": row.encoding} if row.encoding else {})}
    status, reply, _ = await app.post("/v1/events", data=BytesIO(row.body), headers=headers)
    rejected = tuple((bad["index"], bad["code"]) for bad in reply.get("rejected", ()))
    return Reply(status, reply.get("code", ""), reply.get("accepted"), rejected)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
async def test_body(app: Running, row: Body) -> None:
    assert await sent(app, row) == row.reply


@pytest.mark.asyncio(loop_scope="function")
async def test_nothing_is_counted_but_what_was_taken(redis: Any, redis_url: str, tmp_path: Path) -> None:
    async with serving(redis_url, tmp_path) as app:
        taken = sum([(await sent(app, row)).accepted or 0 for row in ROWS])
    streams = ["{p0}:page_views", "{p0}:conversions", "{p0}:errors", "{p0}:user_events"]
    assert sum([await redis.xlen(stream) for stream in streams]) == taken - COUNTED_TWICE
