"""A real browser, a real server, and a site of one's own on it for each test.

The browser and the server last as long as the run, so every module here says
`pytestmark = pytest.mark.asyncio(loop_scope="session")`. Where there is no Chromium its tests are skipped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser import shop as demo
from tests.browser.chromium import ARGUMENTS, Complaints, executable
from tests.browser.gate import gate
from tests.browser.shop import Shop
from tests.browser.sites import OnSite, configured, unused
from tests.endtoend.serving import Server, serving

LIMIT_MS: Final = 20_000  # for whatever a test waits for: a loaded machine may need it


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = executable()
    if path is None:
        pytest.skip("there is no Chromium: install the package chromium, or name one in HITSTREAM_TEST_CHROMIUM")
    expect.set_options(timeout=LIMIT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        await browser.close()


@pytest.fixture
def complaints() -> Complaints:
    """What `page` complained of. Ask for it where a test causes some that are then right: `complaints.allow(...)`."""
    return Complaints()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, complaints: Complaints) -> AsyncIterator[Page]:
    """A blank page in a context of its own. Fails the test where a script threw or the console got an error."""
    async with await browser.new_context(locale="en-GB", timezone_id="UTC") as context:
        context.set_default_timeout(LIMIT_MS)
        context.on("page", complaints.listen_to)
        yield await context.new_page()
    assert complaints.remaining() == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """`hitstream serve`, with many sites. What it acknowledged can be read (`ack = "redis"`). Not for stopping."""
    directory: Path = tmp_path_factory.mktemp("browser")
    (directory / "hitstream.toml").write_text(configured())
    options = ("--config", str(directory / "hitstream.toml"))
    async with serving(directory / "data", *options) as server:
        yield server


@pytest.fixture(scope="session")
def sites() -> Iterator[str]:
    """The names of the server's sites, each to be used once."""
    return unused()


@pytest.fixture
def site(server: Server, sites: Iterator[str]) -> OnSite:
    """A site of the server that has had no event."""
    return OnSite(server.url, next(sites))


@pytest_asyncio.fixture(loop_scope="session")
async def shop(site: OnSite) -> AsyncIterator[Shop]:
    """The demo shop, whose tracker sends to a site that has had no event."""
    async with gate(lambda: site.url) as between, demo.shop(between, site) as opened:
        yield opened
