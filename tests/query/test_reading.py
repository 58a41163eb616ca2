"""Reading Redis: what keeps it from answering is told in time, and spoils no later answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from query import reading
from query.errors import StoreUnavailable
from query.reading import deadline, ranking, read
from tests.proxy import proxy_to


@pytest.mark.parametrize(
    ("reply", "want"),
    [
        ([], []),
        ([(b"b", 2.0), (b"\0other", 5.0), (b"a", 1.0)], [("b", 2), ("a", 1)]),
        ([b"b", b"2", b"\0other", b"5", b"a", b"1"], [("b", 2), ("a", 1)]),
        ([["\N{SNOWMAN}".encode(), -3.0]], [("\N{SNOWMAN}", -3)]),
        ([(b"a", 9007199254740991.0)], [("a", 9007199254740991)]),
    ],
)
def test_ranking(reply: Any, want: list[tuple[str, int]]) -> None:
    assert ranking(reply) == want


async def test_a_redis_that_is_not_there(tmp_path: Path) -> None:
    async with Redis(unix_socket_path=str(tmp_path / "none"), retry=Retry(NoBackoff(), 0)) as redis:
        with pytest.raises(StoreUnavailable) as unavailable:
            await read(redis, [("PING",)])
    assert unavailable.value.retry_after == 1


async def test_an_answer_that_comes_too_late_is_nobodys(redis: Any) -> None:
    """A reply that was waited for in vain must not be taken for the next one's."""
    kwargs = redis.connection_pool.connection_kwargs

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if path := kwargs.get("path"):
            return await asyncio.open_unix_connection(path)
        return await asyncio.open_connection(kwargs["host"], kwargs["port"])

    async with proxy_to(connect) as proxy, Redis.from_url(proxy.url, retry=Retry(NoBackoff(), 0)) as client:
        assert await read(client, [("ECHO", "before")]) == [b"before"]
        proxy.black_hole()
        with pytest.raises(StoreUnavailable):
            async with deadline(0.05):
                await read(client, [("ECHO", "lost")])
        proxy.restore()
        assert await read(client, [("ECHO", "after")]) == [b"after"]


async def test_a_command_that_redis_refuses(redis: Any) -> None:
    await redis.set("text", "x", ex=10)
    with pytest.raises(StoreUnavailable):
        await read(redis, [("ECHO", "x"), ("HGETALL", "text")])
    assert await read(redis, [("ECHO", "x")]) == [b"x"]


async def test_a_cancelled_question_is_not_a_late_answer() -> None:
    asking = asyncio.create_task(_forever())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def _forever() -> None:
    async with deadline(reading.DEADLINE_S):
        await asyncio.Event().wait()
