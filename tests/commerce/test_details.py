"""A thing with its parts, and what is not there."""

from __future__ import annotations

from commerce import snapshots
from commerce.database import Database
from tests.commerce.asking import asking
from tests.commerce.shop import NOW, ago, do, furnish, project, purchase, refund


async def test_a_product_by_its_own_sku_or_a_variants(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("C", 2)))
    async with asking(database) as shop:
        found = await shop.get("/products/C")
        assert found["variants"] == [
            {
                "sku": "C", "name": "", "options": [],
                "prices": [
                    {"currency": "JPY", "price": "700", "compare_price": None},
                    {"currency": "USD", "price": "5.00", "compare_price": None},
                ],
                "stock": [{"location": "main", "available": 98, "committed": 2}],
            }
        ]  # fmt: skip
        await do(database, "UPDATE product_variants SET sku = 'C-1' WHERE sku = 'C'")
        assert (await shop.get("/products/C-1"))["sku"] == "C"
        assert (await shop.get("/products/nothing", 404))["message"] == "there is no product 'nothing'"
        assert await shop.get("/products/%00%F0%9F%98%80", 404)
        assert (await shop.get("/products/%7Ba%7D", 404))["message"] == "there is no product '{a}'"


async def test_the_tree_of_categories_counts_what_is_below(database: Database) -> None:
    await furnish(database)
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:
        assert (await shop.get("/categories"))["categories"] == [
            {
                "slug": "audio", "name": "Audio", "products": 2,
                "children": [{"slug": "headphones", "name": "Headphones", "products": 1, "children": []}],
            },
            {"slug": "home", "name": "Home", "products": 0, "children": []},
        ]  # fmt: skip


async def test_a_customer_with_sums_segment_and_addresses(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 2), at=ago(3)), refund("R", "1", ("A", 1)))
    await do(
        database,
        """
        INSERT INTO addresses (customer_id, first_name, last_name, address1, city, country, is_default)
        SELECT id, 'Ann', 'Lee', '1 High St', 'Leeds', 'GB', true FROM customers""",
    )
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:
        found = await shop.get("/customers/ann")
        assert found["spending"] == [
            {
                "currency": "USD", "orders": 1, "spent": "20.00", "refunded": "10.00", "revenue": "10.00",
                "first_order_at": "2026-06-27T12:00:00Z", "last_order_at": "2026-06-27T12:00:00Z",
                "segment": "new", "rfm_group": "lost",
            }
        ]  # fmt: skip
        assert found["addresses"][0]["city"] == "Leeds"
        assert (await shop.get("/customers/bob", 404))["code"] == "not_found"


async def test_a_customers_orders_the_latest_first(database: Database) -> None:
    await furnish(database)
    entries = [purchase(str(n), ("A", n + 1), at=ago(n // 2)) for n in range(5)]
    await project(database, *entries, purchase("other", ("A", 1), customer="bob"))
    await do(database, "INSERT INTO customers (external_id) VALUES ('eve')")
    async with asking(database) as shop:
        found = await shop.pages("/customers/ann/orders", "orders", limit=2)
        assert [(one["number"], one["total"]) for one in found] == [
            ("1", "20.00"), ("0", "10.00"), ("3", "40.00"), ("2", "30.00"), ("4", "50.00"),
        ]  # fmt: skip
        assert (await shop.get("/customers/eve/orders"))["orders"] == []
        assert await shop.get("/customers/nobody/orders", 404)


async def test_an_order_with_lines_and_refunds(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 2, "1.00"), ("C", 1), shipping=4), refund("R", "1", ("A", 1)))
    async with asking(database) as shop:
        found = await shop.get("/orders/1")
        assert (found["customer"], found["total"], found["refunded"]) == ("ann", "28.00", "9.50")
        assert found["financial_status"] == "partially_refunded"
        columns = ("sku", "total", "refunded_quantity", "refunded")
        assert [tuple(line[name] for name in columns) for line in found["lines"]] == [
            ("A", "19.00", 1, "9.50"), ("C", "5.00", 0, "0.00"),
        ]  # fmt: skip
        assert [(one["number"], one["amount"]) for one in found["refunds"]] == [("R", "9.50")]
        assert await shop.get("/orders/2", 404)
