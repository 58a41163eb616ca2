"""What stands between a page and the server: passes on, and can refuse, lose replies, or hold requests back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import orjson
from aiohttp import web
from msgspec import Struct

EVENTS: Final = "/v1/events"
CORS: Final = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
PASSED_ON: Final = ("Content-Type", "Origin", "User-Agent")
PASSED_BACK: Final = (
    "Content-Type", "Cache-Control", "Retry-After", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
)  # fmt: skip


class Received(Struct, frozen=True):
    """One request with events. `status`: what was answered, by the server or by the gate."""

    events: list[dict[str, Any]]
    status: int
    beacon: bool
    cookies: bool


class Gate:
    """Switches of a running gate. `url_of` gives the server's address, which may change.

    refuse: (status, Retry-After) to answer with instead of the server. lose_replies: the server gets it, and the line
    is cut. hold: while clear, requests wait at the gate.
    """

    def __init__(self, url_of: Callable[[], str], session: aiohttp.ClientSession) -> None:
        self.url = ""
        self.refuse: tuple[int, str] | None = None
        self.lose_replies = False
        self.hold = asyncio.Event()
        self.hold.set()
        self.received: list[Received] = []
        self._url_of = url_of
        self._session = session

    def sent(self, **fields: object) -> list[dict[str, Any]]:
        """The events that got through, each once, that have these fields."""
        found = {
            event["event_id"]: event
            for request in self.received
            if request.status == 202
            for event in request.events
            if all(event.get(name) == value for name, value in fields.items())
        }
        return list(found.values())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.path != EVENTS:
            return (await self._forward(request, body))[1]
        await self.hold.wait()
        if self.refuse:
            status, retry_after = self.refuse
            reply = web.Response(status=status, headers={**CORS, "Retry-After": retry_after})
        else:
            status, reply = await self._forward(request, body)
        beacon = request.headers.get("Sec-Fetch-Mode") == "no-cors"
        events = orjson.loads(body)["batch"]
        self.received.append(Received(events, status, beacon, "Cookie" in request.headers))
        if self.lose_replies:
            assert request.transport
            request.transport.abort()
        return reply

    async def _forward(self, request: web.Request, body: bytes) -> tuple[int, web.Response]:
        headers = {name: value for name in PASSED_ON if (value := request.headers.get(name))}
        try:
            async with self._session.request(
                request.method, self._url_of() + request.path_qs, data=body, headers=headers
            ) as reply:
                passed = {name: value for name in PASSED_BACK if (value := reply.headers.get(name))}
                return reply.status, web.Response(status=reply.status, body=await reply.read(), headers=passed)
        except aiohttp.ClientError:
            return 502, web.Response(status=502)  # and without a word of CORS, as a proxy says it


@asynccontextmanager
async def gate(url_of: Callable[[], str]) -> AsyncIterator[Gate]:
    async with aiohttp.ClientSession() as session:
        made = Gate(url_of, session)
        app = web.Application(client_max_size=4 << 20)
        app.router.add_route("*", "/{path:.*}", made.handle)
        async with served(app) as made.url:
            yield made


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """Its address, on a port of its own."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
