"""The requests that are being handled, so that a server that ends can wait for them.

aiohttp waits for handlers too, but from then on it drops what arrives: a body that is still on its way never would.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


class InFlight:
    def __init__(self) -> None:
        self._count = 0
        self._ended = asyncio.Event()

    def middleware(self) -> Middleware:
        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.change(1)
            try:
                return await handler(request)
            finally:
                self.change(-1)

        return count

    def change(self, by: int) -> None:
        self._count += by
        if by < 0:
            self._ended.set()

    async def finished(self, seconds: float) -> bool:
        """Returns when there is none; False where that takes longer."""
        try:
            async with asyncio.timeout(seconds):
                while self._count:
                    self._ended.clear()
                    await self._ended.wait()
        except TimeoutError:
            return False
        return True


KEY = web.AppKey("in_flight", InFlight)
