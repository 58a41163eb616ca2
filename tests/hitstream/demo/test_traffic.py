"""The made-up traffic: in order, the same for a seed, such as the product itself takes, and about what was measured."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate, takewhile
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from commerce import order
from hitstream.demo import goods
from hitstream.demo.network import Network
from hitstream.demo.personas import people
from hitstream.demo.rhythm import HIGHEST, arrivals, intensity
from hitstream.demo.shop.rendering import Links, rendered
from hitstream.demo.traffic import Measures, World, traffic
from hitstream.demo.visits import EVENTS_A_VISIT, ORDERS_A_VISIT, Shop, Visitor, visit
from social import actions

NOON = 1_790_000_000_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
WORLD = World("https://kettle.example", "r", UTC, books=True)


def events(hours: float, *, seed: int = 1, rate: float = 0.5, **measures: int) -> list[dict[str, Any]]:
    made = traffic(Measures(rate=rate, seed=seed, people=300, **measures), WORLD, NOON)
    return list(takewhile(lambda event: event["timestamp"] < NOON + hours * HOUR_MS, made))


def test_nothing_overtakes_and_every_id_is_one_events() -> None:
    made = events(12)
    times = [event["timestamp"] for event in made]
    assert times == sorted(times)
    assert times[0] >= NOON
    assert len({event["event_id"] for event in made}) == len(made)


def test_a_seed_says_all() -> None:
    assert events(1) == events(1)
    assert events(1) != events(1, seed=2)


def test_there_is_as_much_as_was_asked_for() -> None:
    week = events(7 * 24, rate=0.03, members=40)
    assert 0.8 < len(week) / (0.03 * 7 * 86_400) < 1.2
    kinds = Counter(event["type"] for event in week)
    assert kinds["page_view"] > kinds["conversion"] > kinds["error"] > 0
    assert not {event["name"] for event in events(24, members=0) if event["type"] == "event"} & set(actions.ACTIONS)


def test_what_a_visit_makes_on_average() -> None:
    draw = Random(3)
    everybody = people(draw, 500)
    reach = list(accumulate(persona.keen for persona in everybody))
    shop = Shop("https://kettle.example", "r", books=True)
    made = [
        visit(draw, shop, Visitor(draw.choices(everybody, cum_weights=reach)[0], True, ""), NOON, number, 0.0)
        for number in range(6_000)
    ]
    orders = [event for each in made for _, event in each if event.get("conversion_type") == "purchase"]
    assert len([event for each in made for event in each]) / len(made) == pytest.approx(EVENTS_A_VISIT, rel=0.1)
    assert len(orders) / len(made) == pytest.approx(ORDERS_A_VISIT, rel=0.2)


def fields(event: dict[str, Any]) -> dict[str, str]:
    """The event as its stream has it."""
    return {
        "site": "shop", "trusted": "1", "user_id": event.get("user_id", event.get("anonymous_id", "")),
        "timestamp": str(event["timestamp"]), "currency": event.get("currency", ""), "name": event.get("name", ""),
        "conversion_type": event.get("conversion_type", ""), "properties": json.dumps(event.get("properties", {})),
    }  # fmt: skip


def test_the_shop_reads_every_order_and_refund() -> None:
    sold = [
        event for event in events(24, rate=1.0, members=0) if event.get("conversion_type") in ("purchase", "refund")
    ]
    skus = {variant.sku: variant.prices[0].price for product in goods.listed() for variant in product.variants}
    totals, refunds = {}, 0
    for event in sold:
        read = order.read(fields(event), "shop")
        if isinstance(read, order.Order):
            totals[read.number] = read.shipping + sum(skus[line.sku] * line.quantity for line in read.lines)
            assert f"{totals[read.number] / 100:.2f}" == event["value"]
        else:
            assert isinstance(read, order.Refund)
            assert read.order in totals
            refunds += 1
    assert len(totals) > 500
    assert refunds > 0


def test_the_network_reads_everything_that_it_does() -> None:
    done = Counter[str]()
    known: set[str] = set()
    for event in events(24, members=60):
        if event.get("name") in actions.ACTIONS:
            sent = actions.read(fields(event), "shop", 1)
            assert sent
            done[sent.name] += 1
            if isinstance(sent.action, actions.Publish):
                known.add(sent.action.post_id)
            elif isinstance(sent.action, actions.GiveLike | actions.Reply | actions.SharePost | actions.ViewPost):
                assert sent.action.post_id in known
    assert {"profile", "follow", "follow_accept", "post", "like", "unlike", "comment", "share", "post_view"} <= set(
        done
    )
    assert done["profile"] == 60


def test_follows_are_accepted_only_by_private_accounts_that_were_asked() -> None:
    network = Network(Random(5), people(Random(5), 50), "r")
    asked = set()
    for _, burst in network.opening(NOON):
        for _, event in burst:
            pair = (event["user_id"], event["properties"].get("target_id"))
            if event["name"] == "follow":
                assert pair not in asked
                assert pair[0] != pair[1]
                asked.add(pair)
            elif event["name"] == "follow_accept":
                assert (pair[1], pair[0]) in asked


def test_every_page_that_is_viewed_is_one_of_the_shop() -> None:
    pages = rendered(Links("key", "", "/"))
    viewed = {event["page_url"] for event in events(24) if event["type"] == "page_view"}
    paths = {re.sub(r"^https://kettle\.example/demo|\?.*$", "", url) for url in viewed}
    assert paths - set(pages) == {"/cellar"}
    assert len(paths) > 10


def week(zone: ZoneInfo) -> Iterator[int]:
    monday = datetime(2026, 6, 1, tzinfo=zone)
    return (int((monday + timedelta(minutes=10 * step)).timestamp() * 1000) for step in range(7 * 144))


def test_the_rhythm_of_a_week() -> None:
    zone = ZoneInfo("America/New_York")
    found = [intensity(at, zone) for at in week(zone)]
    assert sum(found) / len(found) == pytest.approx(1, abs=0.01)
    assert 0 < min(found) < 0.3
    assert 1.2 < max(found) <= HIGHEST
    assert found.index(min(found)) * 10 // 60 % 24 == 3


def test_arrivals_follow_it() -> None:
    hours = Counter(
        datetime.fromtimestamp(at / 1000, UTC).hour
        for at in takewhile(lambda at: at < NOON + 20 * DAY_MS, arrivals(Random(2), NOON, 1_000, UTC))
    )
    assert hours.total() == pytest.approx(20_000, rel=0.05)
    assert hours[3] < 0.4 * hours[12]
