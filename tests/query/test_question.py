"""What may be asked, what it means, and what a question that may not be asked is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from multidict import MultiDict

from query import question
from query.errors import BadParameter
from query.question import Activity, Period, Timeseries, Top
from store.buckets import DAY_MS, HOUR_MS
from tests.query.fill import DEMO, TOKYO, ms

NOW = ms("2026-11-23T13:03:20+00:00")
Query = Mapping[str, str]


def timeseries(given: Query) -> Any:
    return question.timeseries(given, TOKYO, NOW)


def top(given: Query) -> Any:
    return question.top(given, DEMO, NOW)


def activity(given: Query) -> Any:
    return question.activity("ann", given, NOW)


def nothing(given: Query) -> Any:
    return question.nothing(given)


LAST_DAY = Period(NOW - DAY_MS, NOW + 1)


@pytest.mark.parametrize(
    ("parse", "given", "want"),
    [
        (timeseries, {"metric": "errors"}, Timeseries("errors", "hour", LAST_DAY, "JPY")),
        (
            timeseries,
            {"metric": "revenue", "interval": "day", "days": "800", "currency": "KWD"},
            Timeseries("revenue", "day", Period(NOW - 800 * DAY_MS, NOW + 1), "KWD"),
        ),
        (
            timeseries,
            {"metric": "sessions", "interval": "minute", "hours": "48"},
            Timeseries("sessions", "minute", Period(NOW - 48 * HOUR_MS, NOW + 1), "JPY"),
        ),
        (
            timeseries,
            {"metric": "visitors", "from": "2026-11-01T00:00:00+05:30", "to": "2026-11-02T00:00:00Z"},
            Timeseries("visitors", "hour", Period(ms("2026-10-31T18:30Z"), ms("2026-11-02T00:00Z")), "JPY"),
        ),
        (
            timeseries,
            {"metric": "visitors", "from": "2026-11-23T00:00:00Z", "to": "2027-01-01T00:00:00Z"},
            Timeseries("visitors", "hour", Period(ms("2026-11-23T00:00:00+00:00"), NOW + 1), "JPY"),
        ),
        (
            timeseries,
            {"metric": "visitors", "from": "2026-11-23T00:00:00Z"},
            Timeseries("visitors", "hour", Period(ms("2026-11-23T00:00:00+00:00"), NOW + 1), "JPY"),
        ),
        (top, {"dimension": "pages"}, Top("pages", "today", "day", Period(NOW, NOW + 1), 10, "USD")),
        (
            top,
            {"dimension": "users", "period": "7d", "limit": "1000", "currency": "EUR"},
            Top("users", "7d", "day", Period(NOW - 168 * HOUR_MS, NOW + 1), 1000, "EUR"),
        ),
        (
            top,
            {"dimension": "pages", "from": "2026-11-01T00:00:00Z", "to": "2026-11-03T00:00:00Z"},
            Top("pages", None, "day", Period(ms("2026-11-01T00:00:00Z"), ms("2026-11-03T00:00:00Z")), 10, "USD"),
        ),
        (activity, {}, Activity("ann", LAST_DAY)),
        (activity, {"hours": "168"}, Activity("ann", Period(NOW - 168 * HOUR_MS, NOW + 1))),
        (nothing, {}, None),
    ],
)
def test_what_is_asked(parse: Callable[[Query], Any], given: Query, want: Any) -> None:
    assert parse(given) == want


@pytest.mark.parametrize(
    ("parse", "given", "message"),
    [
        (nothing, {"metric": "x"}, "metric: unknown parameter; this call takes none"),
        (
            timeseries,
            {"metrics": "x"},
            "metrics: unknown parameter; the known ones are metric, interval, hours, days, from, to, currency",
        ),
        (timeseries, {"x" * 99: ""}, f"{'x' * 64}: unknown parameter; the known ones are metric,"),
        (
            timeseries,
            {},
            "metric: required; one of page_views, conversions, errors, events, visitors, sessions, revenue, error_rate",
        ),
        (
            timeseries,
            {"metric": "pageviews"},
            "metric: unknown metric 'pageviews'; the known ones are page_views, conversions, errors, events, visitors,"
            " sessions, revenue, error_rate",
        ),
        (timeseries, {"metric": ""}, "metric: unknown metric ''; the known ones are page_views,"),
        (
            timeseries,
            {"metric": "errors", "interval": "week"},
            "interval: unknown interval 'week'; the known ones are minute, hour, day",
        ),
        (timeseries, {"metric": "errors", "hours": "0"}, "hours: must be a whole number from 1 to 19200"),
        (timeseries, {"metric": "errors", "hours": "1.5"}, "hours: must be a whole number from 1 to 19200"),
        (timeseries, {"metric": "errors", "hours": "-1"}, "hours: must be a whole number from 1 to 19200"),
        (timeseries, {"metric": "errors", "hours": "٣"}, "hours: must be a whole number from 1 to 19200"),
        (timeseries, {"metric": "errors", "hours": "9" * 5000}, "hours: must be a whole number from 1 to 19200"),
        (timeseries, {"metric": "errors", "days": "801"}, "days: must be a whole number from 1 to 800"),
        (
            timeseries,
            {"metric": "errors", "hours": "1", "days": "1"},
            "hours: cannot be combined with days; give hours, days, or from and to",
        ),
        (
            timeseries,
            {"metric": "errors", "days": "1", "from": "2026-11-01T00:00:00Z"},
            "days: cannot be combined with from; give hours, days, or from and to",
        ),
        (timeseries, {"metric": "errors", "to": "2026-11-01T00:00:00Z"}, "from: required where to is given"),
        (timeseries, {"metric": "errors", "from": "yesterday"}, "from: must be an ISO 8601 instant such as"),
        (timeseries, {"metric": "errors", "from": ""}, "from: must be an ISO 8601 instant"),
        (
            timeseries,
            {"metric": "errors", "from": "2026-11-01T00:00:00"},
            "from: must say its offset, such as Z",
        ),
        (timeseries, {"metric": "errors", "from": "2026-11-01"}, "from: must say its offset"),
        (
            timeseries,
            {"metric": "errors", "from": "1969-01-01T00:00:00Z"},
            "from: must lie between 1970-01-02 and",
        ),
        (timeseries, {"metric": "errors", "from": "0001-01-01T00:00:00+14:00"}, "from: must lie between 1970-01-02"),
        (timeseries, {"metric": "errors", "from": "9999-12-31T23:59:59-14:00"}, "from: must lie between 1970-01-02"),
        (timeseries, {"metric": "errors", "from": "2026-11-23T13:03:21Z"}, "from: lies in the future"),
        (
            timeseries,
            {"metric": "errors", "from": "2026-11-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"},
            "from: must be earlier than to",
        ),
        (
            timeseries,
            {"metric": "errors", "interval": "minute", "hours": "49"},
            "interval: covers at most 48 hours by minute; ask for less, or by a longer one",
        ),
        (
            timeseries,
            {"metric": "errors", "interval": "hour", "days": "41"},
            "interval: covers at most 40 days",
        ),
        (
            timeseries,
            {"metric": "errors", "interval": "day", "from": "2020-01-01T00:00:00Z"},
            "interval: covers at most 800 days by day",
        ),
        (timeseries, {"metric": "errors", "currency": "USD"}, "currency: only goes with metric=revenue"),
        (timeseries, {"metric": "revenue", "currency": "usd"}, "currency: must be an ISO 4217 code in upper case"),
        (
            top,
            {"dimension": "urls"},
            "dimension: unknown dimension 'urls'; the known ones are pages, referrers, users, conversion_types,"
            " error_types, events",
        ),
        (
            top,
            {"dimension": "pages", "period": "7d", "from": "2026-11-01T00:00:00Z"},
            "period: cannot be combined with from and to",
        ),
        (
            top,
            {"dimension": "pages", "from": "2020-01-01T00:00:00Z"},
            "from: lies more than 800 days before to",
        ),
        (
            top,
            {"dimension": "pages", "period": "30d"},
            "period: unknown period '30d'; the known ones are hour,",
        ),
        (top, {"dimension": "pages", "limit": "0"}, "limit: must be a whole number from 1 to 1000"),
        (top, {"dimension": "pages", "limit": "1001"}, "limit: must be a whole number from 1 to 1000"),
        (top, {"dimension": "pages", "currency": "USD"}, "currency: only goes with dimension=users"),
        (top, {"dimension": "users", "currency": "XXX"}, "currency: must be an ISO 4217 code"),
        (activity, {"hours": "169"}, "hours: must be a whole number from 1 to 168"),
        (activity, {"limit": "3"}, "limit: unknown parameter; the known ones are hours"),
        (top, MultiDict([("dimension", "pages"), ("dimension", "pages")]), "dimension: given more than once"),
    ],
)
def test_what_is_refused(parse: Callable[[Query], Any], given: Query, message: str) -> None:
    with pytest.raises(BadParameter) as refused:
        parse(given)
    assert refused.value.message.startswith(message)
    assert refused.value.members == {"parameter": refused.value.parameter}


def test_a_user_id_is_no_longer_than_an_admitted_one() -> None:
    assert question.activity("x" * 128, {}, NOW).user_id == "x" * 128
    with pytest.raises(BadParameter, match="user_id: has at most 128 characters"):
        question.activity("x" * 129, {}, NOW)


@pytest.mark.parametrize(
    ("text", "want"),
    [("90s", 90_000), ("30m", 1_800_000), ("24h", DAY_MS), ("7d", 7 * DAY_MS), ("0s", 0), ("007d", 7 * DAY_MS)],
)
def test_durations(text: str, want: int) -> None:
    assert question.duration("window", text) == want


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1.5h", "7D", "1w", " 7d", "7d\n", "1h30m", "1234567890s", "٧d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadParameter, match="window: must be a duration such as 90s, 30m, 24h or 7d"):
        question.duration("window", text)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("2026-11-23T13:03:20Z", NOW),
        ("2026-11-23T18:33:20+05:30", NOW),
        ("2026-11-23T18:33:20 05:30", NOW),  # a plus sign that was not percent-encoded
        ("2026-11-23T18:33:20 0530", NOW),
        ("2026-11-23 13:03:20.123456-00:00", NOW + 123),
    ],
)
def test_instants(text: str, want: int) -> None:
    assert question.instant("from", text) == want
