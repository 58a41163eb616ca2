"""Segments and RFM groups, worked out by hand."""

from __future__ import annotations

from commerce import snapshots
from commerce.database import Database
from tests.commerce.asking import asking
from tests.commerce.shop import NOW, ago, do, furnish, project, purchase, refund


async def spend(
    database: Database, customer: str, orders: int, *, at: float = 10, sku: str = "A", units: int = 1
) -> None:
    """So many orders, of so many units of A at 10.00 each, all on one day."""
    entries = [purchase(f"{customer}-{n}", (sku, units), customer=customer, at=ago(at)) for n in range(orders)]
    assert await project(database, *entries) == []


async def test_each_segment_with_its_edges(database: Database) -> None:
    await furnish(database)
    await spend(database, "vip", 11, units=10)  # 1100.00 in 11 orders
    await spend(database, "nearly-vip", 10, units=20)  # 2000.00 in 10: premium
    await spend(database, "at-1000", 20, units=5)  # exactly 1000.00: premium
    await spend(database, "premium", 6, units=9, at=2)  # 540.00 in 6
    await spend(database, "regular", 3, units=4)  # 120.00 in 3
    await spend(database, "two-large", 2, units=100)  # 2000.00 in 2: no newcomer
    await spend(database, "many-small", 3)  # 30.00 in 3: none either
    await spend(database, "new", 1, at=365)  # on the last day of the year
    await spend(database, "dormant", 12, units=20, at=365.01)
    await do(database, "INSERT INTO customers (external_id) VALUES ('prospect')")
    await do(database, "INSERT INTO customers (external_id, state) VALUES ('closed', 'disabled')")
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:
        members = {
            name: sorted(one["id"] for one in (await shop.get(f"/segments/{name}/customers"))["customers"])
            for name in ("vip", "premium", "regular", "new", "dormant", "prospect")
        }
        assert members == {
            "vip": ["vip"], "premium": ["at-1000", "nearly-vip", "premium"],
            "regular": ["many-small", "regular", "two-large"], "new": ["new"], "dormant": ["dormant"],
            "prospect": ["prospect"],
        }  # fmt: skip
        answer = await shop.get("/segments")
        by_name = {segment["name"]: segment for segment in answer["segments"]}
        assert answer["as_of"] == "2026-06-30T12:00:00Z"
        assert by_name["premium"] == {
            "name": "premium", "customers": 3, "orders": 36, "revenue": "3540.00",
            "average_order_value": "98.33",  # 3540 / 36, not the mean of 200, 50 and 90
            "median_days_since_last_order": 10.0, "share_of_revenue": round(3540 / 9200, 4), "repeat_rate": 1.0,
        }  # fmt: skip
        assert (by_name["prospect"]["customers"], by_name["prospect"]["average_order_value"]) == (1, None)
        assert by_name["prospect"]["median_days_since_last_order"] is None
        assert answer["total"]["revenue"] == "9200.00"  # 1100+2000+1000+540+120+2000+30+10+2400
        assert answer["total"]["repeat_rate"] == round(8 / 9, 4)


async def test_refunds_lower_what_was_spent_and_currencies_stay_apart(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("C", 30)), refund("R", "1", ("C", 12)))  # 150.00 - 60.00
    await project(database, purchase("2", ("C", 2), currency="JPY", customer="bob"))  # 1400 yen
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:
        dollars, yen = await shop.get("/segments"), await shop.get("/segments", currency="JPY")
        assert [(s["name"], s["revenue"]) for s in dollars["segments"] if s["customers"]] == [("new", "90.00")]
        assert [(s["name"], s["revenue"]) for s in yen["segments"] if s["customers"]] == [("regular", "1400")]
        none = await shop.get("/segments", currency="EUR")
        assert none["total"] == {
            "name": "total", "customers": 0, "orders": 0, "revenue": "0.00", "average_order_value": None,
            "median_days_since_last_order": None, "share_of_revenue": None, "repeat_rate": None,
        }  # fmt: skip


async def test_rfm_cuts_are_values_so_equal_customers_are_in_one_group(database: Database) -> None:
    """Five customers: cuts (percentile_disc) are the 1st to 4th value, so scores are 1 + how many lie below."""
    await furnish(database)
    await spend(database, "a", 1, units=1, at=50)  # r1 f1 m1: lost
    await spend(database, "b", 2, units=1, at=40)  # r2 f2 m2: hibernating
    await spend(database, "c", 3, units=1, at=30)  # r3 f3 m3: need_attention
    await spend(database, "d", 4, units=1, at=20)  # r4 f4 m4: champions
    await spend(database, "e", 5, units=1, at=10)  # r5 f5 m5: champions
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:
        answer = await shop.get("/segments", method="rfm")
        groups = {group["name"]: group["customers"] for group in answer["segments"] if group["customers"]}
        assert groups == {"lost": 1, "hibernating": 1, "need_attention": 1, "champions": 2}
        members = await shop.get("/segments/champions/customers")
        assert [(one["id"], one["revenue"], one["segment"]) for one in members["customers"]] == [
            ("e", "50.00", "regular"), ("d", "40.00", "regular"),
        ]  # fmt: skip

    await spend(database, "f", 5, units=1, at=10)  # as e in everything
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:
        assert [one["id"] for one in (await shop.get("/segments/champions/customers"))["customers"]][:2] == ["f", "e"]


async def test_members_page_by_revenue_and_id(database: Database) -> None:
    await furnish(database)
    for number in range(7):
        await spend(database, f"c{number}", 1, units=1 + number // 3)
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:
        found = await shop.pages("/segments/new/customers", "customers", limit=2)
        assert [one["id"] for one in found] == ["c6", "c5", "c4", "c3", "c2", "c1", "c0"]
        assert await shop.get("/segments/nobody/customers", 404)


async def test_sales_by_month_put_a_refund_where_it_was_paid_back(database: Database) -> None:
    await furnish(database)
    await project(
        database, purchase("1", ("A", 3), at=ago(61)), purchase("2", ("A", 1), at=ago(1)),
        purchase("3", ("A", 1), customer="bob", at=ago(1)), refund("R", "1", ("A", 2), at=ago(2)),
    )  # fmt: skip
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:
        months = (await shop.get("/sales"))["months"]
        assert [tuple(month.values()) for month in months] == [
            ("2026-04", 1, 1, 1, "30.00", "0.00", "30.00"),
            ("2026-06", 2, 2, 1, "20.00", "20.00", "0.00"),
        ]
        assert [month["month"] for month in (await shop.get("/sales", months=1))["months"]] == ["2026-06"]
