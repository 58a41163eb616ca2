"""A user's activity: all of it that is kept and asked for, oldest first, and whether some of it was cut off."""

from __future__ import annotations

from typing import Any

import msgspec

from query import question
from query.answers import activity
from query.answers.activity import History
from store.buckets import DAY_MS, HOUR_MS
from store.keys import ACTIVITY_CAP
from store.site import Site
from tests.query.fill import DEMO, KOLKATA, counting, keys
from tests.store.batches import IDENTITY, NOW, Writer, conversion, custom, error, page_view


async def ask(redis: Any, site: Site = DEMO, user: str = "ann", now: int = NOW, **given: str) -> History:
    return await activity.answer(redis, site, keys(site), IDENTITY, question.activity(user, given, now), now)


async def test_the_shape_on_the_wire(redis: Any, writer: Writer) -> None:
    await writer.send(
        custom(at=NOW, name="checkout"),
        error(at=NOW - 1000),
        conversion(at=NOW - 2000, minor=-500),
        page_view(at=NOW - 3000, title="Shoes"),
        page_view(user="bob"),
    )
    answer = msgspec.json.decode(msgspec.json.encode(await ask(redis)))
    assert answer == {
        "user_id": "ann",
        "timezone": "UTC",
        "from": "2026-11-22T13:03:20.000+00:00",
        "to": "2026-11-23T13:03:20.001+00:00",
        "items": [
            {
                "timestamp": NOW - 3000,
                "datetime": "2026-11-23T13:03:17.000+00:00",
                "type": "page_view",
                "page_url": "https://shop.example/",
                "title": "Shoes",
            },
            {
                "timestamp": NOW - 2000,
                "datetime": "2026-11-23T13:03:18.000+00:00",
                "type": "conversion",
                "conversion_type": "purchase",
                "value": "-5.00",
                "currency": "USD",
            },
            {
                "timestamp": NOW - 1000,
                "datetime": "2026-11-23T13:03:19.000+00:00",
                "type": "error",
                "error_type": "TypeError",
                "error_message": "x is not a function",
            },
            {"timestamp": NOW, "datetime": "2026-11-23T13:03:20.000+00:00", "type": "event", "name": "checkout"},
        ],
        "cut_off": False,
        "quality": {"as_of": "2026-11-23T13:03:20.000+00:00", "exact": True, "cap": 500, "capped_days": []},
    }


async def test_a_user_whom_nobody_knows_did_nothing(redis: Any) -> None:
    answer = await ask(redis, user="nobody\N{SNOWMAN}")
    assert (answer.items, answer.cut_off) == ([], False)


async def test_repeat_visits_stay_apart_and_late_events_are_sorted_in(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(at=NOW))
    await writer.send(page_view(at=NOW - 5), page_view(at=NOW), page_view(at=NOW - DAY_MS))
    assert [item.timestamp - NOW for item in (await ask(redis)).items] == [-DAY_MS, -5, 0, 0]


async def test_hours_bound_what_is_shown(redis: Any, writer: Writer) -> None:
    await writer.send(*(page_view(at=NOW - hours * HOUR_MS) for hours in (0, 1, 24, 25, 167, 168)))
    for hours, count in {"1": 2, "24": 3, "167": 5, "168": 6}.items():
        assert len((await ask(redis, hours=hours)).items) == count
    assert (await ask(redis, now=NOW - 1, hours="1")).items[0].timestamp == NOW - HOUR_MS


async def test_instants_are_on_the_sites_clock(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(at=NOW + 7), site="kolkata")
    (item,) = (await ask(redis, KOLKATA, now=NOW + 7)).items
    assert item.datetime == "2026-11-23T18:33:20.007+05:30"


async def test_a_full_list_says_that_it_was_cut(redis: Any, writer: Writer) -> None:
    await writer.send(*(page_view(at=NOW - i) for i in range(ACTIVITY_CAP - 1)))
    assert not (await ask(redis)).cut_off
    await writer.send(*(page_view(at=NOW - 1000 + i) for i in range(700)))
    answer = await ask(redis)
    assert len(answer.items) == ACTIVITY_CAP
    assert (answer.cut_off, answer.quality.exact, answer.quality.capped_days) == (True, False, ["2026-11-23"])


async def test_what_was_cut_before_the_period_does_not_matter(redis: Any, writer: Writer) -> None:
    morning = NOW - 10 * HOUR_MS
    await writer.send(*(page_view(at=morning + i) for i in range(ACTIVITY_CAP - 1)), page_view())
    answer = await ask(redis, hours="2")
    assert (len(answer.items), answer.cut_off) == (1, False)
    assert (await ask(redis, hours="24")).cut_off


async def test_a_site_sees_nothing_of_another(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(), site="berlin")
    assert (await ask(redis)).items == []


async def test_one_round_trip(redis: Any, writer: Writer) -> None:
    async with counting(redis) as (client, trips):
        await ask(client, hours="168")
        assert len(trips) == 1
