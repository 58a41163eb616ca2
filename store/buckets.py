"""Time to buckets: which minute, hour and day of a site's zone an instant falls in. Pure.

Every bucket is named by the instant it begins at, counted in minutes since the epoch, so two buckets never share a
name, not even the hour that a zone lives through twice when its clocks go back. A day is named by its date.

    minute  one UTC minute
    hour    the hour of the site's wall clock (in Asia/Kolkata it begins at half past the UTC hour). Where the clocks
            are set by half an hour (Lord Howe) the change begins a bucket of its own, 30 minutes long.
    day     from the site's midnight to its next: 23, 24 or 25 hours, or what the zone decreed
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

Interval = Literal["minute", "hour", "day"]

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000


class Bucket(Struct, frozen=True):
    """The three buckets of one minute. `minute` and `hour` are epoch minutes of their beginnings."""

    minute: int
    hour: int
    day: str
    clock_hour: int  # what the site's clock shows, 0 to 23


class Span(Struct, frozen=True):
    """One bucket of a series: [start, end) in epoch minutes, and the site's date that it belongs to."""

    start: int
    end: int
    day: str


def bucket(zone: ZoneInfo, at: int) -> Bucket:
    """The buckets of the instant `at` (epoch milliseconds)."""
    return _bucket(zone, at // MINUTE_MS)


@lru_cache(maxsize=8192)  # every event of a minute asks for the same one
def _bucket(zone: ZoneInfo, minute: int) -> Bucket:
    local = _local(zone, minute)
    return Bucket(minute, _hour_start(zone, minute), local.date().isoformat(), local.hour)


def day_start(zone: ZoneInfo, day: date) -> int:
    """The epoch minute at which `day` begins in the zone: its first instant, also where midnight itself is skipped."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    start = int(midnight.timestamp()) // 60
    # A midnight inside a gap is read with the offset from before it and lands after the gap's end, or on the day
    # before; the first minute of the date is then the gap's end.
    while _local(zone, start).date() < day:
        start += 1
    while _local(zone, start - 1).date() >= day:
        start -= 1
    return start


def spans(zone: ZoneInfo, interval: Interval, start: int, end: int) -> list[Span]:
    """The buckets that cover [start, end), both epoch milliseconds, the first beginning at or before `start`."""
    first, last = start // MINUTE_MS, -(-end // MINUTE_MS)
    if interval == "minute":
        return [Span(m, m + 1, _bucket(zone, m).day) for m in range(first, last)]
    if interval == "hour":
        return _hours(zone, first, last)
    return _days(zone, first, last)


def _hours(zone: ZoneInfo, first: int, last: int) -> list[Span]:
    found: list[Span] = []
    start = _hour_start(zone, first)
    while start < last:
        end = start + 60 - _local(zone, start).minute
        while _hour_start(zone, end - 1) != start:  # cut short: the clocks are set within it
            end -= 1
        found.append(Span(start, end, _bucket(zone, start).day))
        start = end
    return found


def _days(zone: ZoneInfo, first: int, last: int) -> list[Span]:
    found: list[Span] = []
    day = _local(zone, first).date()
    start = day_start(zone, day)
    while start < last:
        following = day + timedelta(days=1)
        end = day_start(zone, following)
        if end > start:  # a date that the zone skipped altogether (Samoa, 2011-12-30) has no bucket
            found.append(Span(start, end, day.isoformat()))
        day, start = following, end
    return found


@lru_cache(maxsize=8192)
def _hour_start(zone: ZoneInfo, minute: int) -> int:
    """Walks back over one unbroken stretch of the same wall-clock hour, at most to its beginning."""
    local = _local(zone, minute)
    start = minute - local.minute
    while (earlier := _local(zone, start)).hour != local.hour or earlier.utcoffset() != local.utcoffset():
        start += 1  # the clocks were set within this hour: it begins where the new offset does
    return start


def _local(zone: ZoneInfo, minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(zone)
