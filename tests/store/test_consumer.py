"""Entries reach their function at least once, whatever stops in between; what can never be applied stops nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from store import consumer as module
from store.consumer import Consumer, Poison, StreamEntry, Unavailable
from tests.waiting import cancelled, until

STREAM = "{p0}:conversions"


class Target:
    """A database of sorts: applies an entry once however often it is given. `fail` is called before each batch."""

    def __init__(self) -> None:
        self.applied: dict[str, str] = {}
        self.given: list[str] = []
        self.fail: Callable[[], None] = lambda: None

    async def apply(self, entries: Sequence[StreamEntry]) -> Sequence[Poison]:
        self.given += [entry.fields["n"] for entry in entries]
        self.fail()
        for entry in entries:
            if entry.fields["n"] != "poison":
                self.applied.setdefault(entry.id, entry.fields["n"])
        return [Poison(entry, "not a number") for entry in entries if entry.fields["n"] == "poison"]


@asynccontextmanager
async def consuming(redis: Any, target: Target, name: str = "a") -> AsyncIterator[Consumer]:
    consumer = Consumer(redis, 0, "conversions", "orders", name, batch=10)
    task = asyncio.create_task(consumer.run(target.apply))
    try:
        yield consumer
    finally:
        await cancelled(task)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_MS", 20)
    monkeypatch.setattr(module, "BACKOFF_S", (0.01, 0.02))


async def _fill(redis: Any, *numbers: object) -> None:
    for number in numbers:
        await redis.xadd(STREAM, {"n": str(number)})


async def _settled(redis: Any) -> bool:
    return bool((await redis.xpending(STREAM, "orders"))["pending"] == 0)


async def test_from_the_beginning_in_order_and_acknowledged(redis: Any) -> None:
    target = Target()
    await _fill(redis, *range(25))
    async with consuming(redis, target) as consumer:
        await until(lambda: len(target.applied) == 25)
        await _fill(redis, 25)
        await until(lambda: len(target.applied) == 26)
        await until(lambda: _settled(redis))
        assert await consumer.lag() == 0
    assert target.given == [str(number) for number in range(26)]


async def test_what_was_given_and_not_acknowledged_is_given_again(redis: Any) -> None:
    target = Target()
    await _fill(redis, *range(15))

    def away() -> None:
        if len(target.given) < 40:
            raise Unavailable("the database is away")

    target.fail = away
    async with consuming(redis, target):
        await until(lambda: len(target.applied) == 15)
        await until(lambda: _settled(redis))
    assert list(target.applied.values()) == [str(number) for number in range(15)]


async def test_a_restart_goes_on_with_its_own_pending_entries(redis: Any) -> None:
    target = Target()
    await _fill(redis, 1, 2)
    await redis.xgroup_create(STREAM, "orders", "0")
    await redis.xreadgroup("orders", "a", {STREAM: ">"})
    async with consuming(redis, target, "a"):
        await until(lambda: _settled(redis))
    assert target.given == ["1", "2"]


async def test_entries_of_a_dead_consumer_are_claimed(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLAIM_AFTER_MS", 0)
    target = Target()
    await _fill(redis, *range(25))
    await redis.xgroup_create(STREAM, "orders", "0")
    await redis.xreadgroup("orders", "dead", {STREAM: ">"})
    async with consuming(redis, target, "alive"):
        await until(lambda: _settled(redis))
    assert sorted(map(int, target.given)) == list(range(25))


async def test_a_poison_entry_goes_to_the_dead_letters_and_stops_nothing(redis: Any) -> None:
    target = Target()
    await _fill(redis, 1, "poison", 2)
    async with consuming(redis, target):
        await until(lambda: len(target.applied) == 2)
        await until(lambda: _settled(redis))
    ((_, letter),) = await redis.xrange("{p0}:dead_letters")
    assert (letter[b"n"], letter[b"dead:reason"], letter[b"dead:group"]) == (b"poison", b"not a number", b"orders")


async def test_a_redis_that_came_back_empty_gets_its_group_again(redis: Any) -> None:
    target = Target()
    await _fill(redis, 1)
    async with consuming(redis, target):
        await until(lambda: len(target.applied) == 1)
        await redis.flushall()
        await _fill(redis, 2)
        await until(lambda: len(target.applied) == 2)


async def test_any_other_failure_ends_the_loop(redis: Any) -> None:
    target = Target()
    await _fill(redis, 1)
    target.fail = lambda: (_ for _ in ()).throw(ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(Consumer(redis, 0, "conversions", "orders", "a").run(target.apply), 10)
