"""Product performance, worked out by hand."""

from __future__ import annotations

from typing import Any

from commerce import catalogue, snapshots
from commerce.catalogue import Category, Price, Product, Variant
from commerce.database import Database
from tests.commerce.asking import asking
from tests.commerce.shop import NOW, ago, do, furnish, product, project, purchase, refund, stocked


async def by_sku(database: Database, **parameters: Any) -> dict[str, Any]:
    async with asking(database) as shop:
        answer = await shop.get("/products/performance", **parameters)
        return {one["sku"]: one for one in answer["products"]}


async def test_every_figure(database: Database) -> None:
    await furnish(database)
    await project(
        database,
        purchase("1", ("A", 3, "6.00"), ("B", 1), at=ago(5)),
        purchase("2", ("A", 2), at=ago(6)),
        purchase("3", ("A", 4), at=ago(100)),  # only in 365 days
        refund("R", "1", ("A", 1), at=ago(4)),  # a third of 24.00
    )
    await do(
        database, "INSERT INTO product_views VALUES (1, '2026-06-28', 7), (1, '2026-06-01', 1), (3, '2026-06-02', 5)"
    )
    await do(database, "INSERT INTO product_views VALUES (1, '2026-05-31', 100)")  # 30 days ago: outside
    await snapshots.rebuild(database, NOW)
    found = await by_sku(database)
    assert found["A"] == {
        "sku": "A", "name": "Wireless Headphones", "category": "headphones", "brand": "acme",
        "units": 5, "orders": 2, "gross": "50.00", "discounts": "6.00", "refunds": "8.00", "net": "36.00",
        "average_price": "8.80",  # 44.00 / 5
        "cost": "16.00",  # 5 * 4.00, less the 4.00 of the one that is back on the shelf
        "profit": "20.00", "margin": round(20 / 36, 4), "views": 8, "conversion_rate": 0.25,
        "rank": 1, "rank_in_category": 1, "abc": "A",
    }  # fmt: skip
    b, c = found["B"], found["C"]
    assert (b["net"], b["cost"], b["profit"], b["margin"], b["conversion_rate"]) == ("20.00", None, None, None, None)
    assert (b["rank"], b["abc"]) == (2, "A")  # before it 36 of 56 were brought in, less than 80 %
    assert (c["units"], c["orders"], c["net"], c["cost"], c["margin"], c["views"]) == (0, 0, "0.00", "0.00", None, 5)
    assert (c["conversion_rate"], c["abc"], c["category"], c["brand"]) == (0.0, "C", None, None)

    year = await by_sku(database, days=365)
    assert (year["A"]["units"], year["A"]["orders"], year["A"]["gross"]) == (9, 3, "90.00")
    assert (await by_sku(database, days=90))["A"]["units"] == 5


async def test_what_a_cost_was_when_it_was_sold_is_what_counts(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 1)))
    await stocked(database, product("A", 1000, 900, category="headphones", brand="acme"), quantity=0)
    await snapshots.rebuild(database, NOW)
    assert (await by_sku(database))["A"]["cost"] == "4.00"


async def test_one_order_with_two_variants_of_a_product_is_one_order(database: Database) -> None:
    price = (Price("USD", 1000),)
    sizes = (Variant("S-1", price, options=("S", None, None)), Variant("S-2", price, options=("L", None, None)))
    await catalogue.put_products(database, [Product("S", "s", "Shirt", sizes)])
    await project(database, purchase("1", ("S-1", 1), ("S-2", 2)), purchase("2", ("S-2", 1)))
    await snapshots.rebuild(database, NOW)
    found = (await by_sku(database))["S"]
    assert (found["orders"], found["units"]) == (2, 4)


async def test_orders_that_do_not_count_and_currencies(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("C", 1)), purchase("2", ("C", 2)), purchase("3", ("C", 3), currency="JPY"))
    await do(database, "UPDATE orders SET financial_status = 'voided' WHERE number = '1'")
    await snapshots.rebuild(database, NOW)
    assert (await by_sku(database))["C"]["gross"] == "10.00"
    assert (await by_sku(database, currency="JPY"))["C"]["gross"] == "2100"
    assert await by_sku(database, currency="EUR") == {}


async def test_a_refund_in_the_window_of_a_sale_before_it(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 2), at=ago(60)), refund("R", "1", ("A", 1), restock=False))
    await snapshots.rebuild(database, NOW)
    month, quarter = (await by_sku(database))["A"], (await by_sku(database, days=90))["A"]
    assert (month["gross"], month["refunds"], month["net"], month["margin"], month["abc"]) == (
        "0.00", "10.00", "-10.00", None, "C",
    )  # fmt: skip
    assert (quarter["net"], quarter["cost"], quarter["profit"]) == ("10.00", "8.00", "2.00")


async def test_filters_sorts_and_pages(database: Database) -> None:
    await furnish(database)
    await catalogue.put_categories(database, [Category("in-ear", "In-ear", "headphones")])
    await stocked(database, *(product(f"P{n}", 100 * (n + 1), 50, category="in-ear") for n in range(5)), quantity=50)
    await project(database, purchase("1", ("A", 1), ("B", 1), *((f"P{n}", 5 - n) for n in range(5))))
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:

        async def skus(**parameters: Any) -> list[str]:
            found = await shop.pages("/products/performance", "products", limit=2, **parameters)
            return [one["sku"] for one in found]

        assert await skus() == ["B", "A", "P2", "P3", "P1", "P4", "P0"]  # 20, 10, 9, 8, 8, 5, 5: ties by the newer
        assert await skus(sort="units") == ["P0", "P1", "P2", "P3", "P4", "B", "A"]
        assert (await skus(sort="profit"))[-1] == "B"  # its cost is not known
        assert await skus(category="in-ear") == ["P2", "P3", "P1", "P4", "P0"]
        assert (await skus(category="audio"))[:2] == ["B", "A"]
        assert await skus(brand="acme") == ["A"]
        assert len(await skus(sort="conversion")) == len(await skus(sort="views")) == 7
