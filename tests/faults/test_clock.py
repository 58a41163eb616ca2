"""The clock is an hour or two days off, and put right again: what was acknowledged is counted, and once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hitstream import app
from store.buckets import DAY_MS, HOUR_MS
from tests.application import Running, serving
from tests.waiting import until

VIEWS = 5


class Clock:
    """The machine's, `off` by so many ms."""

    def __init__(self) -> None:
        self.off = 0
        self._right = app.clock

    def __call__(self) -> int:
        return self._right() + self.off


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(app, "clock", clock)
    return clock


@pytest.fixture
async def server(redis: Any, redis_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Running]:
    async with serving(redis_url, tmp_path) as running:
        yield running


async def send(server: Running, first: int) -> None:
    views = [
        {"page_url": f"https://shop.example/{number}", "event_id": f"e{number}"}
        for number in range(first, first + VIEWS)
    ]
    status, body, _ = await server.post("/v1/page_view", views)
    assert (status, body["accepted"]) == (202, VIEWS)


async def total(redis: Any) -> int:
    """Page views by the counters of all days."""
    days = [key async for key in redis.scan_iter("{p0}:shop:count:page_views:*")]
    return sum([int(await redis.hget(day, "total")) for day in days])


async def today(server: Running) -> int:
    status, answer = await server.get("/v1/metrics/realtime")
    assert status == 200
    views: int = answer["page_views"]["today"]
    return views


@pytest.mark.parametrize("off", [HOUR_MS, -HOUR_MS, 2 * DAY_MS, -2 * DAY_MS], ids=["+1h", "-1h", "+2d", "-2d"])
async def test_a_clock_that_is_off_and_put_right(server: Running, redis: Any, clock: Clock, off: int) -> None:
    await send(server, 0)
    clock.off = off
    await send(server, 10)
    assert await today(server) in (VIEWS, 2 * VIEWS)  # by its own clock; an hour may lead into another day
    clock.off = 0
    await send(server, 20)
    assert await today(server) >= 2 * VIEWS
    assert (await total(redis), await redis.xlen("{p0}:page_views")) == (3 * VIEWS, 3 * VIEWS)


@pytest.mark.parametrize("off", [HOUR_MS, -HOUR_MS, -DAY_MS, DAY_MS])
async def test_an_event_id_is_known_by_a_clock_that_was_set(
    server: Running, redis: Any, clock: Clock, off: int
) -> None:
    await send(server, 0)
    clock.off = off
    await send(server, 0)
    clock.off = 0
    await send(server, 0)
    assert await total(redis) == VIEWS


async def test_what_redis_loses_is_replayed_whatever_the_clock_says(server: Running, redis: Any, clock: Clock) -> None:
    await send(server, 0)
    clock.off = -2 * DAY_MS
    await send(server, 10)
    await redis.flushall()

    async def is_refilled() -> bool:
        return await total(redis) == 2 * VIEWS

    await until(is_refilled)


async def test_a_client_that_says_its_own_time_is_understood(server: Running, redis: Any, clock: Clock) -> None:
    """Without `sent_at` its events are from the future, and told so."""
    clock.off = -HOUR_MS
    at = clock() - clock.off
    view = {"type": "page_view", "page_url": "https://shop.example/", "timestamp": at}
    status, body, _ = await server.post("/v1/events", [view])
    assert (status, body["rejected"][0]["code"]) == (400, "in_future")
    status, body, _ = await server.post("/v1/events", {"batch": [view], "sent_at": at})
    assert (status, body["accepted"]) == (202, 1)
    assert await today(server) == 1
