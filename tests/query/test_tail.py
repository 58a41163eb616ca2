"""The tail of a partition: every new entry once, and a fresh start where it falls behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from query import tail as tail_module
from query.tail import COUNT, FULL_REPLIES, Tail
from store.keys import PartitionKeys
from tests.store.batches import Writer, conversion, custom, error, page_view
from tests.waiting import until

KEYS = PartitionKeys(0)


async def blocked(redis: Any) -> list[Any]:
    return [client for client in await redis.client_list() if "b" in client["flags"]]


class Heard:
    def __init__(self) -> None:
        self.entries: list[tuple[str, bytes]] = []
        self.skips = 0

    def publish(self, type_: str, fields: Any) -> None:
        self.entries.append((type_, fields[b"user_id"]))

    def skipped(self) -> None:
        self.skips += 1

    def users(self, type_: str) -> list[bytes]:
        return [user for found, user in self.entries if found == type_]


@asynccontextmanager
async def tailing(redis: Any) -> AsyncIterator[Heard]:
    """A tail that has found the ends of its streams."""
    heard = Heard()
    task = asyncio.create_task(Tail(redis, KEYS, heard.publish, heard.skipped).run())
    await until(lambda: blocked(redis))
    yield heard
    task.cancel()
    await asyncio.wait([task])


async def test_it_begins_with_what_comes_next_and_hears_it_once(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(user="before"), conversion(user="before"))
    async with tailing(redis) as heard:
        await writer.send(page_view(user="a"), error(user="b"))
        await writer.send(*(custom(user=f"{i}") for i in range(2 * COUNT + 1)))
        await writer.send(conversion(user="c"))
        await until(lambda: len(heard.entries) >= 2 * COUNT + 4)
    assert heard.users("event") == [b"%d" % i for i in range(2 * COUNT + 1)]
    assert (heard.users("page_view"), heard.users("error"), heard.users("conversion")) == ([b"a"], [b"b"], [b"c"])
    assert heard.skips == 0


async def test_it_gives_up_what_it_cannot_catch_up_with(
    redis: Any, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_module, "COUNT", 2)
    async with tailing(redis) as heard:
        await writer.send(*(custom(user=f"{i}") for i in range(2 * FULL_REPLIES + 10)))
        await until(lambda: heard.skips)
        assert heard.entries == [("event", b"%d" % i) for i in range(2 * FULL_REPLIES)]
        await writer.send(custom(user="newest"))
        await until(lambda: len(heard.entries) > 2 * FULL_REPLIES)
    assert heard.entries[-1] == ("event", b"newest")
