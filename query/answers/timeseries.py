"""A metric as a series of minutes, hours or days of the site's zone, without gaps.

    GET /v1/metrics/timeseries    one round trip: an HMGET a day and metric, a PFCOUNT a point

    metric        count                            unique_users
    page_views    events of the kind               who viewed
    conversions   "                                who converted
    errors        "                                who met one
    events        "                                who sent one
    visitors      distinct users of any kind       the same
    sessions      sessions that began              visitors
    revenue       decimal text of the currency     who converted
    error_rate    errors by page views, or null    who met an error

A point is a whole bucket: the first begins at or before the period does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType
from redis.asyncio import Redis

from query import reading
from query.question import Metric, Timeseries
from query.reading import Command, number, numbers
from store.buckets import MINUTE_MS, Interval, Span, spans
from store.keys import DAY_S, TTL_DAYS, TTL_HOURS, TTL_MINUTES, SiteKeys
from store.money import decimal_text
from store.site import Site

from .quality import ESTIMATED, EXACT, Precision, iso, iso_minute
from .sessions import figures

KINDS: Final = ("page_views", "conversions", "errors", "events")

COUNTERS: Final[dict[Metric, tuple[str, ...]]] = {
    "page_views": ("page_views",),
    "conversions": ("conversions",),
    "errors": ("errors",),
    "events": ("events",),
    "visitors": KINDS,
    "sessions": ("bounces", "session_ms", "sessions", *KINDS),
    "revenue": ("conversions",),
    "error_rate": ("errors", "page_views"),
}
"""What each metric is made of, and what tells whether its users are still known."""

USERS: Final[dict[Metric, str]] = {
    "page_views": "page_views",
    "conversions": "conversions",
    "errors": "errors",
    "events": "events",
    "visitors": "visitors",
    "sessions": "visitors",
    "revenue": "conversions",
    "error_rate": "errors",
}
"""Whose distinct users accompany each metric: those of an event kind, or of all kinds (`visitors`)."""

KEPT_DAYS: Final[dict[Interval, tuple[int, int]]] = {
    "minute": (TTL_MINUTES // DAY_S, TTL_MINUTES // DAY_S),
    "hour": (TTL_DAYS // DAY_S, TTL_HOURS // DAY_S),
    "day": (TTL_DAYS // DAY_S, TTL_DAYS // DAY_S),
}
"""How long counts and unique users stay after their last event."""


class Point(Struct, frozen=True):
    """One bucket. `open`: it goes on counting. None is a number that is no longer kept, or that divides by zero."""

    start: str
    count: int | float | str | None
    unique_users: int | None
    open: bool
    bounce_rate: float | UnsetType | None = UNSET
    avg_duration_s: float | UnsetType | None = UNSET
    errors: int | UnsetType | None = UNSET
    page_views: int | UnsetType | None = UNSET


class Quality(Struct, frozen=True):
    """`no_longer_kept` counts the points that had events, but whose count or users have expired and are null.

    Where everything of a day has expired nothing tells of it: such points read zero, as those without events do.
    """

    as_of: str
    count: Precision
    unique_users: Precision
    unique_users_of: str
    no_longer_kept: int
    count_kept_days: int
    unique_users_kept_days: int


class Series(Struct, frozen=True, rename={"from_": "from"}):
    metric: Metric
    interval: Interval
    timezone: str
    from_: str
    to: str
    points: list[Point]
    quality: Quality
    currency: str | UnsetType = UNSET


class Read(Struct, frozen=True):
    """What was read of one bucket. `events`: those that its users were counted by; `kept`: its counts are known."""

    counts: dict[str, int]
    minor: int
    users: int
    events: int
    kept: bool


async def answer(redis: Redis, site: Site, keys: SiteKeys, question: Timeseries, now: int) -> Series:
    buckets = spans(site.tz, question.interval, question.period.start, question.period.end)
    return fold(site, question, buckets, await reading.read(redis, commands(keys, question, buckets)), now)


def commands(keys: SiteKeys, question: Timeseries, buckets: Sequence[Span]) -> list[Command]:
    """What `fold` wants the replies to, in its order: users last, so that where there are events there are users."""
    found: list[Command] = []
    for counter in COUNTERS[question.metric]:
        found += reading.counts(keys, counter, question.interval, buckets)
    if question.metric == "revenue":
        found += reading.revenue(keys, question.currency, question.interval, buckets)
    if question.interval == "minute":
        for day in _days(buckets):
            for counter in _kinds(question.metric):
                found += (("HGET", keys.count(counter, day), "total"), ("EXISTS", keys.minutes(counter, day)))
    return found + reading.users(keys, USERS[question.metric], question.interval, buckets)


def fold(site: Site, question: Timeseries, buckets: Sequence[Span], replies: Sequence[Any], now: int) -> Series:
    points, expired = [], 0
    for span, found in zip(buckets, _read(question, buckets, iter(replies)), strict=True):
        users = _users(found)
        expired += users is None
        start, is_open = iso_minute(site.tz, span.start), span.end * MINUTE_MS > now
        points.append(_point(question, found, users, start, is_open))
    count_days, users_days = KEPT_DAYS[question.interval]
    return Series(
        metric=question.metric,
        interval=question.interval,
        timezone=site.zone,
        from_=iso(site.tz, question.period.start),
        to=iso(site.tz, question.period.end),
        points=points,
        quality=Quality(
            as_of=iso(site.tz, now),
            count=ESTIMATED if question.metric == "visitors" else EXACT,
            unique_users=ESTIMATED,
            unique_users_of=USERS[question.metric],
            no_longer_kept=expired,
            count_kept_days=count_days,
            unique_users_kept_days=users_days,
        ),
        currency=question.currency if question.metric == "revenue" else UNSET,
    )


def _read(question: Timeseries, buckets: Sequence[Span], replies: Iterator[Any]) -> Iterator[Read]:
    days = _days(buckets)
    columns = {counter: numbers(islice(replies, len(days))) for counter in COUNTERS[question.metric]}
    revenue = numbers(islice(replies, len(days))) if question.metric == "revenue" else [0] * len(buckets)
    gone = set()
    if question.interval == "minute":
        for day in days:
            for _ in _kinds(question.metric):
                total, exists = number(next(replies)), next(replies)
                if total and not exists:
                    gone.add(day)
    counted_by = KINDS if USERS[question.metric] == "visitors" else (USERS[question.metric],)
    for i, (span, users) in enumerate(zip(buckets, replies, strict=True)):
        counts = {counter: column[i] for counter, column in columns.items()}
        yield Read(counts, revenue[i], users, sum(counts[kind] for kind in counted_by), span.day not in gone)


def _users(found: Read) -> int | None:
    """Never more than there were events: an estimate may pass that, the truth cannot."""
    if not found.kept or (found.events and not found.users):
        return None
    return min(found.users, found.events)


def _point(question: Timeseries, found: Read, users: int | None, start: str, is_open: bool) -> Point:
    counts = found.counts
    if question.metric == "visitors":
        return Point(start, users, users, is_open)
    if question.metric == "sessions":
        visits = figures(counts["sessions"], counts["bounces"], counts["session_ms"])
        count = visits.count if found.kept else None
        return Point(start, count, users, is_open, visits.bounce_rate, visits.avg_duration_s)
    if question.metric == "revenue":
        return Point(start, decimal_text(found.minor, question.currency) if found.kept else None, users, is_open)
    if question.metric == "error_rate":
        errors, views = counts["errors"], counts["page_views"]
        rate = errors / views if views else None
        if not found.kept:
            return Point(start, None, users, is_open, errors=None, page_views=None)
        return Point(start, rate, users, is_open, errors=errors, page_views=views)
    return Point(start, counts[question.metric] if found.kept else None, users, is_open)


def _days(buckets: Sequence[Span]) -> list[str]:
    return list(dict.fromkeys(span.day for span in buckets))


def _kinds(metric: Metric) -> list[str]:
    """The counters that the others of the metric follow: where they have expired, so have those."""
    return [counter for counter in COUNTERS[metric] if counter in KINDS]
