"""The live page shows what was sent, at once, and goes on after a break."""

from __future__ import annotations

import re
import socket
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, expect

from tests.browser.chromium import Complaints
from tests.browser.live_page import LivePage
from tests.browser.sites import CURRENCY, ZONE, OnSite
from tests.endtoend.serving import serving
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHOP = "https://shop.example"
ANNOUNCED = """
    globalThis.announced = [];
    addEventListener("DOMContentLoaded", () => {
      const place = document.getElementById("announcement");
      new MutationObserver(() => announced.push(place.textContent)).observe(place, {childList: true});
    });
"""
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"><b>bold</b>"


def view(path: str, user: str = "ann", **fields: Any) -> dict[str, Any]:
    return {"type": "page_view", "page_url": SHOP + path, "user_id": user, **fields}


def sale(user: str, value: str, type_: str = "purchase", **fields: Any) -> dict[str, Any]:
    event = {"type": "conversion", "conversion_type": type_, "user_id": user, "value": value, "currency": CURRENCY}
    return {**event, **fields}


def error(user: str, type_: str, message: str = "") -> dict[str, Any]:
    return {"type": "error", "error_type": type_, "error_message": message, "user_id": user}


async def test_the_numbers_shown_are_the_numbers_sent(page: Page, site: OnSite, complaints: Complaints) -> None:
    await site.send(
        *(view("/pricing", f"u{i}", referrer="https://news.example/item") for i in range(1_200)),
        *(view("/", f"u{i}") for i in range(34)),
        sale("u1", "1250.40"),
        sale("u2", "100.00"),
        sale("u2", "0", "trial"),
        error("u3", "TypeError"),
    )
    live = await LivePage(page, site).open(complaints)
    await expect(live.figure("page_views")).to_have_text("1,234")
    await expect(live.figure("conversions")).to_have_text("3")
    await expect(live.figure("revenue")).to_have_text("€1,350.40")
    await expect(live.figure("error_rate")).to_have_text("0.1%")
    await expect(live.figure("sessions")).to_have_text("1,200")
    await expect(live.figure("bounce_rate")).to_have_text(re.compile(r"^9\d\.\d%$"))
    realtime = await site.ask("/v1/metrics/realtime")
    for name, count in (("visitors", realtime["unique_metrics"]["visitors"]), ("active_now", realtime["active_now"])):
        await expect(live.figure(name)).to_have_text(f"{count:,}")
        await expect(live.tile(name).locator(".quality")).to_have_text("±0.8%")
    await expect(live.board("Pages")).to_have_count(2)
    assert await live.rows("Pages") == [["/pricing", "1,200", "97%"], ["/", "34", "3%"]]
    assert await live.rows("Referrers") == [["news.example", "1,200", "97%"], ["direct", "34", "3%"]]
    assert await live.rows("Users") == [["u1", "€1,250.40", "93%"], ["u2", "€100.00", "7%"]]
    assert await live.rows("Conversions") == [["purchase", "2", "67%"], ["trial", "1", "33%"]]
    assert await live.rows("Errors") == [["TypeError", "1", "100%"]]
    await expect(page.get_by_text("No events of your own yet")).to_be_visible()


async def test_each_figure_is_beside_yesterdays(page: Page, site: OnSite, complaints: Complaints) -> None:
    midnight = datetime.now(ZoneInfo(ZONE)).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = int((midnight - timedelta(days=1)).timestamp() * 1000)
    await site.send(*(view("/", f"y{i}", timestamp=yesterday) for i in range(4)))
    await site.send(*(view("/", f"t{i}") for i in range(6)))

    async def compared() -> Any:
        return (await site.ask("/v1/metrics/comparison"))["metrics"]["page_views"]

    async def counts_yesterday() -> bool:
        return bool((await compared())["yesterday"] == 4)

    await until(counts_yesterday, 70)  # in the first minute of the site's day there was no such time yesterday
    metrics = await compared()
    live = await LivePage(page, site).open(complaints)
    shown = f"{'▲' if metrics['change'] > 0 else '▼'}{metrics['change']:+.1%} from {metrics['yesterday']}"
    await expect(live.tile("page_views").locator(".foot")).to_have_text(shown)


async def test_an_event_appears_within_two_seconds(page: Page, site: OnSite, complaints: Complaints) -> None:
    """In the figures and in the list: that is what the page promises."""
    live = await LivePage(page, site).open(complaints)
    await expect(live.figure("page_views")).to_have_text("0")
    await site.send(view("/just-now", title="Just now"))
    await expect(live.feed.first).to_contain_text("/just-now", timeout=2_000)
    await expect(live.figure("page_views")).to_have_text("1", timeout=2_000)
    await expect(live.feed.first).to_contain_text("Just now")
    await expect(live.board("Pages")).to_have_count(1)  # without being asked for
    assert await live.rows("Pages") == [["/just-now", "1", "100%"]]


async def test_a_fresh_site_is_told_how_to_send(page: Page, site: OnSite, complaints: Complaints) -> None:
    live = await LivePage(page, site).open(complaints)
    await expect(page.get_by_role("heading", name="Waiting for events")).to_be_visible()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl {site.url}/v1/page_view -H 'X-Write-Key: WRITE_KEY'")
    await site.send(view("/"))
    await expect(page.get_by_role("heading", name="Waiting for events")).to_be_hidden()
    await expect(live.figure("page_views")).to_have_text("1")


async def test_it_comes_back_after_the_server_was_gone(page: Page, tmp_path: Path, complaints: Complaints) -> None:
    complaints.allow(r"net::ERR_|Failed to fetch")
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = str(reserved.getsockname()[1])
    async with serving(tmp_path / "data", "--port", port, HITSTREAM_ACK="redis") as server:
        site = OnSite(server.url, "demo", {kind: server.key(kind) for kind in ("server", "read")})
        live = await LivePage(page, site).open(complaints)
        await site.send(view("/before"))
        await expect(live.figure("page_views")).to_have_text("1")
        await server.stop()
        await expect(page.locator("#state-text")).to_have_text("Reconnecting")
        await expect(live.figure("page_views")).to_have_text("1")
        await server.start()
        await site.send(view("/while-nobody-watched"))
        await live.is_live()
        await expect(live.figure("page_views")).to_have_text("2")
        await expect(live.board("Pages")).to_have_count(2)
        await expect(live.feed.filter(has_text="not listed")).to_have_count(1)
        await site.send(view("/after"))
        await expect(live.feed.first).to_contain_text("/after")


async def test_a_funnel_is_drawn_with_rates_and_times(page: Page, site: OnSite, complaints: Complaints) -> None:
    now = time.time_ns() // 1_000_000
    await site.send(*(view("/pricing", f"u{i}", timestamp=now - 600_000) for i in range(8)))
    await site.send(*(sale(f"u{i}", "10.00", timestamp=now - 480_000) for i in range(2)))
    live = await LivePage(page, site).open(complaints)
    await page.get_by_label("Name of step 1").fill(f"{SHOP}/pricing")
    await page.get_by_role("button", name="Add a step").click()
    await expect(page.get_by_label("Name of step 3")).to_be_focused()
    await page.get_by_role("button", name="Remove step 3").click()
    await page.get_by_role("button", name="Draw the funnel").click()
    drawing = page.locator("#funnel-drawing")
    await expect(drawing.locator(".funnel-sum")).to_have_text("2 of 8 users went all the way: 25.0%.")
    steps = drawing.locator(".funnel-bars > li")
    await expect(steps).to_have_count(2)
    await expect(steps.nth(1)).to_contain_text("Conversion purchase")
    facts = await steps.nth(1).locator(".funnel-facts > div").all_inner_texts()
    assert [" ".join(fact.split()) for fact in facts] == [
        "of the step before 25.0%", "of all 25.0%", "left here 6", "median time 2m", "for 90 % of them 2m",
        "worth €20.00", "events 2",
    ]  # fmt: skip
    widths = [
        await each.evaluate("bar => bar.getBoundingClientRect().width")
        for each in await steps.locator(".funnel-bar").all()
    ]
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.01)
    await page.reload()
    await live.is_live()
    await expect(page.get_by_label("Name of step 1")).to_have_value("/pricing")  # as it was left


async def test_what_a_funnel_is_refused_for_is_said(page: Page, site: OnSite, complaints: Complaints) -> None:
    complaints.allow("400 .*v1/funnels")
    await LivePage(page, site).open(complaints)
    await page.get_by_label("Name of step 1").fill("no-slash")
    await page.get_by_role("button", name="Draw the funnel").click()
    await expect(page.locator("#funnel-refusal")).to_contain_text("path must begin with /")


async def test_hostile_texts_stay_texts(page: Page, site: OnSite, complaints: Complaints) -> None:
    live = await LivePage(page, site).open(complaints)
    await site.send(
        view(f"/{HOSTILE}", HOSTILE, title=HOSTILE, referrer=f"https://{HOSTILE}.example/"),
        sale(HOSTILE, "5", HOSTILE[:64]),
        error(HOSTILE, HOSTILE[:64], HOSTILE),
        {"type": "event", "name": HOSTILE[:64], "user_id": HOSTILE},
    )
    await expect(live.feed).to_have_count(4)
    await expect(live.feed.filter(has_text=HOSTILE).first).to_be_visible()
    await expect(live.board("Errors")).to_have_count(1)
    assert (await live.rows("Errors"))[0][0] == HOSTILE[:64]
    assert (await live.rows("Users"))[0][0] == HOSTILE
    await page.get_by_label("Kind of step 1").select_option("event")
    await page.get_by_label("Name of step 1").fill(HOSTILE)
    await page.get_by_role("button", name="Draw the funnel").click()
    await expect(page.locator(".funnel-name b").first).to_have_text(HOSTILE)
    assert await page.locator("main img, main b b, main script").count() == 0
    assert await page.title() == f"{site.name} · Hitstream"


async def test_a_busy_site_does_not_drown_the_page(page: Page, site: OnSite, complaints: Complaints) -> None:
    live = await LivePage(page, site).open(complaints)
    await site.send(*(view(f"/{i}") for i in range(3_000)))
    await expect(live.figure("page_views")).to_have_text("3,000")
    assert await page.locator("#feed > li").count() == 40
    await site.send(view("/last"))
    await expect(live.feed.first).to_contain_text("/last")


async def test_the_list_can_be_held(page: Page, site: OnSite, complaints: Complaints) -> None:
    live = await LivePage(page, site).open(complaints)
    await site.send(view("/one"))
    await expect(live.feed.first).to_contain_text("/one")
    await page.get_by_role("button", name="Pause").click()
    await site.send(view("/two"))
    await expect(live.figure("page_views")).to_have_text("2")
    await expect(live.feed).to_have_count(1)
    await page.get_by_role("button", name="Go on").click()
    await expect(live.feed.first).to_contain_text("/two")


async def test_a_chart_has_the_numbers_of_the_figure_that_was_chosen(
    page: Page, site: OnSite, complaints: Complaints
) -> None:
    await site.send(*(sale(f"u{i}", "12.50") for i in range(3)))
    live = await LivePage(page, site).open(complaints)
    await live.tile("revenue").click()
    await expect(page.locator("#hours-title")).to_have_text("Revenue per hour")
    await expect(live.tile("revenue")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#hours .legend")).to_have_text("Dotted: the day before. The last one is still counting.")
    picture = page.locator("#hours").get_by_role("img")
    await expect(picture).to_have_attribute("aria-label", re.compile(r"^Revenue per hour\. Highest €37\.50 at "))
    for chart, rows in (("#hours", 24), ("#minutes", 60)):
        await page.locator(chart).get_by_role("button", name="Table").click()
        table = page.locator(chart).get_by_role("table")
        await expect(table.locator("tbody tr")).to_have_count(rows)
        values = await table.locator("tbody td:nth-of-type(1)").all_inner_texts()
        assert max(values) == "€37.50"
        assert values.count("€0.00") == rows - 1
    await page.locator("#hours").get_by_role("radio", name="7 days").check()
    await expect(page.locator("#hours tbody tr")).to_have_count(168)
    await live.tile("visitors").click()
    await expect(page.locator("#minutes .legend")).to_have_text("The last one is still counting. Estimates, ±0.8%.")


async def test_a_page_that_nobody_sees_asks_nothing(page: Page, site: OnSite, complaints: Complaints) -> None:
    live = await LivePage(page, site).open(complaints)

    async def readers() -> bool:
        return f"hitstream_live_readers {expected}" in await site.exposed()

    hidden = """value => { Object.defineProperty(document, "hidden", {value, configurable: true});
                           document.dispatchEvent(new Event("visibilitychange")); }"""
    expected = "0.0"
    await page.evaluate(hidden, True)
    await until(readers)
    await site.send(view("/unseen"))
    expected = "1.0"
    await page.evaluate(hidden, False)
    await until(readers)
    await expect(live.figure("page_views")).to_have_text("1")


async def test_what_the_stream_says_of_itself_is_said(page: Page, site: OnSite, complaints: Complaints) -> None:
    """A store that does not answer, and events that a slow page lost: the stream's words, tested there."""
    live = await LivePage(page, site).open(complaints)
    said = (
        'event: dropped\ndata: {"events":1200,"exact":true}\n\n'
        'event: dropped\ndata: {"events":0,"exact":false}\n\n'
        'event: unavailable\ndata: {"code":"store_unavailable","message":"the store did not answer in time"}\n\n'
    )
    await page.route("**/v1/live", lambda route: route.fulfill(body=said, content_type="text/event-stream"))
    await page.add_init_script(ANNOUNCED)
    await page.reload()
    await expect(live.feed.filter(has_text="1,200 events were passed over here")).not_to_have_count(0)
    await expect(live.feed.filter(has_text="Some events were passed over here")).not_to_have_count(0)
    assert "The store does not answer. The numbers stand still." in await page.evaluate("announced")


async def test_what_a_user_did_is_a_name_away(page: Page, site: OnSite, complaints: Complaints) -> None:
    user = "ann/b <i>?#"
    await site.send(view("/pricing", user), sale(user, "12.50"), sale("bob", "2.00"))
    live = await LivePage(page, site).open(complaints)
    name = live.board("Users").get_by_role("button", name=user)
    await name.press("Enter")
    dialog = page.get_by_role("dialog", name=user)
    await expect(dialog).to_contain_text("2 events in the last 24 hours.")
    await expect(dialog.get_by_role("listitem")).to_have_count(2)
    await expect(dialog.get_by_role("listitem").filter(has_text="purchase")).to_contain_text("€12.50")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(name).to_be_focused()
