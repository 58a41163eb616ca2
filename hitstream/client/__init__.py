"""A client for Python programs: events go into a bounded queue and are sent behind the caller's back.

    from hitstream.client import Client

    with Client("http://127.0.0.1:8080", "hw_...") as hits:
        hits.page_view("https://shop.example/", user_id="ann")
        hits.conversion("signup", value="19.99", currency="EUR", user_id="ann")

`AsyncClient` is the same for asyncio. Every event gets an id here, so one that is sent again is counted once. It needs
the standard library alone, and imports nothing else of the product. See docs/client.md.
"""

from __future__ import annotations

from .aio import AsyncClient
from .options import Options
from .outcome import Rejection, Stats
from .threaded import Client

__all__ = ["AsyncClient", "Client", "Options", "Rejection", "Stats"]
