"""Time series: every bucket is there, in the site's zone, with what happened in it and how well that is known."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from query import question
from query.answers import timeseries
from query.answers.quality import ESTIMATED, EXACT, iso
from query.answers.timeseries import Point, Series
from query.question import METRICS
from store.buckets import DAY_MS, HOUR_MS
from store.site import Site
from tests.query.fill import BERLIN, DEMO, KOLKATA, KUWAIT, TOKYO, counting, keys, ms
from tests.store.batches import NOW, Writer, conversion, custom, error, page_view


async def ask(redis: Any, site: Site = DEMO, now: int = NOW, **given: str) -> Series:
    parsed = question.timeseries({name.rstrip("_"): text for name, text in given.items()}, site, now)
    return await timeseries.answer(redis, site, keys(site), parsed, now)


def figures(series: Series) -> list[tuple[Any, int | None]]:
    return [(point.count, point.unique_users) for point in series.points]


async def test_the_shape_on_the_wire(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(), page_view(at=NOW - HOUR_MS), page_view(at=NOW - HOUR_MS, user="bob"))
    answer = await ask(redis, metric="page_views", hours="1")
    assert msgspec.json.decode(msgspec.json.encode(answer)) == {
        "metric": "page_views",
        "interval": "hour",
        "timezone": "UTC",
        "from": "2026-11-23T12:03:20.000+00:00",
        "to": "2026-11-23T13:03:20.001+00:00",
        "points": [
            {"start": "2026-11-23T12:00:00+00:00", "count": 2, "unique_users": 2, "open": False},
            {"start": "2026-11-23T13:00:00+00:00", "count": 1, "unique_users": 1, "open": True},
        ],
        "quality": {
            "as_of": "2026-11-23T13:03:20.000+00:00",
            "count": {"exact": True},
            "unique_users": {"exact": False, "standard_error": 0.0081},
            "unique_users_of": "page_views",
            "no_longer_kept": 0,
            "count_kept_days": 400,
            "unique_users_kept_days": 40,
        },
    }


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("interval", ["minute", "hour", "day"])
async def test_an_empty_site_is_filled_with_zeros(redis: Any, metric: str, interval: str) -> None:
    answer = await ask(redis, metric=metric, interval=interval, hours="24")
    zero = {"revenue": "0.00", "error_rate": None}.get(metric, 0)
    assert len(answer.points) == {"minute": 1441, "hour": 25, "day": 2}[interval]
    assert set(figures(answer)) == {(zero, 0)}
    assert [point.open for point in answer.points] == [False] * (len(answer.points) - 1) + [True]
    assert answer.quality.no_longer_kept == 0


@pytest.mark.parametrize("interval", ["minute", "hour", "day"])
async def test_every_metric_in_every_interval(redis: Any, writer: Writer, interval: str) -> None:
    await writer.send(
        page_view(), page_view(user="bob"), page_view(at=NOW - 1000), page_view(at=NOW - 2000),
        conversion(), conversion(user="bob", minor=-500), conversion(minor=300, currency="JPY"),
        error(), error(user="eve"), custom(),
    )  # fmt: skip
    want: dict[str, tuple[Any, int]] = {
        "page_views": (4, 2),
        "conversions": (3, 2),
        "errors": (2, 2),
        "events": (1, 1),
        "visitors": (3, 3),
        "sessions": (3, 3),
        "revenue": ("14.99", 2),
        "error_rate": (0.5, 2),
    }
    for metric in METRICS:
        answer = await ask(redis, metric=metric, interval=interval, hours="1")
        assert figures(answer)[-1] == want[metric], metric
        assert answer.quality.count == (ESTIMATED if metric == "visitors" else EXACT)
    in_yen = await ask(redis, metric="revenue", interval=interval, currency="JPY", hours="1")
    assert (in_yen.currency, in_yen.points[-1].count) == ("JPY", "300")


async def test_the_figures_that_accompany_sessions_and_the_error_rate(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(at=NOW), page_view(at=NOW + 5000), page_view(user="bob"), error(user="bob", at=NOW))
    sessions = (await ask(redis, metric="sessions", now=NOW + 5000)).points[-1]
    assert (sessions.count, sessions.bounce_rate, sessions.avg_duration_s) == (2, 0.0, 2.5)
    rate = (await ask(redis, metric="error_rate", now=NOW + 5000)).points[-1]
    assert (rate.count, rate.errors, rate.page_views) == (1 / 3, 1, 3)
    nothing = (await ask(redis, metric="error_rate")).points[0]
    assert (nothing.count, nothing.errors, nothing.page_views) == (None, 0, 0)


@pytest.mark.parametrize(
    ("site", "interval", "start", "end", "starts"),
    [
        (KOLKATA, "hour", "2026-11-22T18:10:00+00:00", "2026-11-22T19:30:00+00:00", [
            "2026-11-22T23:00:00+05:30", "2026-11-23T00:00:00+05:30",
        ]),
        (KOLKATA, "day", "2026-11-21T18:30:00+00:00", "2026-11-22T18:30:00+00:00", ["2026-11-22T00:00:00+05:30"]),
        (BERLIN, "hour", "2026-03-29T00:00:00+00:00", "2026-03-29T03:00:00+00:00", [
            "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00",
        ]),
        (BERLIN, "hour", "2026-10-25T00:00:00+00:00", "2026-10-25T03:00:00+00:00", [
            "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00",
        ]),
        (BERLIN, "day", "2026-10-24T22:00:00+00:00", "2026-10-26T23:00:00+00:00", [
            "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00",
        ]),
        (DEMO, "minute", "2026-11-22T23:59:30+00:00", "2026-11-23T00:00:01+00:00", [
            "2026-11-22T23:59:00+00:00", "2026-11-23T00:00:00+00:00",
        ]),
    ],
)  # fmt: skip
async def test_buckets_begin_where_the_sites_clock_says(
    redis: Any, site: Site, interval: str, start: str, end: str, starts: list[str]
) -> None:
    answer = await ask(redis, site, metric="errors", interval=interval, from_=start, to=end)
    assert [point.start for point in answer.points] == starts


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
async def test_a_day_of_changing_clocks_adds_up(redis: Any, writer: Writer, day: str, hours: int) -> None:
    midnight = ms(f"{day}T00:00:00{'+01:00' if day != '2026-10-25' else '+02:00'}")
    hourly = [page_view(at=midnight + hour * HOUR_MS + 1000, user=f"u{hour}") for hour in range(-1, hours + 1)]
    await writer.send(*hourly, site="berlin")
    end = midnight + hours * HOUR_MS
    given: dict[str, Any] = {"from_": iso(BERLIN.tz, midnight), "to": iso(BERLIN.tz, end)}
    by_hour = await ask(redis, BERLIN, now=end, metric="page_views", **given)
    assert figures(by_hour) == [(1, 1)] * hours
    by_day = await ask(redis, BERLIN, now=end, metric="page_views", interval="day", **given)
    assert figures(by_day) == [(hours, hours)]


async def test_an_event_on_either_side_of_midnight(redis: Any, writer: Writer) -> None:
    midnight = ms("2026-11-23T00:00:00+00:00")
    await writer.send(page_view(at=midnight - 1), page_view(at=midnight, user="bob"))
    by_day = await ask(redis, now=midnight, metric="page_views", interval="day", hours="1")
    assert [(point.start[:10], point.count, point.open) for point in by_day.points] == [
        ("2026-11-22", 1, False),
        ("2026-11-23", 1, True),
    ]


async def test_open_flags_follow_the_clock(redis: Any) -> None:
    end = ms("2026-11-23T14:00:00+00:00")
    before = await ask(redis, now=end - 1, metric="errors", hours="1")
    after = await ask(redis, now=end, metric="errors", hours="1")
    assert [point.open for point in before.points] == [False, True]
    assert [point.open for point in after.points] == [False, True]
    closed = await ask(redis, now=end, metric="errors", from_="2026-11-23T12:00:00Z", to="2026-11-23T14:00:00Z")
    assert [point.open for point in closed.points] == [False, False]


async def test_users_that_have_expired_are_unknown_and_not_zero(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(), error())
    for kind in ("page_views", "visitors"):
        assert await redis.delete(keys(DEMO).users_hour(kind, NOW // HOUR_MS * 60))
    views = await ask(redis, metric="page_views", hours="1")
    assert figures(views) == [(0, 0), (1, None)]
    assert views.quality.no_longer_kept == 1
    assert figures(await ask(redis, metric="visitors", hours="1")) == [(0, 0), (None, None)]
    assert figures(await ask(redis, metric="sessions", hours="1")) == [(0, 0), (1, None)]


@pytest.mark.parametrize("metric", METRICS)
async def test_minutes_that_have_expired_are_unknown_and_not_zero(redis: Any, writer: Writer, metric: str) -> None:
    await writer.send(page_view(), error(), conversion(), custom())
    minutes = [key async for key in redis.scan_iter(match="*:minutes:*")]
    minutes += [key async for key in redis.scan_iter(match="*:m:*")]
    await redis.delete(*minutes)
    span: dict[str, Any] = {"from_": "2026-11-23T13:03:00Z", "to": "2026-11-23T13:04:00Z"}
    answer = await ask(redis, now=NOW + DAY_MS, metric=metric, interval="minute", **span)
    point = answer.points[0]
    assert (point.count, point.unique_users) == (None, None)
    assert answer.quality.no_longer_kept == 1


async def test_imported_history_is_answered_like_yesterday(redis: Any, writer: Writer) -> None:
    at = ms("1997-01-01T12:00:30+00:00")
    await writer.send(conversion(at=at, minor=1177))
    span: dict[str, Any] = {"from_": "1997-01-01T00:00:00Z", "to": "1997-01-03T00:00:00Z"}
    assert figures(await ask(redis, metric="revenue", interval="day", **span)) == [("11.77", 1), ("0.00", 0)]
    assert figures(await ask(redis, metric="revenue", interval="hour", **span))[12] == ("11.77", 1)
    assert figures(await ask(redis, metric="revenue", interval="minute", **span))[720] == ("11.77", 1)


async def test_users_never_outnumber_events(redis: Any, writer: Writer) -> None:
    users = 2000
    await writer.send(*(page_view(user=f"u{i}") for i in range(users)))
    (point,) = (await ask(redis, metric="page_views", from_="2026-11-23T13:00:00Z")).points
    assert point.count == users
    assert point.unique_users is not None
    assert users * 0.96 < point.unique_users <= users  # five standard errors


@pytest.mark.parametrize(
    ("site", "minor", "want"), [(TOKYO, 1500, "1500"), (KUWAIT, 1500, "1.500"), (BERLIN, 1500, "15.00")]
)
async def test_revenue_is_in_the_sites_currency(redis: Any, writer: Writer, site: Site, minor: int, want: str) -> None:
    await writer.send(conversion(minor=minor, currency=site.currency), conversion(currency="USD"), site=site.id)
    answer = await ask(redis, site, metric="revenue", from_="2026-11-23T13:00:00Z")
    assert (answer.currency, [point.count for point in answer.points]) == (site.currency, [want])


async def test_a_site_sees_nothing_of_another(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(), site="berlin")
    assert {point.count for point in (await ask(redis, metric="page_views")).points} == {0}


@pytest.mark.parametrize(("interval", "points"), [("minute", 2881), ("hour", 49), ("day", 3)])
async def test_one_round_trip(redis: Any, writer: Writer, interval: str, points: int) -> None:
    async with counting(redis) as (client, trips):
        answer = await ask(client, metric="sessions", interval=interval, hours="48")
        assert len(answer.points) == points
        assert len(trips) == 1


def test_a_point_says_only_what_its_metric_has() -> None:
    assert msgspec.json.encode(Point("s", 1, 2, True)) == b'{"start":"s","count":1,"unique_users":2,"open":true}'
