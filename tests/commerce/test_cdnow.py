"""Real purchases: what the shop says of them agrees with a count of the file that knows nothing of the shop."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import pytest
import pytest_asyncio
from msgspec import Struct

from commerce import catalogue, snapshots
from commerce.catalogue import Price, Product, Variant
from commerce.check import run_check
from commerce.database import Database
from commerce.history import import_orders, paid_line
from commerce.order import Order
from commerce.reads import segments
from commerce.reads.sales import PARAMETERS, sales
from store.parameters import Asked

FILE: Final = Path(__file__).parents[3] / "shared" / "data" / "cdnow.txt.gz"
NOW: Final = datetime(1998, 7, 1, tzinfo=UTC)
LAST: Final = 365  # days without an order after which a customer is dormant

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"no {FILE.name} in ../shared/data")


class Purchase(Struct, frozen=True):
    customer: str
    at: datetime
    units: int
    cents: int


def purchases() -> list[Purchase]:
    with gzip.open(FILE, "rt") as file:
        next(file)
        found = [line.split() for line in file]
    return [
        Purchase(
            customer, datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC), int(units), int(value.replace(".", ""))
        )
        for customer, day, units, value in found
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(fresh: Any, template: str) -> AsyncIterator[Database]:
    async with fresh(template) as url, Database(url) as database:
        disc = Variant("CD", (Price("USD", 1500),), track_inventory=False)
        await catalogue.put_products(database, [Product("CD", "cd", "Compact Disc", (disc,))])
        orders = [
            Order(f"cdnow-{n}", one.customer, "USD", one.at, (paid_line("CD", one.units, one.cents),), fulfilled=True)
            for n, one in enumerate(purchases())
        ]
        booked = await import_orders(database, orders)
        assert (booked.orders, booked.refused_orders) == (len(orders), {})
        again = await import_orders(database, orders[:2_000])
        assert again.orders == 0
        await snapshots.rebuild(database, NOW)
        yield database


def by_customer() -> dict[str, list[Purchase]]:
    found = defaultdict(list)
    for one in purchases():
        found[one.customer].append(one)
    return found


def text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


async def test_sums_of_the_file(shop: Database) -> None:
    file = purchases()
    assert (len(file), len({one.customer for one in file})) == (69_659, 23_570)
    assert (await run_check(shop)).sound
    total = (await segments.segments(shop, Asked("segments", segments.PARAMETERS, {}, "USD"))).total
    assert total.orders == len(file)
    assert total.revenue == text(sum(one.cents for one in file))
    repeat = sum(len(orders) > 1 for orders in by_customer().values())
    assert total.repeat_rate == round(repeat / 23_570, 4)


async def test_revenue_by_month(shop: Database) -> None:
    cents: Counter[str] = Counter()
    orders: Counter[str] = Counter()
    buyers = defaultdict(set)
    for one in purchases():
        month = f"{one.at:%Y-%m}"
        cents[month] += one.cents
        orders[month] += 1
        buyers[month].add(one.customer)
    first = Counter(f"{min(one.at for one in theirs):%Y-%m}" for theirs in by_customer().values())
    answer = await sales(shop, Asked("sales", PARAMETERS, {}, "USD"))
    assert [(m.month, m.orders, m.customers, m.new_customers, m.revenue) for m in answer.months] == [
        (month, orders[month], len(buyers[month]), first[month], text(cents[month])) for month in sorted(cents)
    ]
    assert len(answer.months) == 18


async def test_segments(shop: Database) -> None:
    want: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    for theirs in by_customer().values():
        spent, orders = sum(one.cents for one in theirs), len(theirs)
        days = (NOW - max(one.at for one in theirs)).days
        if days > LAST:
            name = "dormant"
        elif spent > 100_000 and orders > 10:
            name = "vip"
        elif spent > 50_000 and orders > 5:
            name = "premium"
        elif spent > 10_000 or orders > 2:
            name = "regular"
        else:
            name = "new"
        want[name].append((orders, spent, days))
    answer = await segments.segments(shop, Asked("segments", segments.PARAMETERS, {}, "USD"))
    for found in answer.segments:
        rows = want[found.name]
        assert (found.customers, found.orders) == (len(rows), sum(row[0] for row in rows))
        assert found.revenue == text(sum(row[1] for row in rows))
        assert found.median_days_since_last_order == (median(row[2] for row in rows) if rows else None)
        assert found.repeat_rate == (round(sum(row[0] > 1 for row in rows) / len(rows), 4) if rows else None)


def cuts(values: list[int]) -> list[int]:
    """percentile_disc: the first value at or after the fraction of the sorted ones."""
    values = sorted(values)
    return [values[-(-len(values) * fifth // 5) - 1] for fifth in range(1, 5)]


def score(value: int, at: list[int]) -> int:
    return 1 + sum(value > cut for cut in at)


async def test_rfm_groups(shop: Database) -> None:
    customers = [
        (-(NOW - max(one.at for one in theirs)).days, len(theirs), sum(one.cents for one in theirs))
        for theirs in by_customer().values()
    ]
    by = [cuts([customer[n] for customer in customers]) for n in range(3)]
    want: Counter[str] = Counter()
    for customer in customers:
        r, f, m = (score(customer[n], by[n]) for n in range(3))
        high, some = (f + m + 1) // 2 >= 4, (f + m + 1) // 2 >= 2
        if r >= 4:
            want["champions" if high else "potential_loyal" if some else "newcomers"] += 1
        elif r == 3:
            want["loyal" if high else "need_attention" if some else "about_to_sleep"] += 1
        else:
            want["at_risk" if high else "hibernating" if some else "lost"] += 1
    answer = await segments.segments(shop, Asked("segments", segments.PARAMETERS, {"method": "rfm"}, "USD"))
    assert {group.name: group.customers for group in answer.segments if group.customers} == dict(want)
