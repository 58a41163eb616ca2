"""B6: a funnel of four steps over seven days, by 100,000 users a million events, asked cold, again, and with 1 % more.

    cold   nothing of it in this process
    warm   asked before, nothing new
    +1 %   asked before, and as much new in the last hour

`some` is traffic in which 45 % of the events are of a step; in `all` every event is. Each figure is the median of
several asks; what is timed is `Funnels.answer` with its reading from the embedded Valkey.

    python -m bench.funnel [millions of events ...]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import numpy as np
from redis.asyncio import Redis

from hitstream.engines import Valkey
from query.answers.funnel import Funnels
from query.folds import Folds
from query.funnel import question
from store.buckets import DAY_MS, HOUR_MS
from store.identity import Identity
from store.keys import TTL_HOURS, SiteKeys
from store.money import numeric_code
from store.site import Site

STEPS: Final = ("page:/product", "event:add_to_cart", "event:checkout", "conversion:purchase")
SHARES: Final = (0.20, 0.12, 0.08, 0.05)
OTHER_NAMES: Final = 36
EVENTS_PER_USER: Final = 10
DAYS: Final = 7
NOW: Final = 1_795_439_999_000  # the last second of an hour
SITE: Final = Site("demo")
KEYS: Final = SiteKeys("demo", 1)
IDENTITY: Final = Identity(b"a secret for measuring funnels..")


class Traffic:
    """Makes trails: whoever, whatever and whenever by chance, by the hour in the order of time."""

    def __init__(self, events: int, *, dense: bool) -> None:
        self._rng = np.random.default_rng(7)
        self._users = self._rng.integers(0, 1 << 64, max(events // EVENTS_PER_USER, 1), dtype=np.uint64)
        names = [*STEPS, *(f"page:/{i}" for i in range(OTHER_NAMES))]
        self._names = np.array([IDENTITY.step("demo", name) for name in names], dtype=np.uint64)
        shares = np.array(SHARES)
        if dense:
            self._shares = np.append(shares / shares.sum(), np.zeros(OTHER_NAMES))
        else:
            self._shares = np.append(shares, np.full(OTHER_NAMES, (1 - shares.sum()) / OTHER_NAMES))

    async def append(self, redis: Redis, count: int, since: int, until: int) -> None:
        rng = self._rng
        at = np.sort(rng.integers(since, until, count))
        names = self._names[rng.choice(len(self._names), count, p=self._shares)]
        words = np.empty((count, 3), dtype="<u8")
        words[:, 0] = self._users[rng.integers(0, len(self._users), count)]
        words[:, 1] = names << np.uint64(24) | (at % HOUR_MS).astype(np.uint64)
        bought = names == self._names[3]
        words[:, 2] = np.where(bought, rng.integers(100, 20_000, count) << 24 | numeric_code("USD") << 14, 0)
        words[:, 2] |= np.uint64(1 << 10 | 1 << 6 | 1 << 4 | 1)
        hours = at // HOUR_MS
        cuts = np.searchsorted(hours, np.arange(hours[0], hours[-1] + 2))
        for hour, first, last in zip(range(int(hours[0]), int(hours[-1]) + 1), cuts[:-1], cuts[1:], strict=True):
            await redis.append(KEYS.trail(hour), words[first:last].tobytes())
            await redis.expire(KEYS.trail(hour), TTL_HOURS)


async def timed(funnels: Funnels) -> float:
    """Milliseconds that one answer takes."""
    asked = question.from_parameters({"steps": ",".join(STEPS), "days": str(DAYS)}, NOW)
    began = perf_counter()
    await funnels.answer(SITE, KEYS, asked, NOW)
    return (perf_counter() - began) * 1000


async def measure(redis: Redis, events: int, *, dense: bool, times: int = 5) -> str:
    await redis.flushall()
    traffic = Traffic(events, dense=dense)
    await traffic.append(redis, events, NOW - DAYS * DAY_MS, NOW)
    cold, warm, more = [], [], []
    funnels = Funnels(Folds(redis, IDENTITY))
    for _ in range(times):
        funnels = Funnels(Folds(redis, IDENTITY))
        cold.append(await timed(funnels))
        warm += [await timed(funnels) for _ in range(3)]
    for _ in range(times):
        await traffic.append(redis, events // 100, NOW - HOUR_MS + 1000, NOW)
        more.append(await timed(funnels))
    figures = f"cold {median(cold):7.1f} ms   warm {median(warm):7.1f} ms   +1 % {median(more):7.1f} ms"
    return f"B6 {events:>11,} events, {'all ' if dense else 'some'} of a step   {figures}"


async def main(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with Valkey(Path(directory)) as valkey, Redis.from_url(valkey.url) as redis:
            for events in sizes:
                for dense in (False, True):
                    print(await measure(redis, events, dense=dense), flush=True)


if __name__ == "__main__":
    asyncio.run(main([int(float(size) * 1_000_000) for size in sys.argv[1:]] or [1_000_000, 10_000_000]))
