"""Pictures of the live page for docs/images, made where they are asked for.

HITSTREAM_TEST_SCREENSHOTS=1 python -m pytest tests/browser/test_live_page_pictures.py    writes them anew
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import Struct
from playwright.async_api import Browser, expect

from tests.browser import believable
from tests.browser.chromium import Complaints
from tests.browser.live_page import LivePage
from tests.browser.sites import PICTURED, OnSite
from tests.endtoend.serving import Server

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(
        "HITSTREAM_TEST_SCREENSHOTS" not in os.environ, reason="pictures are made with HITSTREAM_TEST_SCREENSHOTS=1"
    ),
]

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"


class Picture(Struct, frozen=True):
    """`height` is how much of the page is shown; or only what `part` selects is."""

    name: str
    width: int
    scheme: Any
    scale: float
    height: int = 0
    part: str = ""


PICTURES: Final = (
    Picture("live-page-light", 1280, "light", 1.5, 1_130),
    Picture("live-page-dark", 1280, "dark", 1.5, 1_130),
    Picture("live-page-narrow", 360, "light", 1.5, 1_240),
    Picture("live-page-funnel", 1280, "light", 1.5, part=".funnel"),
)


async def test_pictures(browser: Browser, server: Server, complaints: Complaints) -> None:
    site = OnSite(server.url, PICTURED)
    now = time.time_ns() // 1_000_000
    events = sorted(believable.past(now), key=lambda event: event["timestamp"])
    for first in range(0, len(events), 2_000):
        await site.send(*events[first : first + 2_000])
    IMAGES.mkdir(exist_ok=True)
    for picture in PICTURES:
        size: Any = {"width": picture.width, "height": 900}
        async with await browser.new_context(
            viewport=size, color_scheme=picture.scheme, device_scale_factor=picture.scale, locale="en-GB"
        ) as context:
            page = await context.new_page()
            live = await LivePage(page, site).open(complaints)
            for index, step in enumerate(("/", "/pricing")):
                await page.get_by_label(f"Name of step {index + 1}").fill(step)
                await page.get_by_label(f"Kind of step {index + 1}").select_option("page")
            for index, (kind, name) in enumerate((("event", "signup"), ("conversion", "purchase")), 3):
                await page.get_by_role("button", name="Add a step").click()
                await page.get_by_label(f"Kind of step {index}").select_option(kind)
                await page.get_by_label(f"Name of step {index}").fill(name)
            await page.get_by_role("button", name="Draw the funnel").click()
            await expect(page.locator(".funnel-sum")).to_be_visible()
            await site.send(*believable.present(time.time_ns() // 1_000_000))
            await expect(live.feed).to_have_count(36)
            await expect(live.board("Pages")).to_have_count(7)
            await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
            await page.mouse.move(1, 1)
            path = IMAGES / f"{picture.name}.png"
            if picture.part:
                await page.locator(picture.part).screenshot(path=path)
                continue
            clip: Any = {"x": 0, "y": 0, "width": picture.width, "height": picture.height}
            await page.screenshot(path=path, full_page=True, clip=clip)
