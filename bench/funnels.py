"""B6: what an answer costs cold, warm and with a little that is new, at two sizes, as figures.

The traffic and the timed ask are those of `bench.funnel`, which also runs alone and then shows denser traffic too.
"""

from __future__ import annotations

from statistics import median
from typing import Final

from msgspec import Struct
from redis.asyncio import Redis

from hitstream.engines import Valkey
from query.answers.funnel import Funnels
from query.folds import Folds
from store.buckets import DAY_MS, HOUR_MS

from .figures import Figure, at_most, figure, listed
from .funnel import DAYS, IDENTITY, NOW, Traffic, timed
from .stage import Bench

EVENTS: Final = 1_000_000
TIMES_MORE: Final = 10
LINEAR: Final = 1.2  # at most so many times the tenfold of a tenth: beyond it something grows faster than the events


class Asks(Struct, frozen=True):
    """Milliseconds, one of each a run. more: with 1 % of the events new since the ask before."""

    cold: list[float]
    warm: list[float]
    more: list[float]


async def measure(bench: Bench) -> list[Figure]:
    events = bench.count(EVENTS)
    async with Valkey(bench.root / "funnel-valkey") as valkey, Redis.from_url(valkey.url) as redis:
        small = await _asks(redis, events, bench.runs)
        await redis.flushall()
        large = await _asks(redis, events * TIMES_MORE, bench.runs)
    return [
        figure("B6", f"funnel of 4 steps over {events:,} events: cold", small.cold, "ms", at_most(80)),
        figure(
            "B6", f"funnel of 4 steps over {events:,} events: warm", small.warm, "ms", at_most(15),
            f"with 1 % new: {listed(small.more, 1)} ms",
        ),
        figure(
            "B6", f"cold over {events * TIMES_MORE:,} events / {TIMES_MORE} times the cold over {events:,}",
            [each / (TIMES_MORE * median(small.cold)) for each in large.cold], "", at_most(LINEAR),
            f"cold: {listed(large.cold)} ms, warm: {listed(large.warm, 1)} ms, 1 % new: {listed(large.more, 1)} ms",
        ),
    ]  # fmt: skip


async def _asks(redis: Redis, events: int, runs: int) -> Asks:
    traffic = Traffic(events, dense=False)
    await traffic.append(redis, events, NOW - DAYS * DAY_MS, NOW)
    asks = Asks([], [], [])
    for _ in range(runs):
        funnels = Funnels(Folds(redis, IDENTITY))
        asks.cold.append(await timed(funnels))
        asks.warm.append(await timed(funnels))
        await traffic.append(redis, events // 100, NOW - HOUR_MS + 1000, NOW)
        asks.more.append(await timed(funnels))
    return asks
