"""The check that every test which uses Redis goes through at its end."""

from __future__ import annotations

from redis.asyncio import Redis

from tests.conftest import immortal


async def test_a_key_needs_a_ttl_or_a_place_on_the_list(redis: Redis) -> None:
    await redis.xadd("{p0}:page_views", {"site": "a"})
    await redis.set("{p0}:a:trail:1", "x", ex=60)
    assert await immortal(redis) == []

    await redis.set("{p0}:a:trail:2", "x")
    await redis.set("page", "x")
    assert await immortal(redis) == ["page", "{p0}:a:trail:2"]
    await redis.flushall()
