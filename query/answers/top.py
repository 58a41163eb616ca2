"""The best of a leaderboard: pages, referrers, users by value, or the types and names of events.

    GET /v1/metrics/top    one round trip for each 50 boards: two commands a board and one a day

    period   boards
    hour     the current hour's
    today    today's
    24h      the hours' from the one that began 24 hours ago or just before, to the current one
    7d       the days' likewise
    from-to  the days' that it touches

`total` comes from the counters, so `other` (all that is not listed) is exact even where a board was cut.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from heapq import nlargest
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType
from redis.asyncio import Redis

from query import reading
from query.question import MAX_LIMIT, Dimension, Top, TopPeriod
from query.reading import Command, best, number, numbers, ranking
from store.buckets import MINUTE_MS, Span, spans
from store.keys import SiteKeys
from store.money import decimal_text
from store.site import Site

from .quality import Ranking, iso, iso_minute

AT_ONCE: Final = 50  # boards of 1,000 members: 30 to 60 ms of parsing and adding

COUNTERS: Final[dict[Dimension, str]] = {
    "pages": "page_views",
    "referrers": "referrals",
    "conversion_types": "conversions",
    "error_types": "errors",
    "events": "events",
}
"""What the members of each dimension's board sum up to; of users it is revenue."""


class Item(Struct, frozen=True):
    key: str
    count: int | str


class Quality(Struct, frozen=True):
    as_of: str
    open: bool
    items: Ranking
    total_exact: bool = True


class Leaders(Struct, frozen=True, rename={"from_": "from"}):
    """Best first; equals as Redis ranks them, the last key first. Users' counts are decimal text of `currency`."""

    dimension: Dimension
    period: TopPeriod | None
    timezone: str
    from_: str
    to: str
    items: list[Item]
    other: int | str
    total: int | str
    exact: bool
    quality: Quality
    currency: str | UnsetType = UNSET


class Sums:
    """What was read, added up. `exact` while no board was cut or has expired, nor was one of several not read whole."""

    def __init__(self, depth: int, boards: int) -> None:
        self.scores: dict[str, int] = defaultdict(int)
        self.total = 0
        self.cut_off = 0
        self.exact = True
        self._depth = depth
        self._alone = boards == 1

    def add(self, replies: Sequence[Any], boards: int) -> None:
        """Takes the replies to `commands` for so many boards."""
        totals = numbers(replies[2 * boards :])
        for board, cut, total in zip(replies[: 2 * boards : 2], replies[1 : 2 * boards : 2], totals, strict=True):
            entries = ranking(board)
            for member, score in entries:
                self.scores[member] += score
            self.total += total
            self.cut_off += number(cut)
            whole = self._alone or len(entries) <= self._depth
            self.exact = self.exact and cut is None and whole and (bool(entries) or not total)


async def answer(redis: Redis, site: Site, keys: SiteKeys, question: Top, now: int) -> Leaders:
    buckets = spans(site.tz, question.interval, question.period.start, question.period.end)
    # Of several boards the best of their sum may stand low in each.
    depth = question.limit if len(buckets) == 1 else MAX_LIMIT
    sums = Sums(depth, len(buckets))
    # More boards than that are no one round trip: their replies would keep everybody else waiting (0.5 s for 800).
    for first in range(0, len(buckets), AT_ONCE):
        some = buckets[first : first + AT_ONCE]
        sums.add(await reading.read(redis, commands(keys, question, some, depth)), len(some))
    return fold(site, question, buckets, sums, now)


def commands(keys: SiteKeys, question: Top, buckets: Sequence[Span], depth: int) -> list[Command]:
    """What `Sums.add` wants the replies to, in its order: the totals last, so that none is less than its parts."""
    interval = question.interval
    board = f"users-{question.currency}" if question.dimension == "users" else question.dimension
    found: list[Command] = []
    for span in buckets:
        key = keys.top_day(board, span.day) if interval == "day" else keys.top_hour(board, span.start)
        found += best(key, depth)
    if question.dimension == "users":
        return found + reading.revenue(keys, question.currency, interval, buckets)
    return found + reading.counts(keys, COUNTERS[question.dimension], interval, buckets)


def fold(site: Site, question: Top, buckets: Sequence[Span], sums: Sums, now: int) -> Leaders:
    leaders = nlargest(question.limit, sums.scores.items(), key=lambda entry: entry[::-1])
    other = sums.total - sum(score for _, score in leaders)
    is_open = buckets[-1].end * MINUTE_MS > now

    def shown(score: int) -> int | str:
        return decimal_text(score, question.currency) if question.dimension == "users" else score

    return Leaders(
        dimension=question.dimension,
        period=question.name,
        timezone=site.zone,
        from_=iso_minute(site.tz, buckets[0].start),
        to=iso(site.tz, now) if is_open else iso_minute(site.tz, buckets[-1].end),
        items=[Item(key, shown(score)) for key, score in leaders],
        other=shown(other),
        total=shown(sums.total),
        exact=sums.exact,
        quality=Quality(iso(site.tz, now), is_open, Ranking(sums.exact, shown(sums.cut_off))),
        currency=question.currency if question.dimension == "users" else UNSET,
    )
