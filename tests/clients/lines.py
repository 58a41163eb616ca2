"""A line between a client and the server, on which a reply can be lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from msgspec import Struct

from tests.proxy import Proxy, proxy_to


class Line(Struct, frozen=True):
    url: str
    proxy: Proxy


@asynccontextmanager
async def line_that_loses_a_reply(url: str, request: bytes) -> AsyncIterator[Line]:
    """The reply to the first request that holds `request` never comes back; what follows is as usual."""
    to = urlsplit(url)
    async with proxy_to(lambda: asyncio.open_connection(to.hostname, to.port)) as proxy:
        proxy.lose_reply_to = request
        yield Line(f"http://127.0.0.1:{proxy.port}", proxy)
