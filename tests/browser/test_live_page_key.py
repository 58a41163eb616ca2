"""The read key: it comes in the fragment, leaves the address bar, and stands in no address and no log."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, Request, expect

from tests.browser.chromium import Complaints
from tests.browser.live_page import LivePage
from tests.browser.sites import OnSite
from tests.endtoend.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_key_stands_in_no_address_and_no_log(
    page: Page, site: OnSite, server: Server, complaints: Complaints
) -> None:
    asked: list[Request] = []

    def note(request: Request) -> None:  # a list's own append is nothing that can be listened with
        asked.append(request)

    page.on("request", note)
    live = await LivePage(page, site).open(complaints)
    await page.reload()
    await live.is_live()
    key = site.key("read")
    assert page.url == f"{site.url}/"
    assert await page.evaluate("history.length") <= 2  # the blank page's and this one's
    assert len(asked) > 20
    assert not [request.url for request in asked if key in request.url]
    assert {request.url.partition("/v1/")[0] for request in asked if "/v1/" in request.url} == {site.url}
    for request in asked:
        headers = await request.all_headers()
        assert not headers.get("referer")
        assert ("authorization" in headers) is ("/v1/" in request.url)
    assert await page.evaluate("[...Object.keys(localStorage), document.cookie].join()") == ""
    assert key not in (server.directory / "server.log").read_text()
    assert key not in await page.content()


async def test_without_a_key_the_page_asks_for_one(page: Page, site: OnSite, complaints: Complaints) -> None:
    complaints.allow("40[13] .*v1/metrics/comparison")
    await page.goto(site.url)
    field = page.get_by_label("Read key")
    await expect(field).to_be_focused()
    await expect(page.locator("#main")).to_be_hidden()
    refusal = page.get_by_role("alert")
    for wrong, said in (
        ("two words", "no spaces"),
        ("hr_nobody_has_this_key", "the key is not known"),
        (site.key("write"), "takes a read key"),
    ):
        await field.fill(wrong)
        await field.press("Enter")
        await expect(refusal).to_contain_text(said)
    live = LivePage(page, site)
    complaints.allow("404")
    await field.fill(site.key("read"))
    await field.press("Enter")
    await live.is_live()
    await expect(page.locator("#gate")).to_be_hidden()
    await page.get_by_role("button", name="Forget key").click()
    await expect(field).to_be_visible()
    assert await page.evaluate("Object.keys(sessionStorage).length") == 0


async def test_a_link_with_another_key_opens_another_site(page: Page, site: OnSite, complaints: Complaints) -> None:
    await LivePage(page, site).open(complaints)
    another = OnSite(site.url, "site-0")
    await page.evaluate("key => { location.hash = `key=${key}` }", another.key("read"))
    await expect(page.locator("#site")).to_have_text("site-0")
    assert re.fullmatch(rf"{site.url}/", page.url)


async def test_the_page_cannot_be_framed(page: Page, site: OnSite, complaints: Complaints) -> None:
    complaints.allow("frame-ancestors|chrome-error|X-Frame-Options|refused to connect")
    async with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        await page.set_content(f"<iframe src='{site.url}/'></iframe>")
    assert await page.frames[-1].locator("#gate").count() == 0
