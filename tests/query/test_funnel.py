"""Funnels from the commit to the answer. `redis` is typed Any, as in the commit's tests."""

from __future__ import annotations

import asyncio
import random
from statistics import median
from typing import Any, get_args

import msgspec
import pytest

from query import folds, step_names
from query.answers import funnel
from query.answers.funnel import Funnel, Funnels
from query.answers.quality import iso
from query.errors import FunnelTooLarge, StoreUnavailable, TooManyFunnels
from query.folds import Folds
from query.funnel import question
from query.funnel.match import Order
from query.funnel.tally import Tally, tally
from query.trails import Changed, Trails
from store import trail
from store.buckets import DAY_MS, HOUR_MS
from store.event import Agent, Event
from store.money import decimal_text
from store.site import Site
from tests.query.fill import BERLIN, DEMO, counting, keys
from tests.query.funnel_oracle import Did, matches, went
from tests.store.batches import IDENTITY, NOW, Writer, conversion, custom, page_view

SHOP = "https://shop.example"
MINUTE = 60_000


def funnels(redis: Any) -> Funnels:
    return Funnels(Folds(redis, IDENTITY))


async def ask(asked: Funnels, steps: str, *, site: Site = DEMO, now: int = NOW, **given: Any) -> Funnel:
    parsed = question.from_parameters({"steps": steps, **{name.rstrip("_"): v for name, v in given.items()}}, now)
    return await asked.answer(site, keys(site), parsed, now)


def users(answer: Funnel) -> list[int]:
    return [step.users for step in answer.steps]


def journey(user: str, *steps: str, at: int = NOW - HOUR_MS, every: int = MINUTE, **fields: Any) -> list[Event]:
    """Events a minute apart: a path is a page view, `buy=19.99` would be a conversion, else it is an event."""
    found: list[Event] = []
    for i, step in enumerate(steps):
        common = {"user": user, "at": at + i * every, **fields}
        if step.startswith("/"):
            found.append(page_view(url=SHOP + step, **common))
        elif "=" in step:
            kind, _, minor = step.partition("=")
            found.append(conversion(conversion_type=kind, minor=int(minor), **common))
        else:
            found.append(custom(name=step, **common))
    return found


async def test_a_funnel_from_page_to_purchase(redis: Any, writer: Writer) -> None:
    await writer.send(
        *journey("ann", "/pricing", "cart", "buy=1999"),
        *journey("bob", "/pricing", "cart", "/about", "buy=1000", every=2 * MINUTE),
        *journey("cem", "/pricing", "cart"),
        *journey("dee", "/pricing"),
        *journey("eve", "buy=777", "cart", "/pricing"),  # all of it, and in the wrong order
    )
    answer = await ask(funnels(redis), "page:/pricing,event:cart,buy", breakdown="browser")
    assert msgspec.to_builtins(answer) == {
        "funnel_steps": ["page:/pricing", "event:cart", "buy"],
        "steps": [
            {
                "step": "page:/pricing", "users": 5, "rate_from_previous": 100.0, "rate_from_start": 100.0,
                "drop_off": {"users": 0, "rate": 0.0}, "median_s": None, "p90_s": None, "value": {}, "events": 5,
            },
            {
                "step": "event:cart", "users": 3, "rate_from_previous": 60.0, "rate_from_start": 60.0,
                "drop_off": {"users": 2, "rate": 40.0}, "median_s": 60.0, "p90_s": 108.0, "value": {}, "events": 4,
            },
            {
                "step": "conversion:buy", "users": 2, "rate_from_previous": 66.67, "rate_from_start": 40.0,
                "drop_off": {"users": 1, "rate": 33.33}, "median_s": 150.0, "p90_s": 222.0,
                "value": {"USD": "29.99"}, "events": 3,
            },
        ],
        "data": {
            "page:/pricing": {
                "total_conversions": 5, "unique_users": 5, "avg_value": {}, "conversion_rate": 100.0,
            },
            "event:cart": {"total_conversions": 4, "unique_users": 3, "avg_value": {}, "conversion_rate": 60.0},
            "buy": {
                "total_conversions": 3, "unique_users": 2, "avg_value": {"USD": "15.00"}, "conversion_rate": 66.67,
            },
        },
        "analysis_period": "7 days",
        "generated_at": "2026-11-23T13:03:20.000+00:00",
        "timezone": "UTC",
        "semantics": {
            "order": "ordered", "entry": "latest", "window_s": 604800.0,
            "rules": [funnel.RULES["ordered"], *funnel.ALWAYS, funnel.ENTRIES["latest"]],
        },
        "quality": {
            "as_of": "2026-11-23T13:03:20.000+00:00", "from": "2026-11-16T13:03:20.000+00:00",
            "to": "2026-11-23T13:03:20.001+00:00", "open": True, "exact": True,
            "truncated": {"names": False, "retention": False},
        },
        "breakdown": {
            "by": "browser",
            "groups": [{"key": "chrome", "steps": [
                {k: v for k, v in step.items() if k != "events"} for step in msgspec.to_builtins(answer.steps)
            ]}],
        },
    }  # fmt: skip


async def test_nobody_was_there(redis: Any) -> None:
    answer = await ask(funnels(redis), "a,b,a", breakdown="os")
    assert users(answer) == [0, 0, 0]
    for step in answer.steps:
        assert (step.rate_from_previous, step.rate_from_start, step.drop_off.rate) == (None, None, None)
        assert (step.median_s, step.p90_s, step.value, step.events) == (None, None, {}, 0)
    assert {key: legacy.conversion_rate for key, legacy in answer.data.items()} == {"a": 0.0, "b": 0.0, "a#2": 0.0}
    assert isinstance(answer.breakdown, funnel.Breakdown)
    assert answer.breakdown.groups == []


async def test_more_users_at_the_second_step_than_at_the_first_are_no_rate_above_100(
    redis: Any, writer: Writer
) -> None:
    for user in "abcdef":
        await writer.send(*journey(user, "buy=100"))
    answer = await ask(funnels(redis), "cart,buy")
    assert users(answer) == [0, 0]
    assert answer.steps[1].events == 6
    await writer.send(*journey("a", "cart=0", at=NOW - 2 * HOUR_MS))
    answer = await ask(funnels(redis), "cart,buy")
    assert (users(answer), answer.steps[1].rate_from_previous) == ([1, 1], 100.0)


async def test_a_repeated_step_needs_an_event_each_time(redis: Any, writer: Writer) -> None:
    await writer.send(*journey("ann", "buy=100", "buy=250", "buy=1"), *journey("bob", "buy=100"))
    answer = await ask(funnels(redis), "buy,buy")
    assert users(answer) == [2, 1]
    assert list(answer.data) == ["buy", "buy#2"]
    # Ann's chain that begins latest is her second purchase and her third; Bob's is his only one.
    assert [step.value for step in answer.steps] == [{"USD": "3.50"}, {"USD": "0.01"}]
    first = await ask(funnels(redis), "buy,buy", entry="first")
    assert [step.value for step in first.steps] == [{"USD": "2.00"}, {"USD": "2.50"}]


async def test_steps_asked_for_under_the_name_of_a_repeated_one(redis: Any) -> None:
    assert list((await ask(funnels(redis), "a#2,a,a")).data) == ["a#2", "a", "a#3"]


async def test_value_is_told_by_currency(redis: Any, writer: Writer) -> None:
    for user, minor, currency in (("ann", 1999, "USD"), ("bob", 2, "USD"), ("cem", 500, "JPY"), ("dee", -500, "USD")):
        await writer.send(*journey(user, "cart"), conversion(user=user, minor=minor, currency=currency))
    answer = await ask(funnels(redis), "event:cart,purchase")
    assert answer.steps[1].value == {"JPY": "500", "USD": "15.01"}
    assert answer.data["purchase"].avg_value == {"JPY": "500", "USD": "5.00"}


@pytest.mark.parametrize(("order", "expected"), [("ordered", [4, 2, 1]), ("strict", [4, 1, 1]), ("any", [4, 3, 2])])
async def test_orders(redis: Any, writer: Writer, order: str, expected: list[int]) -> None:
    await writer.send(
        *journey("ann", "a", "other", "b", "c"),
        *journey("bob", "a", "c", "b"),
        *journey("cem", "a", "a"),
        *journey("dee", "b", "a"),
        *journey("eve", "c", "b"),
    )
    assert users(await ask(funnels(redis), "event:a,event:b,event:c", order=order)) == expected


async def test_the_window_counts_from_the_first_step_and_includes_its_end(redis: Any, writer: Writer) -> None:
    await writer.send(*journey("ann", "a", "b", every=30 * MINUTE), *journey("bob", "a", "b", every=30 * MINUTE + 1))
    assert users(await ask(funnels(redis), "event:a,event:b", window="30m")) == [2, 1]


async def test_a_period_is_to_the_millisecond(redis: Any, writer: Writer) -> None:
    at = NOW // HOUR_MS * HOUR_MS
    for user, when in (("before", at - 1), ("first", at), ("last", at + 999), ("after", at + 1000)):
        await writer.send(custom(name="a", user=user, at=when))
    asked = funnels(redis)
    answer = await ask(asked, "event:a", from_="2026-11-23T13:00:00Z", to="2026-11-23T13:00:01Z")
    assert (users(answer), answer.steps[0].events, answer.quality.open) == ([2], 2, False)
    assert users(await ask(asked, "event:a")) == [4]


async def test_pages_by_the_beginning_of_their_path(redis: Any, writer: Writer) -> None:
    await writer.send(
        *journey("ann", "/blog/one?page=2", "/blog/two", "/pricing"),
        *journey("bob", "/blog", "/blog/two"),
        *journey("cem", "/about", "/blogs/one"),
    )
    asked = funnels(redis)
    assert users(await ask(asked, "page:/blog/*,page:/blog/two")) == [2, 1]
    assert users(await ask(asked, "page:/blog*,page:/*,page:/pricing")) == [3, 2, 1]
    await writer.send(*journey("dee", "/blog/three", "/blog/two"))  # a name that was not known before
    assert users(await ask(asked, "page:/blog/*,page:/blog/two")) == [3, 2]


async def test_a_full_dictionary_of_names_is_owned_up_to(
    redis: Any, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writer.send(*journey("ann", "/blog/one", "/blog/two"))
    monkeypatch.setattr(step_names, "FULL", 2)
    asked = funnels(redis)
    answer = await ask(asked, "page:/blog/*")
    assert (answer.quality.exact, answer.quality.truncated.names) == (False, True)
    # A name that the full dictionary lacked, and that another day's has, is found where it was before.
    unknown = journey("bob", "/blog/three")[0]
    await writer.send(unknown)
    day = keys(DEMO).steps(NOW // DAY_MS)
    code = IDENTITY.step("demo", "page:/blog/three").to_bytes(5, "little")
    await redis.hdel(day, code)
    assert users(await ask(asked, "page:/blog/*")) == [1]
    await redis.hset(keys(DEMO).steps(NOW // DAY_MS - 1), code, "page:/blog/three")
    await redis.expire(keys(DEMO).steps(NOW // DAY_MS - 1), 100)
    assert users(await ask(asked, "page:/blog/*")) == [2]
    assert (await ask(asked, "page:/blog/one")).quality.exact


async def test_a_breakdown_by_what_the_first_step_was_done_with(redis: Any, writer: Writer) -> None:
    phone = Agent("safari", "ios", "mobile")
    await writer.send(
        *journey("ann", "/", "/pricing", agent=phone),
        *journey("bob", "/", "/pricing"),
        *journey("cem", "/", agent=phone),
        page_view(user="dee", agent=phone, channel="search", at=NOW - HOUR_MS),
        page_view(user="dee", url=f"{SHOP}/pricing", at=NOW),  # the same visitor at a desk
    )
    asked = funnels(redis)

    async def by(attribute: str) -> dict[str, list[int]]:
        answer = await ask(asked, "page:/,page:/pricing", breakdown=attribute)
        assert isinstance(answer.breakdown, funnel.Breakdown)
        groups = {group.key: [step.users for step in group.steps] for group in answer.breakdown.groups}
        assert [sum(column) for column in zip(*groups.values(), strict=True)] == users(answer)
        return groups

    assert await by("device") == {"mobile": [3, 2], "desktop": [1, 1]}
    assert await by("channel") == {"direct": [3, 2], "search": [1, 1]}


async def test_sites_are_apart(redis: Any, writer: Writer) -> None:
    await writer.send(*journey("ann", "a"))
    await writer.send(*journey("ann", "a"), *journey("bob", "a"), site="berlin")
    asked = funnels(redis)
    assert users(await ask(asked, "event:a")) == [1]
    berlin = await ask(asked, "event:a", site=BERLIN)
    assert (users(berlin), berlin.generated_at) == ([2], "2026-11-23T14:03:20.000+01:00")


async def test_a_period_from_before_what_is_kept_says_so(redis: Any, writer: Writer) -> None:
    await writer.send(*journey("ann", "a", at=NOW - 500 * DAY_MS))
    answer = await ask(funnels(redis), "event:a", days="800")
    assert (users(answer), answer.quality.exact, answer.quality.truncated.retention) == ([1], False, True)


async def test_asking_again_takes_one_round_trip(redis: Any, writer: Writer) -> None:
    async with counting(redis) as (client, trips):
        asked = funnels(client)
        for count, user in enumerate(("ann", "bob", "cem"), start=1):
            await writer.send(*journey(user, "a", "b"))
            assert users(await ask(asked, "event:a,event:b")) == [count, count]
            assert users(await ask(asked, "event:a,event:b")) == [count, count]
        assert len(trips) == 6


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_kept_between_questions_changes_no_answer(redis: Any, writer: Writer, seed: int) -> None:
    """Hours pass, events come, late ones too, and each question is answered as if it were the first."""
    rng = random.Random(seed)
    pages = ["/", "/blog/1", "/blog/2", "/pricing"]
    asked: list[tuple[str, dict[str, Any]]] = [
        ("page:/,page:/blog/*,purchase", {"days": "1"}),
        ("page:/,page:/blog/*,purchase", {"hours": "30"}),
        ("page:/*,page:/*", {"days": "2", "order": "strict"}),
        ("purchase,purchase", {"hours": "3", "order": "any"}),
    ]
    kept, now = funnels(redis), NOW
    for _ in range(25):
        now += rng.choice([1, 1000, HOUR_MS, 5 * HOUR_MS])
        late = rng.choice([0, 0, 3 * HOUR_MS])
        batch: list[Event] = []
        for _ in range(rng.randint(0, 12)):
            common = {"user": f"user {rng.randrange(8)}", "at": now - late - rng.randrange(100) * 1000}
            buys = rng.random() < 0.3
            batch.append(conversion(**common) if buys else page_view(url=SHOP + rng.choice(pages), **common))
        await writer.send(*batch)
        steps, given = rng.choice(asked)
        assert await ask(kept, steps, now=now, **given) == await ask(funnels(redis), steps, now=now, **given)


@pytest.mark.parametrize("seed", range(3))
async def test_what_was_counted_for_another_period_is_told_only_where_it_is_the_same(
    redis: Any, writer: Writer, seed: int
) -> None:
    """Nothing new comes, but the edges move, on both sides of each event and exactly to it."""
    rng = random.Random(seed)
    begin = NOW // HOUR_MS * HOUR_MS - HOUR_MS
    await writer.send(
        *(
            custom(name=rng.choice("ab"), user=f"user {rng.randrange(3)}", at=begin + rng.randrange(20) * 1000)
            for _ in range(8)
        )
    )
    kept = funnels(redis)
    for _ in range(60):
        since, until = sorted(rng.sample(range(begin - 1000, begin + 21_000, 500), 2))
        given: dict[str, Any] = {"order": rng.choice(["ordered", "any"]), "window": rng.choice(["3s", "1h"])}
        if rng.random() < 0.3:
            given["breakdown"] = rng.choice(["browser", "os"])
        for moved in (0, 1, -1):
            given["from_"] = iso(DEMO.tz, since + moved)
            given["to"] = iso(DEMO.tz, until + rng.choice([0, moved]))
            steps = "event:a,event:b"
            assert await ask(kept, steps, **given) == await ask(funnels(redis), steps, **given)


async def test_what_has_not_changed_is_not_counted_again(
    redis: Any, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = 0

    def counting_tally(*given: Any) -> Tally:
        nonlocal times
        times += 1
        return tally(*given)

    monkeypatch.setattr(funnel, "tally", counting_tally)
    asked = funnels(redis)
    await writer.send(*journey("ann", "a", "b"))
    for later in range(3):
        answer = await ask(asked, "event:a,event:b", now=NOW + later)
        assert (users(answer), answer.generated_at) == ([1, 1], iso(DEMO.tz, NOW + later))
    await writer.send(*journey("ann", "another"))
    assert users(await ask(asked, "event:a,event:b")) == [1, 1]
    assert times == 1
    await writer.send(*journey("bob", "a"))
    assert users(await ask(asked, "event:a,event:b")) == [2, 1]
    assert users(await ask(asked, "event:a,event:b", order="any")) == [2, 1]
    assert times == 3


@pytest.mark.parametrize("order", get_args(Order))
async def test_the_whole_way_against_the_oracle(redis: Any, writer: Writer, order: Order) -> None:
    rng = random.Random(order)
    pages = ["page:/", "page:/blog/1", "page:/blog/2"]
    visits = {
        f"user {n}": [
            Did(
                NOW - rng.randrange(12) * 20 * MINUTE,
                rng.choice([*pages, "conversion:purchase"]),
                rng.randrange(-5, 99),
            )
            for _ in range(rng.randrange(7))
        ]
        for n in range(60)
    }
    happened = [
        page_view(url=SHOP + did.name.removeprefix("page:"), user=user, at=did.at)
        if did.name in pages
        else conversion(minor=did.value, user=user, at=did.at)
        for user, those in visits.items()
        for did in those
    ]
    for first in range(0, len(happened), 50):
        await writer.send(*happened[first : first + 50])
    steps = ["page:/*", "page:/blog/*", "conversion:purchase", "conversion:purchase"]
    answer = await ask(funnels(redis), ",".join(steps), order=order, window="1h", days="1")
    chains = [went(those, steps, order, "latest", HOUR_MS, NOW - DAY_MS, NOW + 1) for those in visits.values()]
    assert answer.steps[1].users
    for i, step in enumerate(answer.steps):
        those = [chain for chain in chains if chain and chain.depth > i]
        waited = [chain.times[i] - chain.times[i - 1] for chain in those] if i else []
        worth = sum(chain.values[i] or 0 for chain in those)
        assert step.users == len(those)
        assert step.median_s == (median(waited) / 1000 if waited else None)
        assert step.value == ({"USD": decimal_text(worth, "USD")} if i > 1 and those else {})
        assert step.events == sum(matches(steps[i], did.name) for those in visits.values() for did in those)


async def test_a_redis_that_lost_its_data_and_got_other(redis: Any, writer: Writer) -> None:
    asked = funnels(redis)
    await writer.send(*journey("ann", "a", "b"))
    assert users(await ask(asked, "event:a,event:b")) == [1, 1]
    await redis.delete(keys(DEMO).trail(trail.hour(NOW - HOUR_MS)))
    assert users(await ask(asked, "event:a,event:b")) == [0, 0]
    await writer.send(*journey("bob", "a", "a", "a"), *journey("cem", "a"))
    assert users(await ask(asked, "event:a,event:b")) == [2, 0]


async def test_more_than_is_worked_out_at_once_is_refused(
    redis: Any, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folds, "MAX_RECORDS", 3)
    await writer.send(*journey("ann", "a", "b", "a"))
    asked = funnels(redis)
    assert users(await ask(asked, "event:a,event:b")) == [1, 1]
    await writer.send(*journey("ann", "a"))
    with pytest.raises(FunnelTooLarge):
        await ask(asked, "event:a,event:b")
    assert users(await ask(asked, "event:b")) == [1]


async def test_only_so_many_wait(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(funnel, "WAITING", 3)
    asked = funnels(redis)
    results = await asyncio.gather(*(ask(asked, "a") for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(result, Funnel) for result in results) == 3 + funnel.AT_ONCE
    assert sum(isinstance(result, TooManyFunnels) for result in results) == 10 - 3 - funnel.AT_ONCE
    assert users(await ask(asked, "a")) == [0]


async def test_trails_that_never_stand_still(redis: Any, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = funnels(redis)

    async def changing(*_: Any) -> Any:
        raise Changed

    monkeypatch.setattr(Trails, "begin", changing)
    with pytest.raises(StoreUnavailable):
        await ask(asked, "a")
