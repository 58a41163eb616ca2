"""Views of products are counted by product and day, each entry once, however it is given out."""

from __future__ import annotations

import json

import pytest
from prometheus_client import CollectorRegistry

from commerce.database import Database
from commerce.metrics import Metrics
from commerce.views import Views, ViewStream, path_pattern, read
from store.consumer import StreamEntry
from tests.commerce.shop import SITE, ask, furnish


def views(database: Database, consumer: str = "one", stream: ViewStream = "page_views") -> Views:
    return Views(database, SITE, stream, consumer, Metrics(CollectorRegistry()))


def page(number: int, path: str, day: str = "2026-06-30", site: str = SITE) -> StreamEntry:
    return StreamEntry(f"{number}-0", {"site": site, "page_url": f"https://shop.example{path}", "date": day})


async def counted(database: Database) -> list[tuple[str, str, int]]:
    return await ask(
        database,
        """
        SELECT sku, day::text, views FROM product_views JOIN products ON id = product_id ORDER BY 1, 2""",
    )


async def test_by_product_and_day(database: Database) -> None:
    await furnish(database)
    await views(database).apply([
        page(1, "/products/a"), page(2, "/products/a?utm_source=x"), page(3, "/products/a", "2026-06-29"),
        page(4, "/products/b/"), page(5, "/products/unknown"), page(6, "/about"), page(7, "/products/a", site="other"),
    ])  # fmt: skip
    assert await counted(database) == [("A", "2026-06-29", 1), ("A", "2026-06-30", 2), ("B", "2026-06-30", 1)]


async def test_events_name_a_product_by_sku_or_handle(database: Database) -> None:
    await furnish(database)
    given = [{"sku": "A"}, {"handle": "a"}, {"sku": "nothing"}, {"sku": 7}, {}]
    entries = [
        StreamEntry(f"{n}-0", {"site": SITE, "name": "product_view", "date": "2026-06-30", "properties": json.dumps(p)})
        for n, p in enumerate(given)
    ]
    entries.append(StreamEntry("9-0", {**entries[0].fields, "name": "other"}))
    await views(database, stream="user_events").apply(entries)
    assert await counted(database) == [("A", "2026-06-30", 2)]


async def test_an_entry_given_again_counts_once_whole_or_in_pieces_or_to_another(database: Database) -> None:
    await furnish(database)
    batch = [page(n, "/products/a") for n in range(10)]
    await views(database).apply(batch)
    await views(database).apply(batch)
    for n in range(10):  # a restart with a smaller batch
        await views(database).apply(batch[n : n + 1])
    await views(database, "two").apply(batch[5:])  # claimed
    assert await counted(database) == [("A", "2026-06-30", 10)]

    await views(database).apply([page(10, "/products/a")])
    assert await counted(database) == [("A", "2026-06-30", 11)]
    assert await ask(database, "SELECT entries FROM applied_batches WHERE consumer = 'one'") == [(["10-0"],)]


@pytest.mark.parametrize(
    ("template", "url", "want"),
    [
        ("/products/{handle}", "https://x.org/products/red%20shoe", "red shoe"),
        ("/p/{handle}.html", "https://x.org/p/shoe.html", "shoe"),
        ("/p/{handle}.html", "https://x.org/p/shoe", None),
        ("/products/{handle}", "https://x.org/products/a/reviews", None),
        ("/products/{handle}", "", None),
        ("/products/{handle}", "https://x.org/products/%00", None),
    ],
)
def test_what_a_products_page_is(template: str, url: str, want: str | None) -> None:
    assert read({"page_url": url}, "page_views", path_pattern(template)) == (want, None)


@pytest.mark.parametrize("template", ["/products", "products/{handle}", "/{handle}/{handle}"])
def test_a_template_needs_one_handle(template: str) -> None:
    with pytest.raises(ValueError, match="handle"):
        path_pattern(template)
