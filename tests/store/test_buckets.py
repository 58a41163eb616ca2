"""Minutes, hours and days of a site's zone, on ordinary days and on those that are not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.buckets import DAY_MS, HOUR_MS, MINUTE_MS, Interval, bucket, day_start, spans

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe",
    "Pacific/Apia", "America/Sao_Paulo", "Africa/Monrovia", "Asia/Beirut",
)  # fmt: skip


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "at", "day", "hour_begins", "clock_hour"),
    [
        ("UTC", "2026-11-23T13:59:59.999+00:00", "2026-11-23", "2026-11-23T13:00+00:00", 13),
        ("Europe/Berlin", "2026-11-22T23:00:00+00:00", "2026-11-23", "2026-11-22T23:00+00:00", 0),
        ("Europe/Berlin", "2026-11-22T22:59:59+00:00", "2026-11-22", "2026-11-22T22:00+00:00", 23),
        ("Asia/Kolkata", "2026-11-23T13:29:00+00:00", "2026-11-23", "2026-11-23T12:30+00:00", 18),
        ("Asia/Kolkata", "2026-11-23T13:30:00+00:00", "2026-11-23", "2026-11-23T13:30+00:00", 19),
        ("Asia/Kathmandu", "2026-11-23T13:14:00+00:00", "2026-11-23", "2026-11-23T12:15+00:00", 18),
        # The clock shows 02:xx twice on 2026-10-25 in Berlin: two hours, two buckets.
        ("Europe/Berlin", "2026-10-25T00:30:00+00:00", "2026-10-25", "2026-10-25T00:00+00:00", 2),
        ("Europe/Berlin", "2026-10-25T01:30:00+00:00", "2026-10-25", "2026-10-25T01:00+00:00", 2),
        # and never on 2026-03-29
        ("Europe/Berlin", "2026-03-29T01:00:00+00:00", "2026-03-29", "2026-03-29T01:00+00:00", 3),
        # Lord Howe goes forward by half an hour at 02:00: its hour 2 begins at 02:30.
        ("Australia/Lord_Howe", "2026-10-03T15:40:00+00:00", "2026-10-04", "2026-10-03T15:30+00:00", 2),
    ],
)
def test_bucket(zone: str, at: str, day: str, hour_begins: str, clock_hour: int) -> None:
    found = bucket(ZoneInfo(zone), ms(at))
    assert (found.minute, found.hour * MINUTE_MS) == (ms(at) // MINUTE_MS, ms(hour_begins))
    assert (found.day, found.clock_hour) == (day, clock_hour)


@pytest.mark.parametrize(
    ("zone", "day", "minutes", "hours"),
    [
        ("Europe/Berlin", "2026-11-23", 1440, 24),
        ("Europe/Berlin", "2026-03-29", 1380, 23),
        ("Europe/Berlin", "2026-10-25", 1500, 25),
        ("America/New_York", "2026-03-08", 1380, 23),
        ("America/New_York", "2026-11-01", 1500, 25),
        ("Australia/Lord_Howe", "2026-10-04", 1410, 24),  # its hour 2 has 30 minutes
        ("Australia/Lord_Howe", "2026-04-05", 1470, 25),
        ("America/Sao_Paulo", "2018-11-04", 1380, 23),  # midnight itself is skipped
        ("Asia/Kolkata", "2026-11-23", 1440, 24),
    ],
)
def test_length_of_a_day(zone: str, day: str, minutes: int, hours: int) -> None:
    tz = ZoneInfo(zone)
    begin = day_start(tz, date.fromisoformat(day))
    end = day_start(tz, date.fromisoformat(day) + timedelta(days=1))
    assert end - begin == minutes
    assert len(spans(tz, "hour", begin * MINUTE_MS, end * MINUTE_MS)) == hours
    (only,) = spans(tz, "day", begin * MINUTE_MS, end * MINUTE_MS)
    assert (only.start, only.end, only.day) == (begin, end, day)


def test_a_date_that_a_zone_skipped_has_no_bucket() -> None:
    days = spans(ZoneInfo("Pacific/Apia"), "day", ms("2011-12-29T12:00:00+00:00"), ms("2012-01-01T00:00:00+00:00"))
    assert [span.day for span in days] == ["2011-12-29", "2011-12-31", "2012-01-01"]


@given(
    zone=st.sampled_from(ZONES),
    start=st.integers(ms("1997-01-01T00:00:00+00:00"), ms("2037-01-01T00:00:00+00:00")),
    hours=st.integers(1, 72),
    interval=st.sampled_from(("minute", "hour", "day")),
)
def test_spans_tile_the_period_and_agree_with_the_buckets_of_events(
    zone: str, start: int, hours: int, interval: Interval
) -> None:
    tz, end = ZoneInfo(zone), start + hours * HOUR_MS
    found = spans(tz, interval, start, end)
    assert found[0].start * MINUTE_MS <= start < found[0].end * MINUTE_MS
    assert found[-1].start * MINUTE_MS < end <= found[-1].end * MINUTE_MS
    assert all(a.end == b.start for a, b in pairwise(found))
    for span in found[:30]:
        for at in (span.start * MINUTE_MS, span.end * MINUTE_MS - 1):
            event = bucket(tz, at)
            named = {"minute": event.minute, "hour": event.hour, "day": day_start(tz, date.fromisoformat(event.day))}
            assert (named[interval], event.day) == (span.start, span.day)


@given(zone=st.sampled_from(ZONES), at=st.integers(0, 2_000_000_000_000))
def test_the_day_is_the_date_on_the_wall(zone: str, at: int) -> None:
    wall = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone))
    begins = day_start(ZoneInfo(zone), wall.date()) * MINUTE_MS
    assert bucket(ZoneInfo(zone), at).day == wall.date().isoformat()
    assert begins <= at < begins + 2 * DAY_MS
