"""Today so far beside yesterday up to the same time of the site's clock.

    GET /v1/metrics/comparison    up to 27 commands, one round trip

Yesterday is counted to the last whole minute: its full hours from the hours, what is left from the minutes, which are
kept for three days. Where the clocks were set in between, the same time is that which the clock showed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import islice
from typing import Any, Final

from msgspec import Struct
from redis.asyncio import Redis

from query import reading
from query.reading import Command, number, numbers
from store.buckets import MINUTE_MS, Span, day_start, spans
from store.keys import SiteKeys
from store.money import decimal_text
from store.site import Site

from .quality import ESTIMATED, EXACT, Precision, iso, iso_minute
from .realtime import active_minutes
from .sessions import figures

COUNTERS: Final = ("conversions", "errors", "page_views", "bounces", "session_ms", "sessions")


class Count(Struct, frozen=True):
    """`change` is relative: 0.25 is a quarter more. None where there was nothing yesterday."""

    today: int
    yesterday: int
    change: float | None


class Amount(Struct, frozen=True):
    """Decimal text of the site's currency; `change` as of a count."""

    today: str
    yesterday: str
    change: float | None


class Rate(Struct, frozen=True):
    """`change` is the difference of the two; None where either would divide by nothing."""

    today: float | None
    yesterday: float | None
    change: float | None


class Metrics(Struct, frozen=True):
    """`active_now` is of five minutes; `sessions` and its rates are of those that began."""

    active_now: Count
    page_views: Count
    visitors: Count
    sessions: Count
    bounce_rate: Rate
    avg_duration_s: Rate
    conversions: Count
    revenue: Amount
    errors: Count
    error_rate: Rate


class Stretch(Struct, frozen=True, rename={"from_": "from"}):
    from_: str
    to: str


class Quality(Struct, frozen=True):
    """`distinct` holds for `active_now` and `visitors`, `counts` for everything else. Today goes on counting."""

    as_of: str
    counts: Precision
    distinct: Precision


class Comparison(Struct, frozen=True):
    site: str
    timezone: str
    currency: str
    today: Stretch
    yesterday: Stretch
    metrics: Metrics
    quality: Quality


class Day(Struct, frozen=True):
    """What was read of one of the two."""

    counts: dict[str, int]
    minor: int
    visitors: int
    active: int


class Yesterday(Struct, frozen=True):
    """[start, end) in epoch minutes, the buckets that make it up, and the minutes before its end that were active."""

    start: int
    end: int
    hours: list[Span]
    minutes: list[Span]
    active: list[Span]


async def answer(redis: Redis, site: Site, keys: SiteKeys, now: int) -> Comparison:
    yesterday = before(site, now)
    return fold(site, yesterday, await reading.read(redis, commands(site, keys, yesterday, now)), now)


def before(site: Site, now: int) -> Yesterday:
    """Yesterday up to the time that the site's clock shows now."""
    local = datetime.fromtimestamp(now // MINUTE_MS * 60, UTC).astimezone(site.tz)
    same = (local.replace(tzinfo=None) - timedelta(days=1)).replace(tzinfo=site.tz, fold=local.fold)
    start = day_start(site.tz, same.date())
    end = min(max(int(same.timestamp()) // 60, start), day_start(site.tz, local.date()))
    hours = [span for span in spans(site.tz, "hour", start * MINUTE_MS, end * MINUTE_MS) if span.end <= end]
    rest = hours[-1].end if hours else start
    minutes = spans(site.tz, "minute", rest * MINUTE_MS, end * MINUTE_MS)
    return Yesterday(start, end, hours, minutes, active_minutes(site, end * MINUTE_MS))


def commands(site: Site, keys: SiteKeys, yesterday: Yesterday, now: int) -> list[Command]:
    """What `fold` wants the replies to, in its order."""
    today = spans(site.tz, "day", now, now + 1)
    found: list[Command] = [
        *reading.users(keys, "visitors", "day", today),
        _distinct(keys, (), active_minutes(site, now)),
        _distinct(keys, (), yesterday.active),
    ]
    if yesterday.hours or yesterday.minutes:
        found.append(_distinct(keys, yesterday.hours, yesterday.minutes))
    found += reading.revenue(keys, site.currency, "day", today)
    found += reading.revenue(keys, site.currency, "hour", yesterday.hours)
    found += reading.revenue(keys, site.currency, "minute", yesterday.minutes)
    for counter in COUNTERS:
        found += reading.counts(keys, counter, "day", today)
        found += reading.counts(keys, counter, "hour", yesterday.hours)
        found += reading.counts(keys, counter, "minute", yesterday.minutes)
    return found


def fold(site: Site, yesterday: Yesterday, replies: Sequence[Any], now: int) -> Comparison:
    day, then = _read(yesterday, iter(replies))
    visits = figures(day.counts["sessions"], day.counts["bounces"], day.counts["session_ms"])
    visits_then = figures(then.counts["sessions"], then.counts["bounces"], then.counts["session_ms"])

    def counted(name: str) -> Count:
        return _count(day.counts[name], then.counts[name])

    return Comparison(
        site=site.id,
        timezone=site.zone,
        currency=site.currency,
        today=Stretch(iso_minute(site.tz, spans(site.tz, "day", now, now + 1)[0].start), iso(site.tz, now)),
        yesterday=Stretch(iso_minute(site.tz, yesterday.start), iso_minute(site.tz, yesterday.end)),
        metrics=Metrics(
            active_now=_count(day.active, then.active),
            page_views=counted("page_views"),
            visitors=_count(day.visitors, then.visitors),
            sessions=_count(visits.count, visits_then.count),
            bounce_rate=_rate(visits.bounce_rate, visits_then.bounce_rate),
            avg_duration_s=_rate(visits.avg_duration_s, visits_then.avg_duration_s),
            conversions=counted("conversions"),
            revenue=Amount(
                decimal_text(day.minor, site.currency),
                decimal_text(then.minor, site.currency),
                _change(day.minor, then.minor),
            ),
            errors=counted("errors"),
            error_rate=_rate(_per_view(day), _per_view(then)),
        ),
        quality=Quality(iso(site.tz, now), EXACT, ESTIMATED),
    )


def _read(yesterday: Yesterday, replies: Iterator[Any]) -> tuple[Day, Day]:
    parts = bool(yesterday.hours) + bool(yesterday.minutes)  # each is of one day, so one command
    visitors, active, active_then = (number(next(replies)) for _ in range(3))
    visitors_then = number(next(replies)) if parts else 0

    def both() -> tuple[int, int]:
        return sum(numbers([next(replies)])), sum(numbers(islice(replies, parts)))

    minor, minor_then = both()
    counts, counts_then = {}, {}
    for counter in COUNTERS:
        counts[counter], counts_then[counter] = both()
    return Day(counts, minor, visitors, active), Day(counts_then, minor_then, visitors_then, active_then)


def _distinct(keys: SiteKeys, hours: Sequence[Span], minutes: Sequence[Span]) -> Command:
    """Answered with an estimate of those who were there in any of the buckets."""
    return (
        "PFCOUNT",
        *(keys.users_hour("visitors", span.start) for span in hours),
        *(keys.users_minute("visitors", span.start) for span in minutes),
    )


def _count(today: int, yesterday: int) -> Count:
    return Count(today, yesterday, _change(today, yesterday))


def _change(today: int, yesterday: int) -> float | None:
    return round(float(Fraction(today - yesterday, abs(yesterday))), 4) if yesterday else None


def _rate(today: float | None, yesterday: float | None) -> Rate:
    return Rate(today, yesterday, None if today is None or yesterday is None else round(today - yesterday, 4))


def _per_view(day: Day) -> float | None:
    views = day.counts["page_views"]
    return day.counts["errors"] / views if views else None
