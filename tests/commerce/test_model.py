"""What the schema itself refuses, whoever writes."""

from __future__ import annotations

import psycopg
import pytest

from commerce import catalogue
from commerce.catalogue import Category
from commerce.database import Database
from tests.commerce.shop import ask, do, furnish, project, purchase


async def test_a_category_never_stands_below_itself(database: Database) -> None:
    chain = [Category("a", "A"), Category("b", "B", "a"), Category("c", "C", "b")]
    await catalogue.put_categories(database, chain)
    for moved in (Category("a", "A", "a"), Category("a", "A", "b"), Category("a", "A", "c")):
        with pytest.raises(psycopg.errors.CheckViolation, match="below itself"):
            await catalogue.put_categories(database, [moved])
    await catalogue.put_categories(database, [Category("c", "C", "a")])
    assert await ask(database, "SELECT slug FROM categories WHERE parent_id IS NULL") == [("a",)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET financial_status = 'sold'",
        "UPDATE orders SET fulfillment_status = 'maybe'",
        "UPDATE orders SET total = total + 1",
        "UPDATE orders SET refunded = total + 1",
        "UPDATE orders SET currency = 'usd'",
        "UPDATE orders SET cancel_reason = 'fraud'",
        "UPDATE order_items SET quantity = 0",
        "UPDATE order_items SET discount = price * quantity + 1",
        "UPDATE variant_prices SET price = -1",
        "UPDATE customers SET email = 'Ann@Example.com'",
        "UPDATE inventory_transactions SET change = 0",
        "UPDATE inventory_transactions SET change = 1 WHERE kind = 'sale'",
        "INSERT INTO inventory_transactions (variant_id, location_id, kind, change) VALUES (1, 1, 'adjustment', 1)",
        "INSERT INTO inventory_transactions (variant_id, location_id, kind, change) VALUES (1, 1, 'transfer', 1)",
        "INSERT INTO product_variants (product_id, sku) SELECT product_id, 'again' FROM product_variants LIMIT 1",
        "INSERT INTO locations (code, name, is_default) VALUES ('two', 'Two', true)",
    ],
)
async def test_refuses(database: Database, statement: str) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 1)))
    with pytest.raises(psycopg.errors.IntegrityError):
        await do(database, statement)


async def test_updated_at_is_maintained_and_a_line_outlives_its_product(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 1)))
    before = await ask(database, "SELECT updated_at FROM products WHERE sku = 'A'")
    await do(database, "UPDATE products SET name = 'New' WHERE sku = 'A'")
    assert (await ask(database, "SELECT updated_at FROM products WHERE sku = 'A'"))[0] > before[0]

    await do(database, "DELETE FROM products WHERE sku = 'A'")
    assert await ask(database, "SELECT sku, name, product_id FROM order_items") == [("A", "Wireless Headphones", None)]
