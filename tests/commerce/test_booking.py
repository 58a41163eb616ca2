"""Orders and refunds, with every consequence worked out by hand; and nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from commerce import catalogue
from commerce.booking import rounds
from commerce.catalogue import Move
from commerce.database import Database
from commerce.order import Refund
from tests.commerce.shop import (
    NOW,
    ago,
    ask,
    do,
    entry,
    furnish,
    product,
    project,
    purchase,
    refund,
    stocked,
    tables,
)

CHANGED = (
    "customers", "orders", "order_items", "refunds", "refund_lines", "stock", "inventory_transactions",
    "customer_stats",
)  # fmt: skip


async def shelf(database: Database) -> dict[str, tuple[int, int]]:
    """SKU -> (available, committed)."""
    found = await ask(
        database,
        """
        SELECT sku, available, committed FROM stock JOIN product_variants ON id = variant_id""",
    )
    return {sku: (available, committed) for sku, available, committed in found}


async def stats(database: Database) -> list[tuple[Any, ...]]:
    return await ask(
        database,
        """
        SELECT external_id, customer_stats.currency, orders, spent, refunded, first_order_at, last_order_at
        FROM customer_stats JOIN customers ON id = customer_id ORDER BY 1, 2""",
    )


async def test_an_order_and_all_that_follows_from_it(database: Database) -> None:
    await furnish(database)
    bought = purchase("1001", ("A", 2, "1.50"), ("C", 3), shipping="4.00", tax=0.1, at=ago(3))
    assert await project(database, bought, purchase("1002", ("B", 1), fulfilled=True)) == []

    orders = await ask(
        database,
        """
        SELECT number, financial_status, fulfillment_status, subtotal, discount, shipping, tax, total, placed_at
        FROM orders ORDER BY number""",
    )
    assert orders == [
        ("1001", "paid", "unfulfilled", 3500, 150, 400, 10, 3760, ago(3)),
        ("1002", "paid", "fulfilled", 2000, 0, 0, 0, 2000, NOW),
    ]
    lines = await ask(database, "SELECT sku, name, quantity, price, discount, cost FROM order_items ORDER BY sku")
    assert lines == [
        ("A", "Wireless Headphones", 2, 1000, 150, 400),
        ("B", "Loud Speaker", 1, 2000, 0, None),
        ("C", "Odd Sock", 3, 500, 0, 100),
    ]
    assert await shelf(database) == {"A": (98, 2), "B": (99, 0), "C": (97, 3)}
    sales = "SELECT change, at FROM inventory_transactions WHERE kind = 'sale' ORDER BY change"
    assert await ask(database, sales) == [(-3, ago(3)), (-2, ago(3)), (-1, NOW)]
    assert await stats(database) == [("ann", "USD", 2, 5760, 0, ago(3), NOW)]


async def test_a_replay_changes_nothing_not_even_after_the_catalogue_has(database: Database) -> None:
    await furnish(database)
    batch = [purchase("1", ("A", 2)), purchase("2", ("B", 1), customer="bob"), refund("R1", "1", ("A", 1))]
    assert await project(database, *batch, batch[0], batch[2]) == []
    before = await tables(database, CHANGED)
    assert await project(database, *batch) == []
    assert await tables(database, CHANGED) == before

    await do(database, "DELETE FROM variant_prices")
    assert await project(database, *batch) == []


async def test_two_events_of_one_order_are_one_order(database: Database) -> None:
    await furnish(database)
    assert await project(database, purchase("1", ("A", 2)), purchase("1", ("B", 7))) == []
    assert await ask(database, "SELECT sku, quantity FROM order_items") == [("A", 2)]
    assert (await stats(database))[0][:4] == ("ann", "USD", 1, 2000)


async def test_prices_and_costs_are_the_catalogues(database: Database) -> None:
    await furnish(database)
    claimed = {"number": "1", "lines": [{"sku": "A", "quantity": 1, "price": "0.01", "cost": "0.01"}], "total": 0.01}
    assert await project(database, entry("purchase", claimed)) == []
    assert await ask(database, "SELECT total, price, cost FROM orders, order_items") == [(1000, 1000, 400)]


async def test_currencies_stay_apart(database: Database) -> None:
    await furnish(database)
    assert await project(database, purchase("1", ("C", 2)), purchase("2", ("C", 2), currency="JPY")) == []
    assert [row[:4] for row in await stats(database)] == [("ann", "JPY", 1, 1400), ("ann", "USD", 1, 1000)]


async def test_more_than_there_is_goes_below_zero(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 130)))
    assert (await shelf(database))["A"] == (-30, 130)


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (purchase("9", ("X", 1)), "no variant has the SKU X"),
        (purchase("9", ("A", 1), currency="JPY"), "A has no price in the order's currency"),
        (purchase("9", ("A", 1, "10.01")), "the discount of A is more than its price"),
        (purchase("9", ("A", 1), location="mars"), "no location has the code mars"),
        (purchase("9"), "order.lines: must not be empty"),
        (purchase("9", ("A", 0)), "order.lines.quantity: must be 1 to 1000000"),
        (purchase("", ("A", 1)), "order.number: must be 1 to 100 printable characters"),
        (purchase("9\0", ("A", 1)), "order.number: must be 1 to 100 printable characters"),
        (purchase("9", ("A", 1), currency="dollars"), "order.currency: must be an ISO 4217 code such as USD"),
        (purchase("9", ("A", 1), shipping="-1"), "order.shipping: must be from 0 to"),
        (purchase("9", ("A", 1), tax="0.001"), "order.tax: must have at most 2 digits"),
        (purchase("9", ("A", 1), placed_at="2026-01-01T00:00:00"), "order.placed_at: must say its offset"),
        (entry("purchase", {"lines": []}), "properties: Object missing required field `number`"),
        (entry("purchase", {"number": "9", "lines": [{"sku": "A"}]}, trusted="0"), "not sent with a server key"),
        (refund("R", "1", ("X", 1)), "X is not in the order"),
        (refund("R", "1", ("A", 3)), "only 2 of A are left to refund"),
        (refund("R", "1", other="1.01"), "order.other: is more than is left"),
        (entry("refund", {"number": "1", "refund": "R", "lines": [{"sku": "A", "amount": "20.01"}]}), "more than was"),
        (entry("refund", {"number": "1", "refund": "R", "other": 1, "currency": "EUR"}), "refund is in EUR, the order"),
        (entry("refund", {"number": "1"}), "order.refund: required"),
        (refund("R", "1", ("A", 0)), "A gives back neither goods nor money"),
    ],
)
async def test_an_order_that_can_never_be_spoils_no_other(database: Database, order: Any, reason: str) -> None:
    await furnish(database)
    (found,) = await project(database, purchase("1", ("A", 2), shipping="1.00"), order, purchase("2", ("A", 1)))
    assert reason in found
    assert await ask(database, "SELECT number FROM orders ORDER BY 1") == [("1",), ("2",)]
    assert await ask(database, "SELECT count(*) FROM refunds") == [(0,)]


async def test_a_value_that_no_column_holds_is_found_among_its_batch(database: Database) -> None:
    await furnish(database)
    far = purchase("9", ("A", 1), at=ago(1), placed_at="0001-01-01T00:00:00+00:00")
    huge = purchase("8", *((f"A{n}", 1) for n in range(3)))
    reasons = await project(database, purchase("1", ("A", 1)), huge, far, purchase("2", ("A", 1)))
    assert len(reasons) == 1
    assert [row[0] for row in await ask(database, "SELECT number FROM orders ORDER BY 1")] == ["1", "2", "9"]


@pytest.mark.parametrize(
    "passed",
    [
        entry("purchase", {"number": "9", "lines": [{"sku": "A"}]}, site="other"),
        entry("signup", {"number": "9", "lines": [{"sku": "A"}]}),
        entry("purchase", None),
        entry("purchase", 1, properties='{"cart": 7}'),
    ],
)
async def test_what_is_none_of_the_shops_business_is_passed_over(database: Database, passed: Any) -> None:
    await furnish(database)
    assert await project(database, passed) == []
    assert await ask(database, "SELECT count(*) FROM orders") == [(0,)]


async def test_refunds_over_time(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 3, "0.01"), ("B", 1), shipping="5.00", at=ago(9)))  # 29.99 + 20 + 5
    assert await shelf(database) == {"A": (97, 3), "B": (99, 1), "C": (100, 0)}

    # A third of 29.99 is 9.9966: rounded to 10.00; the rest goes with what is left.
    assert await project(database, refund("R1", "1", ("A", 1), at=ago(8))) == []
    assert await ask(database, "SELECT amount, other FROM refunds") == [(1000, 0)]
    assert await ask(database, "SELECT financial_status, refunded FROM orders") == [("partially_refunded", 1000)]
    assert (await shelf(database))["A"] == (98, 2)

    money = entry("refund", {"number": "1", "refund": "R2", "lines": [{"sku": "B", "quantity": 0, "amount": "3.00"}]})
    assert await project(database, money, refund("R3", "1", ("A", 1), restock=False)) == []
    assert await ask(database, "SELECT number, amount FROM refunds ORDER BY 1") == [
        ("R1", 1000), ("R2", 300), ("R3", 1000),
    ]  # fmt: skip
    assert await shelf(database) == {"A": (98, 1), "B": (99, 1), "C": (100, 0)}

    assert await project(database, refund("R4", "1")) == []  # all that is left
    assert await ask(database, "SELECT amount, other FROM refunds WHERE number = 'R4'") == [(999 + 1700 + 500, 500)]
    assert await ask(database, "SELECT financial_status, refunded, total FROM orders") == [("refunded", 5499, 5499)]
    assert await shelf(database) == {"A": (99, 0), "B": (100, 0), "C": (100, 0)}
    assert (await stats(database))[0][2:5] == (1, 5499, 5499)
    assert await project(database, refund("R5", "1")) == ["nothing is left to refund"]


async def test_a_refund_that_comes_before_its_order_waits_for_it(database: Database) -> None:
    await furnish(database)
    early = [refund("R1", "1", ("A", 1)), refund("R2", "1", ("A", 5))]
    assert await project(database, *early) == []
    assert await project(database, *early) == []
    assert await ask(database, "SELECT number FROM waiting_refunds ORDER BY 1") == [("R1",), ("R2",)]
    assert await project(database, purchase("1", ("A", 2))) == []
    assert await ask(database, "SELECT number, amount FROM refunds") == [("R1", 1000)]
    assert await ask(database, "SELECT number, reason FROM waiting_refunds") == [
        ("R2", "only 1 of A are left to refund")
    ]


async def test_an_email_belongs_to_whoever_had_it_first(database: Database) -> None:
    await furnish(database)
    for number, (id_, email) in enumerate([("ann", " Ann@X.org "), ("bob", "ann@x.org"), ("eve", "no address")]):
        order = {"number": str(number), "customer": {"id": id_, "email": email}, "lines": [{"sku": "A"}]}
        assert await project(database, entry("purchase", order)) == []
    assert await ask(database, "SELECT external_id, email FROM customers ORDER BY 1") == [
        ("ann", "ann@x.org"), ("bob", None), ("eve", None),
    ]  # fmt: skip


async def test_what_is_not_tracked_has_no_stock(database: Database) -> None:
    await stocked(database, product("E", track_inventory=False), quantity=0)
    await project(database, purchase("1", ("E", 5)), refund("R", "1"))
    assert await ask(database, "SELECT count(*) FROM inventory_transactions") == [(0,)]
    assert await ask(database, "SELECT refunded FROM orders") == [(5000,)]


async def test_stock_is_moved_once_by_its_reference(database: Database) -> None:
    await furnish(database)
    await catalogue.put_location(database, "east", "East")
    for _ in range(2):
        await catalogue.announce(database, "PO-1", [Move("A", "main", 40, NOW)])
        await catalogue.transfer(database, "T-1", "main", "east", [Move("A", "", 30, NOW)])
        await catalogue.adjust(database, "count-1", "broken", [Move("A", "east", -4, NOW)])
    per_location = "SELECT code, available FROM stock JOIN locations ON id = location_id JOIN product_variants v"
    per_location += " ON v.id = variant_id WHERE sku = 'A' ORDER BY 1"
    assert await ask(database, per_location) == [("east", 26), ("main", 70)]
    assert await ask(database, "SELECT sum(change) FROM inventory_transactions WHERE kind = 'transfer'") == [(0,)]

    await catalogue.receive(database, "PO-1", [Move("A", "main", 40, NOW)])
    assert await ask(database, per_location) == [("east", 26), ("main", 110)]
    assert await ask(database, "SELECT received_at IS NOT NULL FROM incoming_stock") == [(True,)]


async def test_shipping_lets_go_of_what_was_committed(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 5)), refund("R", "1", ("A", 2)))
    assert (await shelf(database))["A"] == (97, 3)
    assert await catalogue.fulfil(database, ["1"]) == 1
    assert await catalogue.fulfil(database, ["1"]) == 0
    assert (await shelf(database))["A"] == (97, 0)


def test_an_orders_refunds_keep_their_order() -> None:
    def made(number: int, order: str) -> Refund:
        return Refund(str(number), order, NOW)

    found = rounds([made(1, "a"), made(2, "b"), made(3, "a"), made(4, "a"), made(5, "b")])
    assert [[refund.number for refund in those] for those in found] == [["1", "2"], ["3", "5"], ["4"]]


async def test_foreign_keys_are_not_planned_anew_for_each_row(database: Database) -> None:
    """They are checked by plans of their own, which the setting that reads go by would have made for every line."""
    await do(
        database,
        """
        CREATE FUNCTION refuse_custom_plans() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            ASSERT current_setting('plan_cache_mode') = 'auto';
            RETURN NEW;
        END $$""",
    )
    await do(database, "CREATE TRIGGER plans BEFORE INSERT ON order_items EXECUTE FUNCTION refuse_custom_plans()")
    try:
        await furnish(database)
        assert await project(database, purchase("1", ("A", 1))) == []
    finally:
        await do(database, "DROP FUNCTION refuse_custom_plans CASCADE")
