"""Today beside yesterday: the same time of the site's clock, to the minute, in one round trip."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from query.answers import comparison
from query.answers.comparison import Comparison, Count, Rate, before
from query.answers.quality import iso_minute
from store.buckets import DAY_MS, HOUR_MS, MINUTE_MS, bucket
from store.site import Site
from tests.query.fill import BERLIN, DEMO, KOLKATA, TOKYO, counting, keys, ms
from tests.store.batches import NOW, Writer, conversion, error, page_view

LORD_HOWE = Site("howe", zone="Australia/Lord_Howe")
SAMOA = Site("samoa", zone="Pacific/Apia")


async def ask(redis: Any, site: Site = DEMO, now: int = NOW) -> Comparison:
    return await comparison.answer(redis, site, keys(site), now)


async def test_the_shape_on_the_wire(redis: Any, writer: Writer) -> None:
    yesterday = NOW - DAY_MS
    await writer.send(
        page_view(at=yesterday - 2 * HOUR_MS),
        page_view(at=yesterday - MINUTE_MS, user="bob"),
        page_view(at=yesterday + MINUTE_MS, user="too late"),
        conversion(at=yesterday - 3 * HOUR_MS, minor=1000),
        error(at=yesterday - MINUTE_MS, user="bob"),
    )
    await writer.send(*(page_view(user=f"u{i}") for i in range(3)), conversion(minor=1500))
    assert msgspec.json.decode(msgspec.json.encode(await ask(redis))) == {
        "site": "demo",
        "timezone": "UTC",
        "currency": "USD",
        "today": {"from": "2026-11-23T00:00:00+00:00", "to": "2026-11-23T13:03:20.000+00:00"},
        "yesterday": {"from": "2026-11-22T00:00:00+00:00", "to": "2026-11-22T13:03:00+00:00"},
        "metrics": {
            "active_now": {"today": 4, "yesterday": 1, "change": 3.0},
            "page_views": {"today": 3, "yesterday": 2, "change": 0.5},
            "visitors": {"today": 4, "yesterday": 2, "change": 1.0},
            "sessions": {"today": 4, "yesterday": 3, "change": 0.3333},
            "bounce_rate": {"today": 1.0, "yesterday": 2 / 3, "change": 0.3333},
            "avg_duration_s": {"today": 0.0, "yesterday": 0.0, "change": 0.0},
            "conversions": {"today": 1, "yesterday": 1, "change": 0.0},
            "revenue": {"today": "15.00", "yesterday": "10.00", "change": 0.5},
            "errors": {"today": 0, "yesterday": 1, "change": -1.0},
            "error_rate": {"today": 0.0, "yesterday": 0.5, "change": -0.5},
        },
        "quality": {
            "as_of": "2026-11-23T13:03:20.000+00:00",
            "counts": {"exact": True},
            "distinct": {"exact": False, "standard_error": 0.0081},
        },
    }


async def test_where_there_was_nothing_there_is_no_change(redis: Any, writer: Writer) -> None:
    await writer.send(page_view())
    metrics = (await ask(redis)).metrics
    assert metrics.page_views == Count(1, 0, None)
    assert metrics.error_rate == Rate(0.0, None, None)
    assert metrics.revenue.change is None


@pytest.mark.parametrize(
    ("site", "now", "start", "end"),
    [
        (DEMO, "2026-11-23T13:03:20Z", "2026-11-22T00:00:00+00:00", "2026-11-22T13:03:00+00:00"),
        (DEMO, "2026-11-23T00:00:59Z", "2026-11-22T00:00:00+00:00", "2026-11-22T00:00:00+00:00"),
        (KOLKATA, "2026-11-23T13:03:20Z", "2026-11-22T00:00:00+05:30", "2026-11-22T18:33:00+05:30"),
        # The day after the clocks went back, and the day itself: the clock's time counts, not 24 hours.
        (BERLIN, "2026-10-26T12:00:00+01:00", "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00"),
        (BERLIN, "2026-10-25T12:00:00+01:00", "2026-10-24T00:00:00+02:00", "2026-10-24T12:00:00+02:00"),
        (BERLIN, "2026-10-25T02:30:00+01:00", "2026-10-24T00:00:00+02:00", "2026-10-24T02:30:00+02:00"),
        # Yesterday 02:30 was skipped.
        (BERLIN, "2026-03-30T02:30:00+02:00", "2026-03-29T00:00:00+01:00", "2026-03-29T03:30:00+02:00"),
        (LORD_HOWE, "2026-10-05T02:15:00+11:00", "2026-10-04T00:00:00+10:30", "2026-10-04T02:45:00+11:00"),
        # The day before was skipped altogether.
        (SAMOA, "2011-12-31T10:00:00+14:00", "2011-12-31T00:00:00+14:00", "2011-12-31T00:00:00+14:00"),
    ],
)
def test_the_same_time_is_that_of_the_clock(site: Site, now: str, start: str, end: str) -> None:
    found = before(site, ms(now))
    assert (iso_minute(site.tz, found.start), iso_minute(site.tz, found.end)) == (start, end)
    covered = [*found.hours, *found.minutes]
    edges = [found.start, *(span.end for span in covered)]
    assert [span.start for span in covered] == edges[:-1]
    assert edges[-1] == found.end


@pytest.mark.parametrize("site", [DEMO, BERLIN, KOLKATA, TOKYO], ids=lambda site: site.id)
async def test_both_days_are_what_was_sent(redis: Any, writer: Writer, site: Site) -> None:
    random = Random(site.id)
    now = NOW + random.randrange(DAY_MS)
    writer.now = now
    sent = sorted(random.randrange(now - 2 * DAY_MS, now) for _ in range(400))
    await writer.send(
        *(conversion(at=at, user=f"u{at % 37}", minor=at % 10_000, currency=site.currency) for at in sent), site=site.id
    )
    today = bucket(site.tz, now).day
    until = before(site, now).end * MINUTE_MS
    yesterday = bucket(site.tz, until - 1).day

    metrics = (await ask(redis, site, now)).metrics
    of_today = [at for at in sent if bucket(site.tz, at).day == today]
    of_yesterday = [at for at in sent if bucket(site.tz, at).day == yesterday and at < until]
    assert (metrics.conversions.today, metrics.conversions.yesterday) == (len(of_today), len(of_yesterday))
    assert (metrics.visitors.today, metrics.visitors.yesterday) == (
        len({at % 37 for at in of_today}),
        len({at % 37 for at in of_yesterday}),
    )
    minor = [sum(at % 10_000 for at in day) for day in (of_today, of_yesterday)]
    assert [int(text.replace(".", "")) for text in (metrics.revenue.today, metrics.revenue.yesterday)] == minor


async def test_one_round_trip(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(), page_view(at=NOW - DAY_MS - HOUR_MS))
    async with counting(redis) as (client, trips):
        await ask(client)
    assert len(trips) == 1
