"""The collector: our own calls, from a request's body to its acknowledgement.

    authorize -> welcome -> room for it -> body, capped and in time -> decoded -> taken (`ingest.intake`) -> 202

The reply leaves when the journal has the events on disk. What comes after that is the forwarder's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final

import orjson
from aiohttp import web

from store.errors import RequestError
from store.keys import STREAM_OF
from store.site import Grant, KeyKind

from . import body as wire
from .admit import Admission
from .decode import items
from .errors import NothingAccepted
from .express import Express, Known
from .inflate import decompress
from .intake import Intake, Sender
from .pixel import pixel_event

SENDERS: Final[frozenset[KeyKind]] = frozenset({"write", "server"})
CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Hitstream-Outcome, Retry-After",
}  # fmt: skip
PREFLIGHT: Final = {
    **CORS,
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, X-Write-Key",
    "Access-Control-Max-Age": "86400",
}  # fmt: skip
GIF: Final = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)  # one transparent pixel

Authorize = Callable[[web.Request, frozenset[KeyKind]], Grant]


class Collector:
    """The handlers. `address_of` gives the sender's address, seen through the proxies that are trusted."""

    def __init__(
        self, *, authorize: Authorize, address_of: Callable[[web.Request], str], intake: Intake, express: Express
    ) -> None:
        self._authorize = authorize
        self._address_of = address_of
        self._intake = intake
        self._express = express

    def routes(self) -> list[web.RouteDef]:
        found = [web.get("/v1/pixel.gif", self.pixel)]
        for path, implied in (("/v1/events", None), *((f"/v1/{type_}", type_) for type_ in STREAM_OF)):
            found += (web.post(path, self._receiver(implied)), web.options(path, _preflight))
        return found

    def _receiver(self, implied: str | None) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def receive(request: web.Request) -> web.Response:
            try:
                return await self._receive(request, implied)
            except RequestError as error:
                self._intake.count(error)
                await self._intake.hold(error)
                raise

        return receive

    async def _receive(self, request: web.Request, implied: str | None) -> web.Response:
        intake = self._intake
        grant = self._admit_sender(request)
        with intake.room(grant.site.id, wire.announced(request)):
            body = await wire.read(request)
            began = perf_counter()
            headers = request.headers
            known = Known(
                grant=grant,
                sender=self._sender(request),
                implied=implied,
                content_type=headers.get("Content-Type", ""),
                encoding=headers.get("Content-Encoding", ""),
            )
            try:
                decoded = items(decompress(body, known.encoding, wire.INFLATED_BYTES), known.content_type)
            except RequestError:
                intake.charge(grant)
                raise
            admission = await intake.take(grant, decoded.items, known.sender, sent_at=decoded.sent_at, implied=implied)
            intake.metrics.ack_seconds.observe(perf_counter() - began)
            self._express.learn(request, known)
            return _accepted(admission)

    async def pixel(self, request: web.Request) -> web.Response:
        """Always a GIF, so that no page shows a broken image; what became of the event is said in a header."""
        try:
            grant = self._admit_sender(request)
            admission = await self._intake.take(grant, [pixel_event(request.query)], self._sender(request))
            outcome = "duplicate" if admission.duplicates else "accepted"
        except NothingAccepted as error:
            outcome = error.rejections[0].code
        except RequestError as error:  # not held back: a page may wait for its images
            self._intake.count(error)
            outcome = error.code
        headers = {**CORS, "X-Hitstream-Outcome": outcome, "Cache-Control": "no-store"}
        return web.Response(body=GIF, content_type="image/gif", headers=headers)

    def _admit_sender(self, request: web.Request) -> Grant:
        grant = self._authorize(request, SENDERS)
        self._intake.welcome(grant, request.headers.get("Origin"))
        return grant

    def _sender(self, request: web.Request) -> Sender:
        return Sender(request.headers.get("User-Agent", ""), self._address_of(request))


async def _preflight(_: web.Request) -> web.Response:
    return web.Response(status=204, headers=PREFLIGHT)


def _accepted(admission: Admission) -> web.Response:
    body = {
        "accepted": admission.accepted,
        "rejected": [
            {"index": rejection.index, "code": rejection.code, "message": rejection.message}
            for rejection in admission.rejections
        ],
    }
    return web.Response(status=202, body=orjson.dumps(body), content_type="application/json", headers=CORS)
