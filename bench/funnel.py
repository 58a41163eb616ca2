"""B6: a funnel of four steps over seven days, asked for the first time, again, and when one per cent more is there.

What was counted is kept until something changes, so asked again means read for and told again; how long counting takes
is told too, by asking with a window that nobody asked with.

Ten events a user, at any time of the week; 45 % of them are of one of the steps, as where most are other pages. In
`dense` traffic all are: that is the most a question can meet. What is timed is `Funnels.answer`, from the parsed
question to the answer, with its reading from an embedded Valkey, in a process that does nothing else.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import numpy as np
from msgspec import Struct
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

from .figures import Figure, at_most, figure, listed
from .stage import Bench

MILLION: Final = 1_000_000
STEPS: Final = ("page:/product", "event:add_to_cart", "event:checkout", "conversion:purchase")
SHARES: Final = (0.20, 0.12, 0.08, 0.05)
OTHER_NAMES: Final = 36
EVENTS_PER_USER: Final = 10
DAYS: Final = 7
MIN_RUNS: Final = 5  # they are short, and one that another process disturbed shall not be the median
WARM_ASKS: Final = 5  # after each cold one
NOW: Final = 1_795_439_999_000  # the last second of an hour
SITE: Final = Site("demo")
KEYS: Final = SiteKeys(SITE.id, 1)
IDENTITY: Final = Identity(b"a secret for measuring funnels..")
LINEAR: Final = 1.5  # ten times the events may take fifteen times as long: they no longer fit into the caches


class Times(Struct, frozen=True):
    """Milliseconds an answer took: asked first, asked again, asked with another window, and with one per cent new."""

    cold: list[float]
    warm: list[float]
    other: list[float]
    more: list[float]

    def __str__(self) -> str:
        return (
            f"cold {median(self.cold):,.0f} ms, warm {median(self.warm):,.0f} ms, "
            f"another window {median(self.other):,.0f} ms, +1 % {median(self.more):,.0f} ms"
        )


async def measure(bench: Bench) -> list[Figure]:
    directory = Path(tempfile.mkdtemp(prefix="funnel-", dir=bench.root))
    async with Valkey(directory) as valkey, Redis.from_url(valkey.url) as redis:
        one = await _asked(redis, bench, MILLION, dense=False)
        dense = await _asked(redis, bench, MILLION, dense=True)
        ten = await _asked(redis, bench, 10 * MILLION, dense=False)
    growth = [cold / 10 / median(one.cold) for cold in ten.cold]
    return [
        figure("B6", "funnel of 4 steps, 100 k users, 1 M events: cold", one.cold, "ms", at_most(80)),
        figure(
            "B6", "the same: warm", one.warm, "ms", at_most(15),
            f"with another window, so that all is counted again: {listed(one.other, 1)} ms",
            f"with 1 % new: {listed(one.more, 1)} ms",
            f"where every event is of a step: {dense}",
        ),
        figure("B6", "10 M events, cold / ten times 1 M, cold", growth, "", at_most(LINEAR), f"10 M events: {ten}"),
    ]  # fmt: skip


async def _asked(redis: Redis, bench: Bench, usual: int, *, dense: bool) -> Times:
    events = bench.count(usual)
    await redis.flushall()
    traffic = Traffic(events, dense=dense)
    await traffic.append(redis, events, NOW - DAYS * DAY_MS, NOW)
    times = Times([], [], [], [])
    for _ in range(max(bench.runs, MIN_RUNS)):
        funnels = Funnels(Folds(redis, IDENTITY))
        times.cold.append(await _timed(funnels))
        times.warm.append(median([await _timed(funnels) for _ in range(WARM_ASKS)]))
        times.other.append(median([await _timed(funnels, window=f"{n + 1}d") for n in range(WARM_ASKS)]))
        await traffic.append(redis, events // 100, NOW - HOUR_MS + 1000, NOW)
        times.more.append(await _timed(funnels))
    return times


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


async def _timed(funnels: Funnels, window: str = "7d") -> float:
    """Milliseconds that one answer takes."""
    asked = question.from_parameters({"steps": ",".join(STEPS), "days": str(DAYS), "window": window}, NOW)
    began = perf_counter()
    await funnels.answer(SITE, KEYS, asked, NOW)
    return (perf_counter() - began) * 1000
