"""The realtime metrics: what happened today and in the current hour, in the site's zone.

GET /v1/metrics/realtime    16 commands, one round trip
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from redis.asyncio import Redis

from query.reading import Command, best, number, numbers, ranking, read
from store.buckets import MINUTE_MS, Span, bucket, spans
from store.keys import SiteKeys
from store.money import decimal_text
from store.site import Site

from .quality import ESTIMATED, EXACT, Precision, Ranking, iso, iso_minute
from .sessions import figures

ACTIVE_MINUTES: Final = 5
TOP_PAGES: Final = 10
TOP_REFERRERS: Final = 5
TOP_USERS: Final = 10


class Counted(Struct, frozen=True):
    today: int
    current_hour: int


class Conversions(Struct, frozen=True):
    """`value` is today's, decimal text by currency; a currency that nothing was sold in is not there."""

    today: int
    current_hour: int
    value: dict[str, str]


class Errors(Struct, frozen=True):
    """`rate` is today's errors by today's page views: it may pass 1, and is None where there was no view."""

    today: int
    current_hour: int
    rate: float | None


class Uniques(Struct, frozen=True):
    """Today's. `conversions` counts distinct pairs of a user and a conversion type."""

    visitors: int
    conversions: int


class Visits(Struct, frozen=True):
    today: int
    bounce_rate: float | None
    avg_duration_s: float | None


class Page(Struct, frozen=True):
    url: str
    views: int


class Referrer(Struct, frozen=True):
    source: str
    visits: int


class User(Struct, frozen=True):
    user_id: str
    value: str


class Window(Struct, frozen=True):
    """Which bucket a figure is of. All of them are open: they go on counting."""

    start: str
    open: bool = True


class Quality(Struct, frozen=True):
    """`distinct` holds for `unique_metrics` and `active_now`, `counts` for all that is counted one by one.

    `active_now` is of whole minutes, so of up to a minute more than five.
    """

    as_of: str
    timezone: str
    currency: str
    today: Window
    current_hour: Window
    active_now: Window
    counts: Precision
    distinct: Precision
    top_pages: Ranking
    top_referrers: Ranking
    top_users: Ranking


class Realtime(Struct, frozen=True):
    timestamp: str
    date: str
    hour: int
    page_views: Counted
    conversions: Conversions
    errors: Errors
    unique_metrics: Uniques
    top_pages: list[Page]
    top_referrers: list[Referrer]
    active_now: int
    sessions: Visits
    top_users: list[User]
    quality: Quality


def active_minutes(site: Site, now: int) -> list[Span]:
    """Whose visitors are there now: the last five minutes and the one that runs."""
    return spans(site.tz, "minute", now - ACTIVE_MINUTES * MINUTE_MS, now + 1)


async def answer(redis: Redis, site: Site, keys: SiteKeys, now: int) -> Realtime:
    return fold(site, now, await read(redis, commands(site, keys, now)))


def commands(site: Site, keys: SiteKeys, now: int) -> list[Command]:
    """What `fold` wants the replies to, in its order."""
    at = bucket(site.tz, now)

    def count(metric: str) -> Command:
        return "HMGET", keys.count(metric, at.day), "total", at.hour

    return [
        *best(keys.top_day("pages", at.day), TOP_PAGES),
        *best(keys.top_day("referrers", at.day), TOP_REFERRERS),
        *best(keys.top_day(f"users-{site.currency}", at.day), TOP_USERS),
        ("PFCOUNT", keys.users_day("visitors", at.day)),
        ("PFCOUNT", keys.buyers(at.day)),
        ("PFCOUNT", *(keys.users_minute("visitors", span.start) for span in active_minutes(site, now))),
        ("HGETALL", keys.revenue(at.day)),
        count("conversions"),
        count("errors"),
        count("page_views"),
        count("bounces"),
        count("session_ms"),
        count("sessions"),
    ]


def fold(site: Site, now: int, replies: Sequence[Any]) -> Realtime:
    (
        pages, pages_cut, referrers, referrers_cut, users, users_cut, visitors, buyers, active, revenue,
        conversions, errors, page_views, bounces, session_ms, sessions,
    ) = replies  # fmt: skip
    at = bucket(site.tz, now)
    views, failures = Counted(*numbers([page_views])), Counted(*numbers([errors]))
    visits = figures(number(sessions[0]), number(bounces[0]), number(session_ms[0]))
    quality = Quality(
        as_of=iso(site.tz, now),
        timezone=site.zone,
        currency=site.currency,
        today=Window(iso_minute(site.tz, spans(site.tz, "day", now, now + 1)[0].start)),
        current_hour=Window(iso_minute(site.tz, at.hour)),
        active_now=Window(iso_minute(site.tz, active_minutes(site, now)[0].start)),
        counts=EXACT,
        distinct=ESTIMATED,
        top_pages=Ranking(pages_cut is None, number(pages_cut)),
        top_referrers=Ranking(referrers_cut is None, number(referrers_cut)),
        top_users=Ranking(users_cut is None, decimal_text(number(users_cut), site.currency)),
    )
    return Realtime(
        timestamp=quality.as_of,
        date=at.day,
        hour=at.clock_hour,
        page_views=views,
        conversions=Conversions(number(conversions[0]), number(conversions[1]), _by_currency(revenue)),
        errors=Errors(failures.today, failures.current_hour, failures.today / views.today if views.today else None),
        unique_metrics=Uniques(visitors, buyers),
        top_pages=[Page(*entry) for entry in ranking(pages)[:TOP_PAGES]],
        top_referrers=[Referrer(*entry) for entry in ranking(referrers)[:TOP_REFERRERS]],
        active_now=active,
        sessions=Visits(visits.count, visits.bounce_rate, visits.avg_duration_s),
        top_users=[User(name, decimal_text(minor, site.currency)) for name, minor in ranking(users)[:TOP_USERS]],
        quality=quality,
    )


def _by_currency(revenue: Mapping[bytes, bytes]) -> dict[str, str]:
    """The day's totals; the hash also holds `CUR:hour` fields."""
    totals = {field.decode(): int(minor) for field, minor in revenue.items() if b":" not in field}
    return {currency: decimal_text(minor, currency) for currency, minor in sorted(totals.items())}
