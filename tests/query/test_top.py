"""Leaderboards: what is best over an hour, a day, or several, what the rest sums up to, and whether that is exact."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from query import question
from query.answers import top
from query.answers.top import Item, Leaders
from store.buckets import DAY_MS, HOUR_MS
from store.keys import TTL_DAYS
from store.site import Site
from tests.query.fill import BERLIN, DEMO, KOLKATA, KUWAIT, TOKYO, counting, fill_board, keys, ms
from tests.store.batches import NOW, Writer, conversion, custom, error, page_view

DAY = "2026-11-23"


async def ask(redis: Any, site: Site = DEMO, now: int = NOW, **given: str) -> Leaders:
    return await top.answer(redis, site, keys(site), question.top(given, site, now), now)


def items(answer: Leaders) -> dict[str, int | str]:
    return {item.key: item.count for item in answer.items}


async def test_the_shape_on_the_wire(redis: Any, writer: Writer) -> None:
    await writer.send(*(page_view(url=f"https://shop.example/{page}") for page in "aaabbc"))
    answer = await ask(redis, dimension="pages", limit="2")
    assert msgspec.json.decode(msgspec.json.encode(answer)) == {
        "dimension": "pages",
        "period": "today",
        "timezone": "UTC",
        "from": "2026-11-23T00:00:00+00:00",
        "to": "2026-11-23T13:03:20.000+00:00",
        "items": [{"key": "https://shop.example/a", "count": 3}, {"key": "https://shop.example/b", "count": 2}],
        "other": 1,
        "total": 6,
        "exact": True,
        "quality": {
            "as_of": "2026-11-23T13:03:20.000+00:00",
            "open": True,
            "items": {"exact": True, "cut_off": 0},
            "total_exact": True,
        },
    }


@pytest.mark.parametrize("period", ["hour", "today", "24h", "7d"])
async def test_every_dimension_in_every_period(redis: Any, writer: Writer, period: str) -> None:
    await writer.send(
        page_view(source="google.com"), page_view(url="https://shop.example/b"),
        conversion(), conversion(conversion_type="signup", minor=0), error(), custom(),
    )  # fmt: skip
    want: dict[str, dict[str, int | str]] = {
        "pages": {"https://shop.example/b": 1, "https://shop.example/": 1},
        "referrers": {"google.com": 1, "direct": 1},
        "users": {"ann": "19.99"},
        "conversion_types": {"signup": 1, "purchase": 1},
        "error_types": {"TypeError": 1},
        "events": {"signup": 1},
    }
    for dimension, counts in want.items():
        answer = await ask(redis, dimension=dimension, period=period)
        assert (items(answer), answer.exact) == (counts, True), dimension
        total = "19.99" if dimension == "users" else sum(map(int, counts.values()))
        assert (answer.other, answer.total) == ("0.00" if dimension == "users" else 0, total)


async def test_what_each_period_covers(redis: Any, writer: Writer) -> None:
    ages = {
        "now": 0,
        "this hour": NOW % HOUR_MS,
        "last hour": NOW % HOUR_MS + 1,
        "midnight": NOW % DAY_MS,
        "yesterday": NOW % DAY_MS + 1,
        "a day": DAY_MS,
        "two days": 2 * DAY_MS,
        "a week": 7 * DAY_MS,
        "eight days": 8 * DAY_MS,
    }
    await writer.send(*(custom(name=name, at=NOW - age) for name, age in ages.items()))
    for period, names in {"hour": 2, "today": 4, "24h": 6, "7d": 8}.items():
        answer = await ask(redis, dimension="events", period=period)
        assert set(items(answer)) == set(list(ages)[:names]), period
        assert answer.total == names


@pytest.mark.parametrize(
    ("site", "period", "now", "start"),
    [
        (KOLKATA, "hour", "2026-11-23T13:03:20+00:00", "2026-11-23T18:00:00+05:30"),
        (KOLKATA, "24h", "2026-11-23T13:03:20+00:00", "2026-11-22T18:00:00+05:30"),
        (BERLIN, "7d", "2026-03-30T12:00:00+00:00", "2026-03-23T00:00:00+01:00"),
        (BERLIN, "today", "2026-03-29T12:00:00+00:00", "2026-03-29T00:00:00+01:00"),
        (BERLIN, "24h", "2026-10-25T12:00:00+00:00", "2026-10-24T14:00:00+02:00"),
    ],
)
async def test_a_period_begins_with_a_bucket_of_the_site(
    redis: Any, site: Site, period: str, now: str, start: str
) -> None:
    assert (await ask(redis, site, ms(now), dimension="pages", period=period)).from_ == start


async def test_boards_of_several_hours_are_added_up(redis: Any, writer: Writer) -> None:
    for age in range(3):
        await writer.send(*(error(error_type=kind, at=NOW - age * HOUR_MS) for kind in ["A"] * 2 + ["B"] * (1 + age)))
    answer = await ask(redis, dimension="error_types", period="24h")
    assert items(answer) == {"A": 6, "B": 6}
    assert [item.key for item in answer.items] == ["B", "A"]


@pytest.mark.parametrize(
    ("site", "minor", "value", "zero"), [(TOKYO, 1500, "1500", "0"), (KUWAIT, 1500, "1.500", "0.000")]
)
async def test_users_are_ranked_by_value_in_one_currency(
    redis: Any, writer: Writer, site: Site, minor: int, value: str, zero: str
) -> None:
    sales = conversion(minor=minor, currency=site.currency), conversion(user="bob", minor=9, currency="USD")
    await writer.send(*sales, conversion(user="eve", minor=-minor, currency=site.currency), site=site.id)
    own = await ask(redis, site, dimension="users")
    assert (own.currency, own.items) == (site.currency, [Item("ann", value), Item("eve", f"-{value}")])
    assert (own.total, own.other) == (zero, zero)
    dollars = await ask(redis, site, dimension="users", currency="USD")
    assert (dollars.currency, dollars.items) == ("USD", [Item("bob", "0.09")])


async def test_a_board_that_was_cut_is_no_longer_exact_but_its_total_is(redis: Any) -> None:
    await fill_board(redis, keys(DEMO).top_day("pages", DAY), {f"p{i:03}": i for i in range(100)}, other=7_000)
    await redis.hset(keys(DEMO).count("page_views", DAY), "total", 12_000)
    await redis.expire(keys(DEMO).count("page_views", DAY), TTL_DAYS)
    answer = await ask(redis, dimension="pages", limit="3")
    assert items(answer) == {"p099": 99, "p098": 98, "p097": 97}
    assert (answer.total, answer.other, answer.exact) == (12_000, 12_000 - 294, False)
    assert (answer.quality.items.exact, answer.quality.items.cut_off) == (False, 7_000)


async def test_several_boards_that_are_not_read_whole_are_no_longer_exact(redis: Any) -> None:
    for day in ("2026-11-23", "2026-11-22"):
        await fill_board(redis, keys(DEMO).top_day("pages", day), {f"p{i:04}": i for i in range(1, 1002)})
    week = await ask(redis, dimension="pages", period="7d", limit="1000")
    assert week.items[0] == Item("p1001", 2002)
    assert (len(week.items), week.exact, week.quality.items.cut_off) == (1000, False, 0)
    assert (await ask(redis, dimension="pages", limit="1000")).exact


async def test_an_empty_site_has_no_leaders(redis: Any) -> None:
    answer = await ask(redis, dimension="pages", period="7d")
    assert (answer.items, answer.other, answer.total, answer.exact) == ([], 0, 0, True)


async def test_a_site_sees_nothing_of_another(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(), site="berlin")
    assert (await ask(redis, dimension="pages")).items == []


async def test_one_round_trip(redis: Any, writer: Writer) -> None:
    async with counting(redis) as (client, trips):
        await ask(client, dimension="users", period="24h")
        assert len(trips) == 1


async def test_many_boards_are_read_some_at_a_time(redis: Any, writer: Writer) -> None:
    for day in (0, 49, 50, 99, 100):
        await writer.send(error(at=NOW - day * DAY_MS))
    async with counting(redis) as (client, trips):
        asked: dict[str, Any] = {"dimension": "error_types", "from": "2026-08-16T00:00:00Z"}
        answer = await ask(client, **asked)
        assert len(trips) == 2
    assert (items(answer), answer.total, answer.exact) == ({"TypeError": 4}, 4, True)


async def test_a_board_that_has_expired_is_not_passed_over_in_silence(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(), page_view(at=NOW - DAY_MS))
    await redis.delete(keys(DEMO).top_day("pages", DAY))
    for period in ("today", "7d"):
        assert not (await ask(redis, dimension="pages", period=period)).exact


async def test_a_period_of_one_s_own(redis: Any, writer: Writer) -> None:
    """Imported history: whole days, the last of them closed."""
    writer.now = NOW
    for day, user in (("1997-01-01", "ann"), ("1997-01-02", "bob"), ("1997-01-02", "ann"), ("1997-01-03", "eve")):
        await writer.send(conversion(at=ms(f"{day}T12:00:00+00:00"), user=user, minor=1050))
    asked: dict[str, Any] = {"from": "1997-01-01T00:00:00Z", "to": "1997-01-03T00:00:00Z"}
    answer = await ask(redis, dimension="users", **asked)
    assert items(answer) == {"ann": "21.00", "bob": "10.50"}
    assert (answer.period, answer.total, answer.exact, answer.quality.open) == (None, "31.50", True, False)
    assert (answer.from_, answer.to) == ("1997-01-01T00:00:00+00:00", "1997-01-03T00:00:00+00:00")
