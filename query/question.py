"""Questions: what a request asks, parsed from its parameters into frozen structs or refused with `BadParameter`.

Pure: `now` (epoch milliseconds) and the site are arguments. What a funnel asks is `query.answers.funnel`'s business; it
shares `Parameters`, `duration` and `instant`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, cast, get_args

from msgspec import Struct

from store.buckets import DAY_MS, HOUR_MS, Interval
from store.money import CURRENCIES
from store.site import Site

from .errors import BadParameter

Metric = Literal["page_views", "conversions", "errors", "events", "visitors", "sessions", "revenue", "error_rate"]
Dimension = Literal["pages", "referrers", "users", "conversion_types", "error_types", "events"]
TopPeriod = Literal["hour", "today", "24h", "7d"]

METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
INTERVALS: Final[tuple[Interval, ...]] = get_args(Interval)
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
TOP_PERIODS: Final[tuple[TopPeriod, ...]] = get_args(TopPeriod)

DEFAULT_HOURS: Final = 24
MAX_USER_ID: Final = 128  # characters, as at admission
MAX_ACTIVITY_HOURS: Final = 168  # a user's lists are kept 8 days, and the oldest of them only in part
MAX_LIMIT: Final = 1_000  # a leaderboard keeps no more once it has been trimmed
DEFAULT_LIMIT: Final = 10

LONGEST: Final[dict[Interval, tuple[int, str]]] = {
    "minute": (48 * HOUR_MS, "48 hours"),  # minutes are kept for 3 days
    "hour": (40 * DAY_MS, "40 days"),  # as long as hourly unique users are kept
    "day": (800 * DAY_MS, "800 days"),  # two years, to compare one with the other
}
"""The longest range of a time series: so an answer has at most 2,881 points."""

EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)  # a bucket has no negative name, in no zone
LATEST: Final = datetime(9998, 12, 31, tzinfo=UTC)  # the calendar ends a year later

_UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": HOUR_MS, "d": DAY_MS}
_DURATION: Final = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_WHOLE: Final = re.compile(r"\d{1,9}", re.ASCII)
_SPACED_OFFSET: Final = re.compile(r" (\d\d:?\d\d)\Z", re.ASCII)


class Period(Struct, frozen=True):
    """[start, end), epoch milliseconds."""

    start: int
    end: int


class Timeseries(Struct, frozen=True):
    metric: Metric
    interval: Interval
    period: Period
    currency: str


class Top(Struct, frozen=True):
    """The boards of the hours or days (`interval`) that `period` touches. `name`: the period's, where it has one.

    `currency` only matters where `dimension` is users.
    """

    dimension: Dimension
    name: TopPeriod | None
    interval: Interval
    period: Period
    limit: int
    currency: str


class Activity(Struct, frozen=True):
    user_id: str
    period: Period


TOP_PERIODS_OF: Final[dict[TopPeriod, tuple[Interval, int]]] = {
    "hour": ("hour", 0),
    "today": ("day", 0),
    "24h": ("hour", DAY_MS),
    "7d": ("day", 7 * DAY_MS),
}
"""Whose boards, and how many milliseconds before now the first of them began or goes on."""


class Parameters:
    """The parameters of one request, each of them known and given once (a multidict's items tell a repeated one)."""

    def __init__(self, given: Mapping[str, str], known: Sequence[str]) -> None:
        self._given: dict[str, str] = {}
        for name, value in given.items():
            if name not in known:
                takes = f"the known ones are {', '.join(known)}" if known else "this call takes none"
                raise BadParameter(_cut(name), f"unknown parameter; {takes}")
            if name in self._given:
                raise BadParameter(name, "given more than once")
            self._given[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str) -> str | None:
        return self._given.get(name)

    def choice(self, name: str, allowed: Sequence[str], default: str | None = None) -> str:
        """One of `allowed`; where there is no default the parameter is required."""
        value = self._given.get(name, default)
        if value is None:
            raise BadParameter(name, f"required; one of {', '.join(allowed)}")
        if value not in allowed:
            raise BadParameter(name, f"unknown {name} {_cut(value)!r}; the known ones are {', '.join(allowed)}")
        return value

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        value = self._given.get(name)
        if value is None:
            return default
        if not _WHOLE.fullmatch(value) or not low <= int(value) <= high:
            raise BadParameter(name, f"must be a whole number from {low} to {high}")
        return int(value)

    def currency(self, site: Site, *, applies: bool, where: str) -> str:
        """The site's own where none is given; refused where the answer holds no money."""
        code = self._given.get("currency")
        if code is None:
            return site.currency
        if not applies:
            raise BadParameter("currency", f"only goes with {where}")
        if code not in CURRENCIES:
            raise BadParameter("currency", "must be an ISO 4217 code in upper case, such as USD")
        return code


def timeseries(given: Mapping[str, str], site: Site, now: int) -> Timeseries:
    parameters = Parameters(given, ("metric", "interval", "hours", "days", "from", "to", "currency"))
    metric = cast(Metric, parameters.choice("metric", METRICS))
    interval = cast(Interval, parameters.choice("interval", INTERVALS, "hour"))
    asked = period(parameters, now)
    longest, spoken = LONGEST[interval]
    if asked.end - asked.start > longest + 1:
        raise BadParameter("interval", f"covers at most {spoken} by {interval}; ask for less, or by a longer one")
    currency = parameters.currency(site, applies=metric == "revenue", where="metric=revenue")
    return Timeseries(metric, interval, asked, currency)


def top(given: Mapping[str, str], site: Site, now: int) -> Top:
    parameters = Parameters(given, ("dimension", "period", "from", "to", "limit", "currency"))
    dimension = cast(Dimension, parameters.choice("dimension", DIMENSIONS))
    limit = parameters.whole("limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    currency = parameters.currency(site, applies=dimension == "users", where="dimension=users")
    if "from" not in parameters and "to" not in parameters:
        name = cast(TopPeriod, parameters.choice("period", TOP_PERIODS, "today"))
        interval, reach = TOP_PERIODS_OF[name]
        return Top(dimension, name, interval, Period(now - reach, now + 1), limit, currency)
    if "period" in parameters:
        raise BadParameter("period", "cannot be combined with from and to")
    asked = period(parameters, now)
    longest, spoken = LONGEST["day"]
    if asked.end - asked.start > longest + 1:
        raise BadParameter("from", f"lies more than {spoken} before to")
    return Top(dimension, None, "day", asked, limit, currency)


def activity(user_id: str, given: Mapping[str, str], now: int) -> Activity:
    hours = Parameters(given, ("hours",)).whole("hours", DEFAULT_HOURS, 1, MAX_ACTIVITY_HOURS)
    if len(user_id) > MAX_USER_ID:
        raise BadParameter("user_id", f"has at most {MAX_USER_ID} characters")
    return Activity(user_id, Period(now - hours * HOUR_MS, now + 1))


def nothing(given: Mapping[str, str]) -> None:
    """For a call without parameters."""
    Parameters(given, ())


def period(parameters: Parameters, now: int, *, hours: int = DEFAULT_HOURS) -> Period:
    """What `hours`, `days`, or `from` and `to` ask for; by default the last `hours`.

    It ends with the present millisecond at the latest: what has not happened has no zeros.
    """
    given = [name for name in ("hours", "days", "from", "to") if name in parameters]
    if given == ["hours"]:
        return Period(now - parameters.whole("hours", 0, 1, 24 * 800) * HOUR_MS, now + 1)
    if given == ["days"]:
        return Period(now - parameters.whole("days", 0, 1, 800) * DAY_MS, now + 1)
    if not given:
        return Period(now - hours * HOUR_MS, now + 1)
    if "hours" in given or "days" in given:
        raise BadParameter(given[0], f"cannot be combined with {given[1]}; give hours, days, or from and to")
    if "from" not in given:
        raise BadParameter("from", "required where to is given")
    start = instant("from", parameters.text("from") or "")
    end = instant("to", parameters.text("to") or "") if "to" in given else now + 1
    if start > now:
        raise BadParameter("from", "lies in the future")
    if start >= end:
        raise BadParameter("from", "must be earlier than to")
    return Period(start, min(end, now + 1))


def duration(parameter: str, text: str) -> int:
    """`90s`, `30m`, `24h` or `7d` in milliseconds."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise BadParameter(parameter, "must be a duration such as 90s, 30m, 24h or 7d")
    return int(match[1]) * _UNITS_MS[match[2]]


def instant(parameter: str, text: str) -> int:
    """An ISO 8601 instant with its offset, in epoch milliseconds."""
    # An offset's plus sign that was not percent-encoded arrives as a space, which has no other meaning there.
    text = _SPACED_OFFSET.sub(r"+\1", text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadParameter(parameter, "must be an ISO 8601 instant such as 2026-03-29T12:00:00+02:00") from None
    if at.tzinfo is None:
        raise BadParameter(parameter, "must say its offset, such as Z or +02:00 (written %2B02:00 in a URL)")
    if not EARLIEST <= at <= LATEST:
        raise BadParameter(parameter, f"must lie between {EARLIEST:%Y-%m-%d} and {LATEST:%Y-%m-%d}")
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _cut(text: str) -> str:
    return text[:64]
