"""The realtime metrics: right numbers of today and of the current hour in the site's zone, in one round trip."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from query.answers import realtime
from query.answers.quality import Precision, Ranking
from query.answers.realtime import Counted, Page, Realtime, Referrer, User
from store.buckets import HOUR_MS, MINUTE_MS
from store.site import Site
from tests.query.fill import BERLIN, DEMO, KOLKATA, KUWAIT, TOKYO, counting, fill_board, keys, ms
from tests.store.batches import NOW, Writer, conversion, custom, error, page_view

DAY = "2026-11-23"


async def ask(redis: Any, site: Site = DEMO, now: int = NOW) -> Realtime:
    return await realtime.answer(redis, site, keys(site), now)


async def test_the_shape_on_the_wire(redis: Any, writer: Writer) -> None:
    earlier = NOW - HOUR_MS
    await writer.send(
        page_view(at=earlier, url="https://shop.example/a", source="google.com"),
        page_view(at=NOW - MINUTE_MS, url="https://shop.example/a"),
        page_view(user="bob", url="https://shop.example/b"),
        conversion(minor=1250),
        conversion(user="bob", minor=100, at=earlier),
        error(),
        custom(user="eve"),
    )
    assert msgspec.json.decode(msgspec.json.encode(await ask(redis))) == {
        "timestamp": "2026-11-23T13:03:20.000+00:00",
        "date": DAY,
        "hour": 13,
        "page_views": {"today": 3, "current_hour": 2},
        "conversions": {"today": 2, "current_hour": 1, "value": {"USD": "13.50"}},
        "errors": {"today": 1, "current_hour": 1, "rate": 1 / 3},
        "unique_metrics": {"visitors": 3, "conversions": 2},
        "top_pages": [{"url": "https://shop.example/a", "views": 2}, {"url": "https://shop.example/b", "views": 1}],
        "top_referrers": [{"source": "direct", "visits": 2}, {"source": "google.com", "visits": 1}],
        "active_now": 3,
        # ann and bob began two sessions each, an hour apart; ann's second lasted a minute.
        "sessions": {"today": 5, "bounce_rate": 0.8, "avg_duration_s": 12.0},
        "top_users": [{"user_id": "ann", "value": "12.50"}, {"user_id": "bob", "value": "1.00"}],
        "quality": {
            "as_of": "2026-11-23T13:03:20.000+00:00",
            "timezone": "UTC",
            "currency": "USD",
            "today": {"start": "2026-11-23T00:00:00+00:00", "open": True},
            "current_hour": {"start": "2026-11-23T13:00:00+00:00", "open": True},
            "active_now": {"start": "2026-11-23T12:58:00+00:00", "open": True},
            "counts": {"exact": True},
            "distinct": {"exact": False, "standard_error": 0.0081},
            "top_pages": {"exact": True, "cut_off": 0},
            "top_referrers": {"exact": True, "cut_off": 0},
            "top_users": {"exact": True, "cut_off": "0.00"},
        },
    }


async def test_an_empty_site_has_zeros_and_no_rates(redis: Any) -> None:
    answer = await ask(redis)
    assert answer.page_views == Counted(0, 0)
    assert (answer.conversions.today, answer.conversions.value) == (0, {})
    assert (answer.errors.today, answer.errors.rate) == (0, None)
    assert (answer.sessions.today, answer.sessions.bounce_rate, answer.sessions.avg_duration_s) == (0, None, None)
    assert (answer.top_pages, answer.top_users, answer.active_now) == ([], [], 0)


async def test_errors_without_views_have_no_rate(redis: Any, writer: Writer) -> None:
    await writer.send(error())
    assert (await ask(redis)).errors.rate is None


@pytest.mark.parametrize(
    ("site", "now", "today", "hour", "date", "clock_hour", "day_start"),
    [
        (DEMO, "2026-11-23T00:00:00Z", 1, 1, "2026-11-23", 0, "2026-11-23T00:00:00+00:00"),
        (DEMO, "2026-11-22T23:59:59.999Z", 2, 1, "2026-11-22", 23, "2026-11-22T00:00:00+00:00"),
        # The hour of Kolkata's wall clock begins at half past; its midnight is 18:30 UTC.
        (KOLKATA, "2026-11-22T18:30:00Z", 1, 1, "2026-11-23", 0, "2026-11-23T00:00:00+05:30"),
        (KOLKATA, "2026-11-22T18:29:59Z", 2, 1, "2026-11-22", 23, "2026-11-22T00:00:00+05:30"),
        # The clocks of Berlin go back from 03:00 to 02:00: the second 02:30 is another hour, and a day has 25.
        (BERLIN, "2026-10-25T01:30:00Z", 2, 1, "2026-10-25", 2, "2026-10-25T00:00:00+02:00"),
        (BERLIN, "2026-03-29T21:59:00Z", 2, 1, "2026-03-29", 23, "2026-03-29T00:00:00+01:00"),
    ],
)
async def test_today_and_the_current_hour_are_the_sites(
    redis: Any, writer: Writer, site: Site, now: str, today: int, hour: int, date: str, clock_hour: int, day_start: str
) -> None:
    at = ms(now.replace("Z", "+00:00"))
    await writer.send(page_view(at=at), page_view(at=at - HOUR_MS), site=site.id)
    answer = await ask(redis, site, at)
    assert answer.page_views == Counted(today, hour)
    assert (answer.date, answer.hour) == (date, clock_hour)
    assert answer.quality.today.start == day_start


async def test_active_now_covers_five_minutes(redis: Any, writer: Writer) -> None:
    await writer.send(
        page_view(user="now", at=NOW),
        page_view(user="4:59", at=NOW - 299_000),
        page_view(user="6:00", at=NOW - 360_000),
    )
    assert (await ask(redis)).active_now == 2
    assert (await ask(redis, now=NOW + 301_000)).active_now == 1  # the minute of `now` is still in part within five


@pytest.mark.parametrize(
    ("site", "minor", "value"),
    [(TOKYO, 1500, "1500"), (KUWAIT, 1500, "1.500"), (DEMO, -1999, "-19.99"), (DEMO, 5, "0.05")],
)
async def test_money_has_its_currencys_digits(redis: Any, writer: Writer, site: Site, minor: int, value: str) -> None:
    await writer.send(conversion(minor=minor, currency=site.currency, at=NOW), site=site.id)
    answer = await ask(redis, site)
    assert answer.conversions.value == {site.currency: value}
    assert answer.top_users == [User("ann", value)]


async def test_currencies_are_never_added(redis: Any, writer: Writer) -> None:
    await writer.send(conversion(), conversion(minor=300, currency="JPY"), conversion(minor=1, currency="KWD"))
    answer = await ask(redis)
    assert answer.conversions.value == {"JPY": "300", "KWD": "0.001", "USD": "19.99"}
    assert answer.top_users == [User("ann", "19.99")]


async def test_a_cut_board_says_so_and_hides_the_rest(redis: Any) -> None:
    await fill_board(redis, keys(DEMO).top_day("pages", DAY), {f"https://x/{i}": i for i in range(1, 12)}, other=5000)
    await fill_board(redis, keys(DEMO).top_day("users-USD", DAY), {"ann": 7}, other=-150)
    await fill_board(redis, keys(DEMO).top_day("referrers", DAY), {f"r{i}": i for i in range(9)})
    answer = await ask(redis)
    assert answer.top_pages == [Page(f"https://x/{i}", i) for i in range(11, 1, -1)]
    assert answer.top_referrers == [Referrer(f"r{i}", i) for i in range(8, 3, -1)]
    assert answer.top_users == [User("ann", "0.07")]
    assert answer.quality.top_pages == Ranking(exact=False, cut_off=5000)
    assert answer.quality.top_users == Ranking(exact=False, cut_off="-1.50")
    assert answer.quality.top_referrers == Ranking(exact=True, cut_off=0)
    assert answer.quality.counts == Precision(exact=True)


async def test_a_site_sees_nothing_of_another(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(), conversion(), error(), custom(), site="berlin")
    assert await ask(redis) == await ask(redis, Site("demo"))
    assert (await ask(redis)).page_views == Counted(0, 0)
    assert (await ask(redis)).active_now == 0


async def test_one_round_trip(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(), conversion())
    async with counting(redis) as (client, trips):
        await ask(client)
        assert len(trips) == 1
