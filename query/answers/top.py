"""The best of a leaderboard: pages, referrers, users by value, or the types and names of events.

    GET /v1/metrics/top    one round trip: two commands a board and one a day

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
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType
from redis.asyncio import Redis

from query import reading
from query.question import MAX_LIMIT, Dimension, Top, TopPeriod
from query.reading import Command, best, numbers, ranking
from store.buckets import MINUTE_MS, Span, spans
from store.keys import SiteKeys
from store.money import decimal_text
from store.site import Site

from .quality import Ranking, iso, iso_minute

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


async def answer(redis: Redis, site: Site, keys: SiteKeys, question: Top, now: int) -> Leaders:
    buckets = spans(site.tz, question.interval, question.period.start, question.period.end)
    return fold(site, question, buckets, await reading.read(redis, commands(keys, question, buckets)), now)


def commands(keys: SiteKeys, question: Top, buckets: Sequence[Span]) -> list[Command]:
    """What `fold` wants the replies to, in its order: the total last, so that it is not less than its parts."""
    interval = question.interval
    board = f"users-{question.currency}" if question.dimension == "users" else question.dimension
    found: list[Command] = []
    for span in buckets:
        key = keys.top_day(board, span.day) if interval == "day" else keys.top_hour(board, span.start)
        found += best(key, _depth(question, buckets))
    if question.dimension == "users":
        return found + reading.revenue(keys, question.currency, interval, buckets)
    return found + reading.counts(keys, COUNTERS[question.dimension], interval, buckets)


def fold(site: Site, question: Top, buckets: Sequence[Span], replies: Sequence[Any], now: int) -> Leaders:
    boards, totals = replies[: 2 * len(buckets)], replies[2 * len(buckets) :]
    scores, cut_off, exact = merge(boards[::2], boards[1::2], _depth(question, buckets))
    leaders = sorted(scores.items(), key=lambda entry: entry[::-1], reverse=True)[: question.limit]
    total = sum(numbers(totals))
    is_open = buckets[-1].end * MINUTE_MS > now
    until = iso(site.tz, now) if is_open else iso_minute(site.tz, buckets[-1].end)
    other = total - sum(score for _, score in leaders)

    def shown(score: int) -> int | str:
        return decimal_text(score, question.currency) if question.dimension == "users" else score

    return Leaders(
        dimension=question.dimension,
        period=question.name,
        timezone=site.zone,
        from_=iso_minute(site.tz, buckets[0].start),
        to=until,
        items=[Item(key, shown(score)) for key, score in leaders],
        other=shown(other),
        total=shown(total),
        exact=exact,
        quality=Quality(iso(site.tz, now), is_open, Ranking(exact, shown(cut_off))),
        currency=question.currency if question.dimension == "users" else UNSET,
    )


def merge(
    boards: Sequence[Sequence[Any]], cuts: Sequence[float | None], depth: int
) -> tuple[dict[str, int], int, bool]:
    """The boards' scores added up, what was cut off them, and whether the sums are exact.

    They are where no board was cut, and each was read whole or there is but one.
    """
    scores: dict[str, int] = defaultdict(int)
    whole = True
    for board in boards:
        entries = ranking(board)
        whole = whole and len(entries) <= depth
        for member, score in entries:
            scores[member] += score
    was_cut = any(cut is not None for cut in cuts)
    return scores, sum(int(cut or 0) for cut in cuts), not was_cut and (whole or len(boards) == 1)


def _depth(question: Top, buckets: Sequence[Span]) -> int:
    """Members to read of each board: of several, the best of their sum may stand low in each."""
    return question.limit if len(buckets) == 1 else MAX_LIMIT
