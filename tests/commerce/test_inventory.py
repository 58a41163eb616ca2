"""Each status of the inventory, and the figures behind it, worked out by hand."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any

import pytest

from commerce import catalogue, snapshots
from commerce.catalogue import Move
from commerce.database import Database
from tests.commerce.asking import asking
from tests.commerce.shop import NOW, ago, product, project, purchase, refund, stocked


async def advice(database: Database, **parameters: Any) -> dict[str, Any]:
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:
        answer = await shop.get("/inventory/recommendations", **parameters)
        return {one["sku"]: one for one in answer["variants"]}


async def sell(database: Database, sku: str, units: int, *days: float) -> None:
    """So many units on each of these days before now."""
    entries = [purchase(f"{sku}-{day}", (sku, units), at=ago(day)) for day in days]
    assert await project(database, *entries) == []


async def test_steady_demand_and_its_reorder_point(database: Database) -> None:
    """2 units a day for 90 days: d = 2, sd = 0; L = 4, sdL = 1: SS = 1.645 * 2 = 3.29, reorder at 11.29."""
    await stocked(database, product("A", lead_days=4, lead_days_sd=1, pack_size=12), quantity=191)
    await sell(database, "A", 2, *(day + 0.5 for day in range(90)))  # 11 are left
    one = (await advice(database))["A"]
    assert (one["available"], one["sold_30_days"], one["sold_90_days"]) == (11, 60, 180)
    assert (one["daily_demand"], one["demand_deviation"], one["days_of_cover"]) == (2.0, 0.0, 5.5)
    assert (one["safety_stock"], one["reorder_point"]) == (4, 12)
    assert (one["status"], one["label"]) == ("low_stock", "LOW STOCK - REORDER SOON")
    assert one["suggested_quantity"] == 72  # 12 + 30 days * 2 - 11 = 61, in packs of 12
    assert (one["confidence"], one["urgency"]) == ("high", 2 * 4 - 11)
    assert one["committed"] == 180

    await catalogue.announce(database, "PO", [Move("A", "main", 72, NOW)])
    one = (await advice(database))["A"]
    assert (one["status"], one["incoming"], one["suggested_quantity"]) == ("ok", 72, 0)


async def test_uneven_demand_needs_more_in_reserve(database: Database) -> None:
    """9 units on each tenth day, so 81 in 90: d = 0.9, variance (9 * 81 - 81^2 / 90) / 89."""
    await stocked(database, product("A", lead_days=9, lead_days_sd=2), quantity=100)
    await sell(database, "A", 9, *(day + 0.5 for day in range(0, 90, 10)))
    one = (await advice(database))["A"]
    sd = sqrt((9 * 81 - 81 * 81 / 90) / 89)
    safety = 1.645 * sqrt(9 * sd**2 + 0.9**2 * 2**2)
    assert one["demand_deviation"] == round(sd, 4)
    assert (one["safety_stock"], one["reorder_point"]) == (ceil(safety), ceil(0.9 * 9 + safety))


async def test_days_without_stock_do_not_lower_demand(database: Database) -> None:
    """10 in stock 20 days ago, sold out 10 days later: 10 units in 10 days is 1 a day, not a third of one."""
    await stocked(database, product("A"), quantity=10, at=ago(20))
    await sell(database, "A", 5, 15)
    await sell(database, "A", 5, 10)
    one = (await advice(database))["A"]
    assert (one["days_in_stock_30"], one["days_in_stock_90"]) == (10.0, 10.0)
    assert (one["daily_demand"], one["days_of_cover"], one["status"]) == (1.0, 0.0, "out_of_stock")


async def test_a_new_product_is_not_divided_by_days_before_it_was_there(database: Database) -> None:
    await stocked(database, product("A"), quantity=100, at=ago(5))
    await sell(database, "A", 10, 1)
    one = (await advice(database))["A"]
    assert (one["days_in_stock_90"], one["daily_demand"], one["confidence"]) == (5.0, 2.0, "low")


@pytest.mark.parametrize(
    ("stock", "sales", "status"),
    [
        (20, [(20, 3)], "out_of_stock"),
        (20, [(25, 3)], "out_of_stock"),  # sold below zero
        (0, [], "ok"),  # nothing there, nothing wanted
        (100, [], "slow_moving"),  # no sales at all
        (100, [(5, 120)], "slow_moving"),  # none in 90 days
        (47, [(12, 80)], "ok"),  # 35 left: not above 3 * 12
        (49, [(12, 80)], "overstocked"),  # 37 left
        (21, [(20, 3)], "low_stock"),
    ],
)
async def test_status(database: Database, stock: int, sales: list[tuple[int, float]], status: str) -> None:
    await stocked(database, product("A"), product("other"), quantity=stock or 1)
    if not stock:
        await catalogue.adjust(database, "count", "lost", [Move("A", "main", -1, ago(190))])
    for units, day in sales:
        await sell(database, "A", units, day)
    assert (await advice(database))["A"]["status"] == status
    assert "A" in await advice(database, status=status)
    others = {"out_of_stock", "low_stock", "overstocked", "slow_moving", "ok"} - {status}
    for other in others:
        assert "A" not in await advice(database, status=other)


async def test_new_and_unsold_is_not_slow_yet_and_has_no_cover(database: Database) -> None:
    await stocked(database, product("A"), quantity=10, at=ago(29))
    one = (await advice(database))["A"]
    assert (one["status"], one["days_of_cover"], one["daily_demand"], one["confidence"]) == ("ok", None, 0.0, "none")


async def test_returns_are_no_negative_demand(database: Database) -> None:
    await stocked(database, product("A"), quantity=10)
    await sell(database, "A", 4, 5)
    await project(database, refund("R", "A-5", ("A", 4), at=ago(1)))
    one = (await advice(database))["A"]
    assert (one["sold_30_days"], one["available"]) == (4, 10)


async def test_owed_without_demand_is_made_up_for(database: Database) -> None:
    await stocked(database, product("A", pack_size=10), quantity=5)
    await sell(database, "A", 17, 150)
    one = (await advice(database))["A"]
    assert (one["available"], one["status"], one["daily_demand"]) == (-12, "out_of_stock", 0.0)
    assert one["suggested_quantity"] == 20


async def test_per_location_and_most_urgent_first(database: Database) -> None:
    await stocked(database, product("A"), product("B"), product("C"), quantity=30)
    await catalogue.put_location(database, "east", "East")
    await catalogue.transfer(database, "T", "main", "east", [Move("A", "", 10, ago(150))])
    await project(
        database,
        purchase("1", ("A", 10), at=ago(2), location="east"),
        purchase("2", ("A", 20), ("B", 28), at=ago(2)),
        purchase("3", ("C", 1), at=ago(2)),
    )
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:
        found = await shop.pages("/variants/low-stock", "variants", limit=1)
        assert [(one["sku"], one["location"]) for one in found] == [("A", "main"), ("B", "main"), ("A", "east")]
        assert [one["urgency"] for one in found] == [3.3, 2.36, 1.65]  # 7 days * demand - available
        east = await shop.get("/variants/low-stock", location="east")
        assert [(one["sku"], one["available"]) for one in east["variants"]] == [("A", 0)]
        every = await shop.pages("/inventory/recommendations", "variants", limit=2)
        assert len(every) == 4
        assert every == sorted(every, key=lambda one: -one["urgency"])

        await catalogue.receive(database, "more", [Move("B", "main", 500, NOW)])
        found = (await shop.get("/variants/low-stock"))["variants"]  # live, before the next snapshot
        assert [(one["sku"], one["location"]) for one in found] == [("A", "main"), ("A", "east")]
