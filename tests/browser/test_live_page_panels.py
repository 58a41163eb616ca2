"""The shop's and the network's panels, answered as their contracts say: their databases are tested elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
import pytest
from playwright.async_api import Page, Route, expect

from commerce.reads.inventory import Advice, Inventory
from commerce.reads.performance import Performance, Product
from commerce.reads.segments import Segment, Segments
from social.model import Trend
from social.reads.trending import Trending
from tests.browser.chromium import Complaints
from tests.browser.live_page import LivePage
from tests.browser.sites import OnSite

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
S = TypeVar("S", bound=msgspec.Struct)
PROBLEM = {"code": "shop_unavailable", "message": "the shop's database does not answer"}


def made(struct: type[S], **known: object) -> S:
    """A struct with the fields that matter."""
    return struct(**{name: known.get(name) for name in struct.__struct_fields__})


SEGMENTS = Segments(
    as_of=AT, method="thresholds", currency="EUR",
    segments=[
        made(Segment, name="vip", customers=12, revenue="48210.50", share_of_revenue=0.61),
        made(Segment, name="prospect", customers=0, revenue="0.00"),
    ],
    total=made(Segment),
)  # fmt: skip
PERFORMANCE = Performance(
    as_of=AT, days=30, currency="EUR", next_cursor=None,
    products=[made(Product, name="Headphones </b><i>", units=1_204, net="120400.00", margin=0.415)],
)  # fmt: skip
INVENTORY = Inventory(
    as_of=AT, next_cursor=None,
    variants=[
        made(Advice, product="Cable", variant="2 m", available_now=-3, days_of_cover=0.4, suggested_quantity=250),
    ],
)  # fmt: skip
TRENDING = Trending(
    as_of=AT, hours=24,
    hashtags=[made(Trend, hashtag="launch", user_count=320, expected_users=12, post_count=410)],
)  # fmt: skip


async def answered(page: Page, answers: Mapping[str, tuple[int, object]]) -> None:
    async def answer(route: Route) -> None:
        path = route.request.url.partition("/v1/")[2].partition("?")[0]
        status, body = answers[path]
        await route.fulfill(status=status, body=msgspec.json.encode(body), content_type="application/json")

    await page.route("**/v1/commerce/**", answer)
    await page.route("**/v1/social/**", answer)


async def test_customers_products_stock_and_tags_are_shown(page: Page, site: OnSite, complaints: Complaints) -> None:
    await answered(page, {
        "commerce/segments": (200, SEGMENTS),
        "commerce/products/performance": (200, PERFORMANCE),
        "commerce/variants/low-stock": (200, INVENTORY),
        "social/trending": (200, TRENDING),
    })  # fmt: skip
    await LivePage(page, site).open(complaints)
    rows = {
        "Customers": ["VIP", "12", "€48,210.50", "61%"],
        "Products, 30 days": ["Headphones </b><i>", "1,204", "€120,400.00", "42%"],
        "To reorder": ["Cable, 2 m", "-3", "0", "250"],
        "Trending tags, 24 hours": ["#launch", "320", "12", "410"],
    }
    for name, cells in rows.items():
        panel = page.get_by_role("region", name=name, exact=True)
        await expect(panel.locator("tbody tr")).to_have_count(1)
        assert await panel.locator("tbody tr > *").all_inner_texts() == cells
        await expect(panel).to_contain_text("as of 18:00")  # on the site's clock


async def test_a_panel_that_is_not_answered_says_so(page: Page, site: OnSite, complaints: Complaints) -> None:
    complaints.allow("503 .*v1/commerce/")
    await answered(page, {
        "commerce/segments": (503, PROBLEM),
        "commerce/products/performance": (404, {}),
        "commerce/variants/low-stock": (404, {}),
        "social/trending": (404, {}),
    })  # fmt: skip
    await LivePage(page, site).open(complaints)
    panel = page.get_by_role("region", name="Customers")
    await expect(panel).to_contain_text("Not to be had now: the shop's database does not answer.")
    await expect(page.locator("#more > *")).to_have_count(1)


async def test_without_either_there_are_no_panels(page: Page, site: OnSite, complaints: Complaints) -> None:
    async with page.expect_response("**/v1/social/trending**"):
        await LivePage(page, site).open(complaints)
    await expect(page.locator("#more")).to_be_hidden()
