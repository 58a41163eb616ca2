"""Trails as they grow, are cut, vanish, and come back as others. `redis` is typed Any, as in the commit's tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from query import trails
from query.trails import Changed, Mark, Trails
from store import trail
from store.keys import SiteKeys
from tests.query.fill import counting
from tests.store.batches import NOW

KEYS = SiteKeys("demo", 1)
HOUR = trail.hour(NOW)
BUDGET = 1 << 20


def record(number: int) -> bytes:
    return trail.pack(number, number % 7, NOW + number, number, 840, 0)


async def append(redis: Any, numbers: Iterable[int], hour: int = HOUR) -> None:
    await redis.append(KEYS.trail(hour), b"".join(map(record, numbers)))
    await redis.expire(KEYS.trail(hour), 100)


async def news(
    reader: Trails, marks: Mapping[int, Mark] | None = None, hours: Sequence[int] = (HOUR,)
) -> tuple[dict[int, list[int]], dict[int, Mark]]:
    """The numbers of the records that are new, by the hour, and the marks after them."""
    reading = await reader.begin(KEYS, hours, marks or {})
    announced = reading.has_news
    found: dict[int, list[int]] = {}
    async for wave in reading.waves():
        for hour, words in wave:
            found.setdefault(hour, []).extend(words[:, 0].tolist())
    assert announced == bool(found)
    return found, reading.marks


@pytest.mark.parametrize("budget", [0, BUDGET])
async def test_a_mark_asks_for_what_is_new(redis: Any, budget: int) -> None:
    reader = Trails(redis, budget)
    assert await news(reader) == ({}, {})
    await append(redis, range(3))
    found, marks = await news(reader)
    assert (found, marks) == ({HOUR: [0, 1, 2]}, {HOUR: Mark(3, record(2))})
    assert await news(reader, marks) == ({}, marks)
    await append(redis, [3])
    await append(redis, [4, 5], HOUR + 1)
    found, marks = await news(reader, marks, (HOUR, HOUR + 1))
    assert found == {HOUR: [3], HOUR + 1: [4, 5]}
    assert marks == {HOUR: Mark(4, record(3)), HOUR + 1: Mark(2, record(5))}


async def test_who_has_no_mark_gets_everything_and_reads_only_what_is_new(redis: Any) -> None:
    await append(redis, range(10_000))
    async with counting(redis) as (client, trips):
        reader = Trails(client, BUDGET)
        await news(reader)
        await append(redis, [10_000])
        before = await sent_bytes(redis)
        assert await news(reader) == ({HOUR: list(range(10_001))}, {HOUR: Mark(10_001, record(10_000))})
        assert await sent_bytes(redis) - before < 1_000 * trail.RECORD_BYTES
        assert len(trips) == 2, "one round trip a reading"


async def sent_bytes(redis: Any) -> int:
    """All that the server ever sent, the answers to this question among it."""
    return int((await redis.info("stats"))["total_net_output_bytes"])


async def test_a_mark_that_lags_behind_what_is_kept(redis: Any) -> None:
    reader = Trails(redis, BUDGET)
    await append(redis, range(2))
    _, early = await news(reader)
    await append(redis, range(2, 5))
    await news(reader)
    await append(redis, [5])
    assert (await news(reader, early))[0] == {HOUR: [2, 3, 4, 5]}


@pytest.mark.parametrize("budget", [0, BUDGET])
@pytest.mark.parametrize("share", [2, 3, 10, 1000])
async def test_long_trails_come_in_portions(
    redis: Any, monkeypatch: pytest.MonkeyPatch, share: int, budget: int
) -> None:
    monkeypatch.setattr(trails, "PORTION", 3 * share * trail.RECORD_BYTES)
    hours = (HOUR, HOUR + 1, HOUR + 2)
    sizes = dict(zip(hours, (1, 25, 100), strict=True))
    reader = Trails(redis, budget)
    marks: dict[int, Mark] = {}
    for turn in range(3):
        expected = {}
        for hour, size in sizes.items():
            expected[hour] = list(range(turn * size, (turn + 1) * size))
            await append(redis, expected[hour], hour)
        found, marks = await news(reader, marks, hours)
        assert found == expected
    assert (await news(Trails(redis, budget), None, hours))[0] == (await news(reader, None, hours))[0]


async def test_many_hours_are_asked_for_in_several_pipelines(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trails, "COMMANDS", 4)
    hours = range(HOUR, HOUR + 10)
    for hour in hours:
        await append(redis, [hour], hour)
    assert (await news(Trails(redis, BUDGET), None, hours))[0] == {hour: [hour] for hour in hours}


OTHERS: dict[str, list[int]] = {
    "vanished": [],
    "shorter": [0, 1],
    "as long": [0, 1, 9, 8],
    "longer": [0, 1, 9, 8, 7, 6],
    "shifted by one that was lost": [1, 2, 3, 4],
}


@pytest.mark.parametrize("now", OTHERS.values(), ids=list(OTHERS))
@pytest.mark.parametrize("budget", [0, BUDGET])
async def test_another_trail_in_its_place_is_noticed(redis: Any, now: list[int], budget: int) -> None:
    reader = Trails(redis, budget)
    await append(redis, range(4))
    _, marks = await news(reader)
    await redis.delete(KEYS.trail(HOUR))
    if now:
        await append(redis, now)
    with pytest.raises(Changed):
        await news(reader, marks)
    assert (await news(reader))[0] == ({HOUR: now} if now else {})


async def test_what_is_kept_is_given_up_when_the_trail_is_another(redis: Any) -> None:
    reader = Trails(redis, BUDGET)
    await append(redis, range(4))
    await news(reader)
    await redis.delete(KEYS.trail(HOUR))
    await append(redis, [7, 8])
    assert (await news(reader))[0] == {HOUR: [7, 8]}
    assert (await news(reader))[0] == {HOUR: [7, 8]}


async def test_what_comes_while_the_rest_is_read_is_for_the_next_reading(
    redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trails, "PORTION", 4 * trail.RECORD_BYTES)
    reader = Trails(redis, BUDGET)
    await append(redis, range(10))
    reading = await reader.begin(KEYS, [HOUR], {})
    await append(redis, range(10, 20))
    first = [number async for wave in reading.waves() for _, words in wave for number in words[:, 0].tolist()]
    assert first == list(range(10))
    assert (await news(reader, reading.marks))[0] == {HOUR: list(range(10, 20))}


async def test_a_trail_that_vanishes_while_it_is_read(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trails, "PORTION", 4 * trail.RECORD_BYTES)
    await append(redis, range(10))
    reading = await Trails(redis, BUDGET).begin(KEYS, [HOUR], {})
    await redis.delete(KEYS.trail(HOUR))
    with pytest.raises(Changed):
        async for _ in reading.waves():
            pass
