"""The live page is for everybody: by keyboard, by ear, on a phone and on a wall, in the light and in the dark."""

from __future__ import annotations

from typing import Any, Final, Literal

import pytest
from playwright.async_api import Page, expect

from tests.browser.chromium import Complaints
from tests.browser.contrast import CONTRASTS
from tests.browser.live_page import LivePage
from tests.browser.sites import ZONE, OnSite
from tests.browser.test_live_page import error, sale, view

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The share of the window that moved, times how far. A tenth is what the web's own measure still calls good; the arrival
# of the typeface may move the name of the page by a fraction of a pixel, which is 0.00004.
SHIFTS: Final = """
    const LEAST = 0.0005;
    globalThis.shifts = [];
    new PerformanceObserver(list => {
      for (const shift of list.getEntries())
        if (!shift.hadRecentInput && shift.value >= LEAST) shifts.push([shift.value, ...shift.sources.map(({node}) =>
          (node?.outerHTML ?? `${node?.data} in ${node?.parentElement?.className}`).slice(0, 90))]);
    }).observe({type: "layout-shift", buffered: true});
"""
TOO_WIDE: Final = """() => {
    const overflows = each => each.scrollWidth > each.clientWidth;
    const held = [document.documentElement, ...document.querySelectorAll(".tile")];
    return held.filter(overflows).map(each => each.id || "page");
}"""
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
NAMED: Final = {
    "button", "textbox", "combobox", "radio", "image", "region", "table", "list", "group", "heading", "radiogroup",
}  # fmt: skip


async def filled(site: OnSite) -> None:
    await site.send(
        *(view(f"/page-{i % 12}", f"u{i}", referrer=f"https://from-{i % 5}.example/") for i in range(60)),
        *(sale(f"u{i}", f"{i}.50") for i in range(9)),
        error("u1", "TypeError", "x is not a function"),
        {"type": "event", "name": "signup", "user_id": "u2"},
    )


async def draw_funnel(page: Page) -> None:
    await page.get_by_role("button", name="Draw the funnel").click()
    await expect(page.locator(".funnel-sum")).to_be_visible()


async def test_nothing_has_to_be_scrolled_sideways(page: Page, site: OnSite, complaints: Complaints) -> None:
    long = "a-very-long-name-without-any-gap-" * 8
    await site.send(
        view(f"/{long}", long[:120]), sale(long[:120], "123456789.99", long[:64]), error("u", long[:64], long)
    )
    live = await LivePage(page, site).open(complaints)
    await draw_funnel(page)
    await site.send(view(f"/{long}", long[:120], title=long))
    await expect(live.feed).to_have_count(1)
    for width in (320, 360, 1280, 3840):
        await page.set_viewport_size({"width": width, "height": 800})
        await live.finds("innerWidth", width)
        assert (width, await page.evaluate(TOO_WIDE)) == (width, [])


@pytest.mark.parametrize("width", [360, 1280])
async def test_nothing_moves_by_itself(page: Page, site: OnSite, complaints: Complaints, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 2_000})
    await page.add_init_script(SHIFTS)
    await filled(site)
    live = await LivePage(page, site).open(complaints)
    await expect(live.board("Pages").first).to_be_visible()
    await site.send(*(view(f"/new-{i}", f"new-{i}") for i in range(30)), sale("u1", "99999.00"))
    await expect(live.figure("page_views")).to_have_text("90")
    await expect(live.board("Users").first).to_contain_text("€100,001")
    assert await page.evaluate("shifts") == []


async def test_every_text_can_be_read(page: Page, site: OnSite, complaints: Complaints) -> None:
    """WCAG 2.2 AA: 4.5 to 1, 3 to 1 where it is large, and 3 to 1 for the edges of what is filled in."""
    await page.emulate_media(reduced_motion="reduce")
    await filled(site)
    live = await LivePage(page, site).open(complaints)
    await site.send(view("/"), sale("u", "1"), error("u", "E", "m"), {"type": "event", "name": "e", "user_id": "u"})
    await expect(live.feed).to_have_count(4)
    await draw_funnel(page)
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme)
        await live.finds("document.documentElement.dataset.theme", theme)
        measured = await page.evaluate(CONTRASTS)
        assert len(measured) > 80
        assert [each for each in measured if each["ratio"] < each["least"]] == []


async def test_the_colours_can_be_chosen_and_stay_chosen(page: Page, site: OnSite, complaints: Complaints) -> None:
    live = await LivePage(page, site).open(complaints)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(ground)
    await page.get_by_role("radio", name="Dark").check()
    dark = await page.evaluate(ground)
    assert dark != light
    await page.reload()
    await live.is_live()
    assert await page.evaluate(ground) == dark
    await page.get_by_role("radio", name="Auto").check()
    assert await page.evaluate(ground) == light
    await page.emulate_media(color_scheme="dark")
    await live.finds(ground, dark)


async def test_everything_can_be_reached_and_used_by_keyboard(page: Page, site: OnSite, complaints: Complaints) -> None:
    await filled(site)
    live = await LivePage(page, site).open(complaints)
    reached: list[dict[str, Any]] = []
    for _ in range(80):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate(FOCUSED))
        if reached[-1]["tag"] == "BODY" or reached[-1] in reached[:-1]:
            break
    order = [each["name"] for each in reached]
    assert order[0] == "Skip to the figures"
    assert [each for each in reached[:-1] if not each["outlined"]] == []
    for name in ("theme", "leave", "tile-active_now", "tile-error_rate", "hours-range", "boards-period", "feed-pause",
                 "Kind of step 1", "Name of step 2", "funnel-add", "funnel-days", "Draw the funnel"):  # fmt: skip
        assert name in order, order
    in_order = [order.index(name) for name in ("tile-error_rate", "hours-range", "feed-pause", "funnel-add")]
    assert in_order == sorted(in_order)

    await page.locator(".skip").focus()
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    await live.tile("visitors").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#hours-title")).to_have_text("Visitors per hour")
    await page.locator("#hours input:checked").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#hours input[value=week]")).to_be_checked()
    await page.locator("#hours .as-table").focus()
    await page.keyboard.press("Space")
    await expect(page.locator("#hours tbody tr")).to_have_count(168)
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "table"  # so arrows scroll it


FOCUSED: Final = """() => {
    const at = document.activeElement;
    const name = at.getAttribute("aria-label") ?? (at.type === "radio" ? at.name : at.id || at.textContent.trim());
    const shown = at.type === "radio" ? at.nextElementSibling : at;
    const style = getComputedStyle(shown);
    const place = [...document.querySelectorAll("*")].indexOf(at);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return {tag: at.tagName, place, name, outlined};
}"""


async def test_it_says_what_it_is_to_those_who_listen(page: Page, site: OnSite, complaints: Complaints) -> None:
    await filled(site)
    live = await LivePage(page, site).open(complaints)
    await draw_funnel(page)
    session = await page.context.new_cdp_session(page)
    tree = (await session.send("Accessibility.getFullAXTree"))["nodes"]
    found = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]]
    roles = [role for role, _ in found]
    assert roles.count("main") == 1
    assert roles.count("banner") == 1
    nameless = [role for role, name in found if role in NAMED and not name.strip()]
    assert nameless == []
    await expect(live.tile("page_views")).to_have_accessible_name("Page views 60 today")
    for name in ("Page views per hour", "Most frequent", "As it happens", "Funnel"):
        await expect(page.get_by_role("region", name=name, exact=True)).to_be_visible()
    levels = await page.locator("h1:visible, h2:visible, h3:visible").evaluate_all("all => all.map(h => h.tagName)")
    assert levels[0] == "H1"
    assert "H3" not in levels[: levels.index("H2")]
    # What changes each second is not read aloud; what became of a question is.
    spoken = "all => all.filter(e => e.textContent.trim()).map(e => e.textContent)"
    live_regions = await page.locator("[aria-live], [role=status], [role=alert], [role=log]").evaluate_all(spoken)
    assert live_regions == ["9 of 60 users went all the way: 15.0%."]


async def test_who_wants_no_motion_sees_none(page: Page, site: OnSite, complaints: Complaints) -> None:
    await page.emulate_media(reduced_motion="reduce")
    await LivePage(page, site).open(complaints)
    moving = "() => document.getAnimations().filter(a => a.playState === 'running').length"
    assert await page.evaluate(moving) == 0
    await page.emulate_media(reduced_motion="no-preference")
    assert await page.evaluate(moving) == 1  # the dot that says that the page is live


async def test_times_are_on_the_sites_clock(page: Page, site: OnSite, complaints: Complaints) -> None:
    await LivePage(page, site).open(complaints)
    await expect(page.locator("#clock")).to_contain_text("GMT+5:30")
    await expect(page.locator("#today-note")).to_contain_text(f"Today since 00:00 in {ZONE}, still counting")
