"""What is worked out ahead of time is there by itself, and again after MongoDB was away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from social.database import Database
from social.errors import NetworkUnavailable
from social.reads import influence
from social.renewal import keep_fresh
from tests.waiting import cancelled, until


async def test_goes_on_until_cancelled_and_waits_mongodb_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0

    async def away(_database: Database, _now: datetime) -> None:
        nonlocal tried
        tried += 1
        raise NetworkUnavailable

    monkeypatch.setattr(influence, "renew", away)
    now = int(datetime(2025, 1, 13, tzinfo=UTC).timestamp() * 1000)
    task = asyncio.create_task(keep_fresh(database, lambda: now, every_s=0.01))
    try:
        await until(lambda: tried > 1)
        async with database.working() as handle:
            assert [each["_id"] for each in await handle["trends"].find().to_list()] == [1, 24, 168]
    finally:
        await cancelled(task)
