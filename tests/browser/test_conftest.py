"""The fixtures themselves: a page that breaks is noticed, and each test has a site to itself."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.browser.chromium import Complaints
from tests.browser.sites import OnSite

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_a_page_does_wrong_is_noticed(page: Page, complaints: Complaints) -> None:
    policy = "default-src 'none'; script-src 'nonce-a'"
    scripts = "<script nonce=a>console.error('seen'); throw Error('thrown')</script><script>alert(1)</script>"
    await page.goto(f'data:text/html,<meta http-equiv=Content-Security-Policy content="{policy}">{scripts}')
    assert len(complaints.remaining()) == 3
    complaints.allow("seen|thrown|Content Security Policy")


async def test_a_site_has_what_its_test_sent(site: OnSite) -> None:
    await site.send({"type": "event", "name": "one"})
    assert (await site.ask("/v1/metrics/top", dimension="events"))["total"] == 1
