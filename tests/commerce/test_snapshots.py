"""How snapshots are rebuilt: what is carried forward from an earlier rebuild, and who rebuilds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

import pytest
from psycopg import AsyncConnection

from commerce import snapshots
from commerce.booking import LOCK
from commerce.database import Database
from tests.commerce.shop import NOW, ago, ask, do, furnish, project, purchase, refund, tables

PERFORMANCE: Final = tuple(chain for chain in snapshots.CHAINS if chain[0].days)
TABLES: Final = tuple(chain[0].name for chain in PERFORMANCE)


async def performance(database: Database, now: datetime) -> dict[str, list[tuple[Any, ...]]]:
    await snapshots.rebuild(database, now, chains=PERFORMANCE)
    return await tables(database, TABLES)


async def summed_at(database: Database) -> set[datetime]:
    return {at for (at,) in await ask(database, "SELECT as_of FROM sales_positions")}


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_carried_forward_is_what_reading_all_lines_gives(database: Database, seed: int) -> None:
    """Orders come early, late, and dated ahead; some are voided; the windows move on past what they held."""
    random = Random(seed)
    await furnish(database)
    await do(database, "INSERT INTO product_views VALUES (1, '2026-06-28', 70), (2, '2026-04-20', 9)")
    numbers: list[str] = []
    now = NOW
    for step in range(5):
        for _ in range(random.randint(1, 12)):
            number = f"{step}-{len(numbers)}"
            edge = random.choice([0, 0, 30, 90, 365])
            at = now - timedelta(days=edge, hours=random.uniform(-15, 40))
            yen = random.random() < 0.2
            lines = [("C", random.randint(1, 9))] if yen else [
                (sku, random.randint(1, 9), f"{random.choice(['0', '1.25'])}") for sku in random.sample("ABC", 2)
            ]  # fmt: skip
            currency = "JPY" if yen else "USD"
            assert await project(database, purchase(number, *lines, at=at, currency=currency)) == []
            numbers.append(number)
        for number in random.sample(numbers, min(2, len(numbers))):
            if random.random() < 0.5:
                await do(database, "UPDATE orders SET financial_status = 'voided' WHERE number = %s", number)
            else:
                await project(database, refund(f"R{step}-{number}", number, at=now))
        carried = await performance(database, now)
        assert step not in (1, 2) or await summed_at(database) == {NOW}  # within a day: nothing was read again
        await do(database, "DELETE FROM sales_positions")
        assert await performance(database, now) == carried
        if step < 2:  # back to sums of the first time, as they were when they were made
            await do(database, "DELETE FROM sales_positions")
            await performance(database, NOW)
        now += timedelta(hours=random.uniform(2, 11))


async def test_a_product_whose_last_line_leaves_the_window_is_in_it_no_longer(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 1), at=ago(30) + timedelta(hours=1)))
    found = await performance(database, NOW)
    assert [len(found[name]) for name in TABLES] == [1, 1, 1]
    found = await performance(database, NOW + timedelta(hours=2))
    assert {name: len(rows) for name, rows in found.items()} == {
        "product_performance_30": 0, "product_performance_90": 1, "product_performance_365": 1,
    }  # fmt: skip
    assert await summed_at(database) == {NOW}


async def test_sums_are_made_anew_after_a_day_after_many_lines_and_when_the_clock_was_put_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 1), at=ago(1)))
    await performance(database, NOW)
    later = NOW + timedelta(hours=23)
    await performance(database, later)
    assert await summed_at(database) == {NOW}
    await performance(database, NOW + timedelta(days=1))
    assert await summed_at(database) == {NOW + timedelta(days=1)}
    await performance(database, later)
    assert await summed_at(database) == {later}
    monkeypatch.setattr(snapshots, "MOST_LINES", 1)
    await project(database, purchase("2", ("A", 1)), purchase("3", ("B", 1)))
    now = later + timedelta(hours=1)
    await performance(database, now)
    assert await summed_at(database) == {now}


async def test_lines_that_are_deleted_are_no_longer_counted(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 1)), purchase("2", ("A", 2), ("B", 1)))
    await performance(database, NOW)
    await do(database, "DELETE FROM orders WHERE number = '2'")
    await performance(database, NOW + timedelta(minutes=5))
    found = await ask(database, "SELECT product_id, units FROM product_performance_30")
    assert found == [(1, 1)]
    await do(database, "DELETE FROM products WHERE sku = 'A'")  # its lines stay, without a product
    await performance(database, NOW + timedelta(minutes=10))
    assert await ask(database, "SELECT product_id, units FROM product_performance_30") == []


@asynccontextmanager
async def holding(database: Database, *key: int) -> AsyncIterator[None]:
    """An advisory lock, held by another process as it were."""
    async with await AsyncConnection.connect(database.url) as connection:
        names = ", ".join(["%s"] * len(key))
        await connection.execute(f"SELECT pg_advisory_xact_lock({names})".encode(), key)
        yield


async def test_what_another_process_rebuilds_is_left_to_it(database: Database) -> None:
    await furnish(database)
    segments = next(n for n, chain in enumerate(snapshots.CHAINS) if chain[0].name == "segment_members")
    async with holding(database, snapshots.LOCK, segments):
        taken = await snapshots.rebuild(database, NOW)
    assert set(snapshots.SNAPSHOTS) - set(taken) == {"segment_members", "segment_summary"}
    both = await asyncio.gather(*(snapshots.rebuild(database, NOW + timedelta(minutes=5)) for _ in range(2)))
    assert set().union(*both) == set(snapshots.SNAPSHOTS)


async def test_a_rebuild_waits_for_no_booking_and_no_booking_for_it(database: Database) -> None:
    await furnish(database)
    async with holding(database, LOCK):
        assert set(await snapshots.rebuild(database, NOW)) == set(snapshots.SNAPSHOTS)


async def test_what_ends_one_chain_is_raised_as_itself(database: Database) -> None:
    await furnish(database)
    await do(database, "ALTER TABLE product_sales_90 RENAME TO elsewhere")
    try:
        with pytest.raises(Exception, match="product_sales_90") as raised:
            await snapshots.rebuild(database, NOW)
        assert not isinstance(raised.value, ExceptionGroup)
    finally:
        await do(database, "ALTER TABLE elsewhere RENAME TO product_sales_90")
