"""When an event happened, by a fixed clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rejection import Refusal
from ingest.times import MAX_AGE_MS, MAX_AHEAD_MS, MAX_SKEW_MS, event_time, parse, skew

NOW = 1_795_435_200_123  # 2026-11-23T12:00:00.123Z

READ = [
    (NOW, NOW),
    (0, 0),
    (-1, -1),
    (float(NOW), NOW),
    (1_795_435_200_123.999, NOW),
    ("2026-11-23T12:00:00.123Z", NOW),
    ("2026-11-23T12:00:00.123z", NOW),
    ("2026-11-23t12:00:00.123z", NOW),
    ("2026-11-23T12:00:00.123", NOW),  # naive is UTC
    ("2026-11-23 12:00:00.123", NOW),
    ("2026-11-23T13:00:00.123+01:00", NOW),
    ("2026-11-23T06:30:00.123-05:30", NOW),
    ("2026-11-23T13:00:00.123+01", NOW),
    ("20261123T120000.123Z", NOW),
    (" 2026-11-23T12:00:00.123Z\n", NOW),
    ("2026-11-23T12:00:00.123456789Z", NOW),
    ("2026-11-23T12:00:00,123Z", NOW),
    ("2026-11-23T12:00:00Z", NOW - 123),
    ("2026-11-23T12:00Z", NOW - 123),
    ("2026-11-23", NOW - 123 - 12 * 3_600_000),
    ("20261123", NOW - 123 - 12 * 3_600_000),
    ("1795435200123", NOW),  # a pixel's parameters are text
    ("1970-01-01T00:00:00Z", 0),
    ("0001-01-01T00:00:00+14:00", -62_135_647_200_000),
]


@pytest.mark.parametrize(("sent", "want"), READ)
def test_what_is_read(sent: object, want: int) -> None:
    assert parse(sent, "timestamp") == want


@pytest.mark.parametrize(
    "sent",
    [
        "", " ", "now", "12:00", "2026-13-01", "2026-02-30T00:00:00Z", "2026-11-23T25:00:00Z",
        "2026-11-23T12:00:00+25:00", "23/11/2026", "Mon, 23 Nov 2026 12:00:00 GMT", "2026-11-23T12:00:00Z and so on",
        "2026" * 20, "-1795435200123", "1795435200.123", "٢٠٢٦-١١-٢٣", "\ud800", "1" * 5_000,
    ],
)  # fmt: skip
def test_other_text_is_no_time(sent: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse(sent, "timestamp")
    assert caught.value.code == "invalid_timestamp"
    assert caught.value.message.startswith("timestamp must be ISO 8601")


@pytest.mark.parametrize("sent", [True, False, None, [], {}, float("nan"), float("inf")])
def test_other_types_are_no_time(sent: object) -> None:
    with pytest.raises(Refusal) as caught:
        parse(sent, "timestamp")
    assert caught.value.code == "invalid_type"


@given(st.datetimes(timezones=st.timezones()))
def test_what_a_clock_says_is_read_to_the_millisecond(moment: datetime) -> None:
    try:
        text = moment.isoformat()
        utc = moment.astimezone(UTC)
    except OverflowError:
        return
    assert parse(text, "timestamp") == (utc - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


ADMITTED = [
    # how far from now, any age, where the event is put
    (0, False, 0),
    (-1, False, -1),
    (1, False, 0),
    (MAX_AHEAD_MS, False, 0),
    (-MAX_AGE_MS, False, -MAX_AGE_MS),
    (MAX_AHEAD_MS, True, 0),
    (-MAX_AGE_MS - 1, True, -MAX_AGE_MS - 1),
    (-NOW, True, -NOW),
]


@pytest.mark.parametrize(("away", "any_age", "want"), ADMITTED)
def test_when_an_event_may_be(away: int, any_age: bool, want: int) -> None:
    assert event_time(NOW + away, NOW, 0, any_age=any_age) == NOW + want


@pytest.mark.parametrize(
    ("away", "any_age", "code", "limit"),
    [
        (MAX_AHEAD_MS + 1, False, "in_future", "60 s"),
        (MAX_AHEAD_MS + 1, True, "in_future", "60 s"),
        (10**30, True, "in_future", "60 s"),
        (-MAX_AGE_MS - 1, False, "too_old", "30 days"),
        (-NOW, False, "too_old", "30 days"),
        (-NOW - 1, True, "too_old", "1970"),
    ],
)
def test_when_it_may_not(away: int, any_age: bool, code: str, limit: str) -> None:
    with pytest.raises(Refusal) as caught:
        event_time(NOW + away, NOW, 0, any_age=any_age)
    assert caught.value.code == code
    assert limit in caught.value.message


@pytest.mark.parametrize("absent", [None, ""])
def test_without_a_timestamp_it_is_now(absent: object) -> None:
    assert event_time(absent, NOW, 5_000, any_age=False) == NOW


@pytest.mark.parametrize(
    ("sent_at", "want"),
    [
        (None, 0),
        (NOW, 0),
        (NOW - 5_000, 5_000),  # five seconds slow
        (NOW + 5_000, -5_000),
        ("2026-11-23T11:00:00.123Z", 3_600_000),
        (NOW - MAX_SKEW_MS, MAX_SKEW_MS),
        (NOW + MAX_SKEW_MS, -MAX_SKEW_MS),
        (NOW - MAX_SKEW_MS - 1, 0),
        (NOW + MAX_SKEW_MS + 1, 0),
        (NOW // 1_000, 0),  # seconds
        ("yesterday", 0),
        (True, 0),
        ({}, 0),
    ],
)
def test_how_wrong_the_senders_clock_is(sent_at: object, want: int) -> None:
    assert skew(sent_at, NOW) == want


def test_a_wrong_clock_is_corrected_before_it_is_judged() -> None:
    """An hour fast: what it calls fifty minutes ahead was ten minutes ago."""
    fast = skew(NOW + 3_600_000, NOW)
    assert event_time(NOW + 3_000_000, NOW, fast, any_age=False) == NOW - 600_000
    slow = skew(NOW - 3_600_000, NOW)
    assert event_time(NOW - 3_600_000, NOW, slow, any_age=False) == NOW
    assert event_time(NOW - MAX_AGE_MS - 3_600_000, NOW, slow, any_age=False) == NOW - MAX_AGE_MS
