"""Drift is found, named and put right; what is only on its way is no drift."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from commerce.check import run_check
from commerce.database import Database
from commerce.metrics import Metrics
from commerce.projector import GROUP
from store import consumer as consuming
from store.consumer import Consumer, StreamEntry
from tests.commerce.shop import SITE, ask, do, furnish, project, projector, purchase, refund, tables
from tests.waiting import cancelled

STREAM = "{p0}:conversions"


async def checked(database: Database, redis: Any = None, **options: Any) -> dict[str, tuple[int, tuple[str, ...]]]:
    report = await run_check(database, redis, site=SITE, **options)
    return {drift.check: (drift.rows, drift.examples) for drift in report.drifts if drift.rows}


async def shop(database: Database) -> None:
    await furnish(database)
    await project(
        database, purchase("1", ("A", 2), ("B", 1)), purchase("2", ("C", 3), customer="bob", fulfilled=True),
        refund("R", "1", ("A", 1)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("damage", "check", "example"),
    [
        ("UPDATE stock SET available = 7 WHERE variant_id = 1", "stock", "A at main: available 7, the ledger says 99"),
        ("DELETE FROM stock WHERE variant_id = 3", "stock", "C at main: available 0, the ledger says 97"),
        (
            "DELETE FROM inventory_transactions WHERE variant_id = 3", "stock",
            "C at main: available 97, the ledger says 0",
        ),
        (
            "UPDATE stock SET committed = 0 WHERE variant_id = 2", "committed",
            "B at main: committed 0, the orders say 1",
        ),
        (
            "UPDATE orders SET refunded = 0 WHERE number = '1'", "orders",
            "order 1: subtotal 4000, discount 0, refunded 0; its lines and refunds say 4000, 0, 1000",
        ),
        (
            "UPDATE customer_stats SET spent = 9999 WHERE customer_id = 1", "customers",
            "customer ann in USD: 1 orders, spent 9999, refunded 1000; the orders say 1, 4000, 1000",
        ),
        (
            "DELETE FROM customer_stats WHERE customer_id = 2", "customers",
            "customer bob in USD:  orders, spent , refunded ; the orders say 1, 1500, 0",
        ),
        (
            "INSERT INTO customer_stats VALUES (2, 'EUR', 1, 5, 0, now(), now())", "customers",
            "customer bob in EUR: 1 orders, spent 5, refunded 0; the orders say , , ",
        ),
    ],
)  # fmt: skip
async def test_drift_is_found_and_repaired(database: Database, damage: str, check: str, example: str) -> None:
    await shop(database)
    assert await checked(database) == {}
    before = await tables(database, ("orders", "stock", "customer_stats"))
    await do(database, damage)
    found = await checked(database)
    assert found[check] == (1, (example,))
    report = await run_check(database, repair=True)
    assert report.sound
    assert await checked(database) == {}
    if "inventory_transactions" not in damage:  # there the ledger is what is believed
        after = await tables(database, ("stock", "customer_stats"))
        assert after == {name: before[name] for name in after}


async def fill(redis: Any, *entries: StreamEntry) -> None:
    for entry in entries:
        await redis.xadd(STREAM, dict(entry.fields))


async def drain(redis: Any, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming, "BLOCK_MS", 20)
    consumer = Consumer(redis, 0, "conversions", GROUP, "one")
    task = asyncio.create_task(consumer.run(projector(database).apply))
    async with asyncio.timeout(20):
        while await consumer.lag() or not await redis.xinfo_groups(STREAM):
            await asyncio.sleep(0.02)
    await cancelled(task)


async def test_what_the_stream_has_and_the_shop_lost_is_booked_again(
    database: Database, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await furnish(database)
    await fill(redis, purchase("1", ("A", 2)), purchase("2", ("B", 1)), refund("R", "1", ("A", 1)), purchase("X"))
    assert await checked(database, redis) == {}  # nobody was given them yet
    await drain(redis, database, monkeypatch)
    await fill(redis, purchase("3", ("A", 2)))
    assert await checked(database, redis) == {}

    await do(database, "DELETE FROM inventory_transactions WHERE kind <> 'receipt'")
    await do(database, "DELETE FROM orders WHERE number = '1'")
    assert (await checked(database, redis))["stream"] == (2, ("order 1", "refund R"))
    await run_check(database, redis, site=SITE, repair=True)
    assert await ask(database, "SELECT number, refunded FROM orders ORDER BY 1") == [("1", 1000), ("2", 0)]
    assert "stream" not in await checked(database, redis)


async def test_a_refund_that_waits_in_vain_is_named_and_the_gauge_says_so(database: Database) -> None:
    await furnish(database)
    await project(database, refund("R", "nothing", ("A", 1)))
    assert await checked(database) == {}
    await do(database, "UPDATE waiting_refunds SET since = now() - interval '25 hours'")
    registry = CollectorRegistry()
    report = await run_check(database, repair=True, metrics=Metrics(registry))
    assert not report.sound
    assert report.drifts[-1].examples == ("refund R of order nothing: the order has not come",)
    assert registry.get_sample_value("hitstream_commerce_drift", {"check": "waiting"}) == 1
    assert registry.get_sample_value("hitstream_commerce_drift", {"check": "stock"}) == 0
