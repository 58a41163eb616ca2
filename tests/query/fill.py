"""Sites and what happens on them, for the tests of answers: events go in by the real commit, huge boards by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from redis.asyncio import ConnectionPool, Redis

from query.reading import OTHER
from store.keys import TTL_HOURS, SiteKeys
from store.site import Site

DEMO: Final = Site("demo")
BERLIN: Final = Site("berlin", zone="Europe/Berlin", currency="EUR")
KOLKATA: Final = Site("kolkata", zone="Asia/Kolkata", currency="INR")
TOKYO: Final = Site("tokyo", zone="Asia/Tokyo", currency="JPY")
KUWAIT: Final = Site("kuwait", zone="Asia/Kuwait", currency="KWD")
SITES: Final = (DEMO, BERLIN, KOLKATA, TOKYO, KUWAIT)


def ms(text: str) -> int:
    """An instant in epoch milliseconds."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def keys(site: Site) -> SiteKeys:
    return SiteKeys(site.id, 1)


async def fill_board(redis: Any, key: str, scores: Mapping[str, int], other: int | None = None) -> None:
    """A leaderboard as many commits would have left it; `other` is what they cut off."""
    members: dict[Any, int] = dict(scores) if other is None else {**scores, OTHER: other}
    await redis.zadd(key, members)
    await redis.expire(key, TTL_HOURS)


@asynccontextmanager
async def counting(redis: Any) -> AsyncIterator[tuple[Redis, list[int]]]:
    """A connected client of the same server, and a list that grows with each of its round trips: the bytes sent."""
    trips: list[int] = []

    class Counting(redis.connection_pool.connection_class):  # type: ignore[misc]  # the class is known at run time
        async def send_packed_command(self, command: Any, *args: Any, **kwargs: Any) -> None:
            trips.append(sum(map(len, command)))
            await super().send_packed_command(command, *args, **kwargs)

    async with Redis.from_pool(ConnectionPool(Counting, **redis.connection_pool.connection_kwargs)) as client:
        await client.ping()
        trips.clear()
        yield client, trips
