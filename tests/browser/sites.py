"""The sites of the server that browser tests share: so many that each test has one to itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import aiohttp
from msgspec import Struct

COUNT: Final = 200  # more than there are tests here
ZONE: Final = "Asia/Kolkata"  # no browser here is in it, so a time in the wrong zone shows
CURRENCY: Final = "EUR"
PICTURED: Final = "lumen"  # the one whose page is in the documentation


def configured() -> str:
    """The server's configuration."""
    tables = [
        f'[sites.{name}]\nzone = "{"Europe/Berlin" if name == PICTURED else ZONE}"\ncurrency = "{CURRENCY}"\n'
        + "".join(f'{kind} = "{key(name, kind)}"\n' for kind in ("write", "server", "read"))
        for name in (*unused(), PICTURED)
    ]
    return "\n".join(['ack = "redis"\nshop = "-"\n', *tables])


def unused() -> Iterator[str]:
    return (f"site-{number}" for number in range(COUNT))


def key(name: str, kind: str) -> str:
    return f"h{kind[0]}_{name}_of_the_browser_tests"


class OnSite(Struct, frozen=True):
    """One site of a server: how to send it events and what opens it. `keys` where they are not made by `key`."""

    url: str
    name: str
    keys: Mapping[str, str] = {}

    def key(self, kind: str) -> str:
        return self.keys.get(kind) or key(self.name, kind)

    async def send(self, *events: Mapping[str, Any]) -> None:
        """With the server key, so of any age. All of them must be taken."""
        headers = {"Authorization": f"Bearer {self.key('server')}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/v1/events", json=list(events), headers=headers) as reply,
        ):
            answer = await reply.json(content_type=None)
            assert (reply.status, answer["accepted"]) == (202, len(events)), answer

    async def ask(self, path: str, **params: str) -> Any:
        headers = {"Authorization": f"Bearer {self.key('read')}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.url + path, params=params, headers=headers) as reply,
        ):
            assert reply.status == 200, await reply.text()
            return await reply.json()

    async def exposed(self) -> str:
        """The server's metrics."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/metrics") as reply:
            return await reply.text()
