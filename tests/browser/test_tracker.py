"""What somebody does in a browser is counted, each thing once, whatever they go through."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.async_api import Browser, Error, Page, expect

from tests.browser.chromium import ARGUMENTS, Complaints, executable
from tests.browser.live_page import LivePage
from tests.browser.shop import Shop, without_cookies
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHOWN_MS = 20_000  # the page takes a second; a loaded machine may take longer
FAILING = "Failed to load resource|ERR_|blocked by CORS"


async def browse(page: Page, shop: Shop) -> None:
    """In, to a product, back, to another, into the basket, and the order."""
    await page.goto(shop.url)
    await buy(page)


async def buy(page: Page) -> None:
    await follow(page, "text=Fog bowl", "fog-bowl")
    await page.go_back()
    await follow(page, "text=Morning pot", "morning-pot")
    await page.click("text=Add to basket")
    await follow(page, "header >> text=Basket", "basket")
    await follow(page, "text=To the checkout", "checkout")
    await follow(page, "button:text('Order')", "thanks")


async def follow(page: Page, selector: str, to: str) -> None:
    await page.click(selector)
    await page.wait_for_url(f"**/{to}")


BROWSED_PAGES = {
    "/demo/": 2,
    "/demo/products/fog-bowl": 1,
    "/demo/products/morning-pot": 1,
    "/demo/basket": 1,
    "/demo/checkout": 1,
    "/demo/thanks": 1,
}
BROWSED_EVENTS = {"view_product": 2, "add_to_basket": 1}


async def counted(shop: Shop) -> tuple[dict[str, int], dict[str, int], str, int]:
    """Views by path, the shop's own events, revenue, and views in the stream."""
    numbers = await shop.numbers()
    pages = {key.removeprefix(shop.origin): count for key, count in (await shop.top("pages")).items()}
    events = {key: count for key, count in (await shop.top("events")).items() if "basket" in key or "product" in key}
    return pages, events, numbers["conversions"]["value"].get("EUR", ""), numbers["page_views"]["today"]


async def was_browsed_once(shop: Shop) -> bool:
    return await counted(shop) == (BROWSED_PAGES, BROWSED_EVENTS, "64.00", sum(BROWSED_PAGES.values()))


async def test_a_visit(shop: Shop, page: Page, complaints: Complaints) -> None:
    """Somebody else watches it arrive."""
    live = await LivePage(await page.context.new_page(), shop.site).open(complaints)
    await browse(page, shop)
    await expect(live.figure("revenue")).to_have_text("€64.00", timeout=SHOWN_MS)
    await expect(live.figure("conversions")).to_have_text("1", timeout=SHOWN_MS)
    await expect(live.figure("page_views")).to_have_text("7", timeout=SHOWN_MS)
    await until(lambda: was_browsed_once(shop))
    await without_cookies(page)  # and the live page has none either
    assert not any(request.cookies for request in shop.gate.received)
    assert (await shop.numbers())["unique_metrics"]["visitors"] == 1
    await until(lambda: nothing_waits(page))


async def nothing_waits(page: Page) -> bool:
    return bool(await page.evaluate("Object.keys(localStorage).length") == 0)


async def test_a_visit_while_the_server_refuses(shop: Shop, page: Page, complaints: Complaints) -> None:
    """What it refuses waits for it, over all pages, and is asked about no sooner than it says."""
    complaints.allow(FAILING)
    await page.goto(shop.url)
    await until(lambda: shop.gate.sent(type="page_view"))
    shop.gate.refuse = (503, "3600")
    await page.evaluate("hitstream.event('refused')")

    def refused() -> int:
        return len([request for request in shop.gate.received if request.status == 503 and not request.beacon])

    await until(refused)
    await buy(page)
    assert refused() == 1
    shop.gate.refuse = None
    await page.evaluate("dispatchEvent(new Event('online'))")  # which ends the wait
    await until(lambda: was_browsed_once(shop))


async def test_a_visit_while_the_server_is_overloaded_now_and_then(
    shop: Shop, page: Page, complaints: Complaints
) -> None:
    complaints.allow(FAILING)
    shop.gate.refuse = (429, "1")
    await browse(page, shop)
    shop.gate.refuse = None
    await until(lambda: was_browsed_once(shop))


async def test_a_visit_without_replies(shop: Shop, page: Page, complaints: Complaints) -> None:
    """The server has each event, the browser does not know it."""
    complaints.allow(FAILING)
    shop.gate.lose_replies = True
    await browse(page, shop)
    shop.gate.lose_replies = False
    await page.evaluate("dispatchEvent(new Event('online'))")
    await until(lambda: nothing_waits(page))
    assert await was_browsed_once(shop)


async def test_pages_are_left_while_a_request_is_under_way(shop: Shop, page: Page, complaints: Complaints) -> None:
    complaints.allow(FAILING)
    shop.gate.hold.clear()
    await browse(page, shop)
    shop.gate.hold.set()
    await until(lambda: was_browsed_once(shop))


async def test_without_a_network(shop: Shop, page: Page, complaints: Complaints) -> None:
    complaints.allow(FAILING)
    await page.goto(f"{shop.origin}/demo/products/fog-bowl")
    await until(lambda: shop.gate.sent(name="view_product"))
    await page.context.set_offline(True)
    for _ in range(3):
        await page.click("text=Add to basket")
    await page.evaluate("hitstream.conversion('signup', {value: 5, currency: 'EUR'})")
    assert not shop.gate.sent(name="add_to_basket")
    waits = await page.evaluate("Object.values(localStorage).map(entry => JSON.parse(entry)[0])")
    assert waits == [0], "the next page would wait though nobody asked for it"
    await page.context.set_offline(False)
    await until(lambda: len(shop.gate.sent(name="add_to_basket")) == 3)
    await until(lambda: nothing_waits(page))
    assert (await shop.top("events"))["add_to_basket"] == 3
    assert await shop.top("conversion_types") == {"signup": 1}


async def test_a_tab_is_closed_without_a_network(shop: Shop, page: Page, complaints: Complaints) -> None:
    """The next page of the site tells what the last could not."""
    complaints.allow(FAILING)
    await page.goto(f"{shop.origin}/demo/products/fog-bowl")
    await until(lambda: shop.gate.sent(name="view_product"))
    again = await page.context.new_page()
    await again.goto(shop.put("/own", tag=""))
    await page.context.set_offline(True)
    await page.click("text=Add to basket")
    # A browser may lose what it was told to store while a tab closed.
    await until(lambda: again.evaluate("JSON.stringify(localStorage).includes('add_to_basket')"))
    async with page.expect_event("close"):
        await page.close(run_before_unload=True)
    await again.context.set_offline(False)
    assert not shop.gate.sent(name="add_to_basket")
    await again.goto(f"{shop.origin}/demo/thanks")
    await until(lambda: shop.gate.sent(name="add_to_basket"))
    assert (await shop.top("events"))["add_to_basket"] == 1


async def test_two_tabs(shop: Shop, page: Page, complaints: Complaints) -> None:
    """What one of them has not told yet the other takes over: both tell it, and it counts once."""
    complaints.allow(FAILING)
    await page.goto(f"{shop.origin}/demo/products/fog-bowl")
    await until(lambda: shop.gate.sent(name="view_product"))
    shop.gate.hold.clear()
    await page.click("text=Add to basket")
    await until(lambda: nothing_new_is_sent(page))
    other = await page.context.new_page()
    await other.goto(f"{shop.origin}/demo/products/linen-cloth")
    shop.gate.hold.set()
    for each in (page, other):
        await until(partial(nothing_waits, each))
    await page.close(run_before_unload=True)
    await other.click("text=Add to basket")
    await until(lambda: len(shop.gate.sent(name="add_to_basket")) == 2)
    assert (await shop.top("events"))["add_to_basket"] == 2
    assert (await shop.numbers())["page_views"]["today"] == 2


async def nothing_new_is_sent(page: Page) -> bool:
    return bool(await page.evaluate("Object.keys(localStorage).length") == 1)


async def test_a_closed_tab_sends_its_last_events_by_beacon(shop: Shop, page: Page) -> None:
    """Even those of its last moment."""
    address = shop.put(
        "/own", "addEventListener('pagehide', () => hitstream.event('farewell'), {capture: true})", tag=""
    )
    shop.pages["/own"] = shop.pages["/own"].replace("</script>", "</script>" + shop.tag(), 1)
    await page.goto(address)
    await until(lambda: shop.gate.sent(type="page_view"))
    await page.close(run_before_unload=True)
    await until(lambda: shop.gate.sent(name="farewell"))
    assert [request.beacon for request in shop.gate.received if "farewell" in str(request.events)] == [True]


async def test_more_than_a_beacon_may_carry(shop: Shop, page: Page) -> None:
    """A browser lets 64 KiB go at once with a page that is left."""
    script = "for (let i = 0; i < 30; i++) hitstream.event('large', {i, text: '€'.repeat(1200)})"
    await page.goto(shop.put("/own", script))
    await page.goto(shop.put("/next"))
    await until(lambda: len(shop.gate.sent(name="large")) == 30)
    assert (await shop.top("events"))["large"] == 30


async def test_a_page_that_is_brought_back_is_viewed_again(browser: Browser, shop: Shop) -> None:
    """As the browser left it, with its scripts where they were. Playwright keeps browsers from that unless asked."""
    async with await browser.browser_type.launch(
        executable_path=executable(), args=list(ARGUMENTS), ignore_default_args=["--disable-back-forward-cache"]
    ) as keeping:
        page = await keeping.new_page()
        await page.goto(shop.url)
        await page.evaluate("window.kept = true")
        await follow(page, "text=Fog bowl", "fog-bowl")
        await page.evaluate("setTimeout(() => history.back())")
        await until(lambda: is_kept(page))
        await follow(page, "text=Fog bowl", "fog-bowl")
        await until(lambda: len(shop.gate.sent(type="page_view")) == 4)
    assert await shop.top("pages") == {shop.url: 2, f"{shop.origin}/demo/products/fog-bowl": 2}
    assert (await shop.numbers())["top_referrers"] == [{"source": "direct", "visits": 1}]


async def is_kept(page: Page) -> bool:
    try:
        return bool(await page.evaluate("window.kept"))
    except Error:  # between two pages
        return False
