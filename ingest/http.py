"""The collector: from a request's body to its acknowledgement.

    authorize -> within the key's rate -> room for it -> body, capped and in time -> decoded -> time for it -> admitted
    -> journalled -> 202

The reply leaves when the journal has the events on disk. What comes after that is the forwarder's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import perf_counter
from typing import Final

import orjson
from aiohttp import web

from store.commit import Planner
from store.errors import RequestError
from store.event import Event, Record, encode
from store.keys import STREAM_OF, partition_of
from store.site import Grant, KeyKind

from .admit import Admission, Context, admit
from .copies import Copies
from .decode import items
from .errors import BodyTimeout, JournalClosed, NothingAccepted, OriginNotAllowed, Overloaded, RateLimited, TooLarge
from .forwarder import Forwarder
from .inflate import decompress
from .journal import Journal
from .limits import Limits
from .metrics import Metrics
from .overload import Overload
from .pixel import pixel_event
from .visitors import Salt

BODY_BYTES: Final = 1 << 20  # on the wire
INFLATED_BYTES: Final = 8 << 20
BODY_DEADLINE_S: Final = 10.0
COMMIT_WAIT_S: Final = 5.0  # with ack = "redis": how long a reply waits for a commit that is late

IMPORTANT: Final = ("conversion", "error")  # let in when other events are already turned away

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
        self,
        *,
        authorize: Authorize,
        address_of: Callable[[web.Request], str],
        clock: Callable[[], int],
        planner: Planner,
        salt: Salt,
        limits: Limits,
        overload: Overload,
        journal: Journal,
        forwarder: Forwarder,
        copies: Copies,
        metrics: Metrics,
        ack_after_commit: bool,
    ) -> None:
        self._authorize = authorize
        self._address_of = address_of
        self._clock = clock
        self._planner = planner
        self._salt = salt
        self._limits = limits
        self._overload = overload
        self._journal = journal
        self._forwarder = forwarder
        self._copies = copies
        self._metrics = metrics
        self._ack_after_commit = ack_after_commit
        self.stopping = False

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
                self._count(error)
                await self._hold(error)
                raise

        return receive

    async def _receive(self, request: web.Request, implied: str | None) -> web.Response:
        grant = self._admit_sender(request)
        site, body_bytes = grant.site.id, _announced(request)
        self._overload.enter(site, body_bytes)
        try:
            body = await _read(request)
            began = perf_counter()
            headers = request.headers
            body = decompress(body, headers.get("Content-Encoding", ""), INFLATED_BYTES)
            decoded = items(body, headers.get("Content-Type", ""))
            admission = await self._take(request, grant, decoded.items, decoded.sent_at, implied)
            self._metrics.ack_seconds.observe(perf_counter() - began)
            return _accepted(admission)
        finally:
            self._overload.leave(site, body_bytes)

    async def pixel(self, request: web.Request) -> web.Response:
        """Always a GIF, so that no page shows a broken image; what became of the event is said in a header."""
        try:
            grant = self._admit_sender(request)
            admission = await self._take(request, grant, [pixel_event(request.query)], None, None)
            outcome = "duplicate" if admission.duplicates else "accepted"
        except NothingAccepted as error:
            outcome = error.rejections[0].code
        except RequestError as error:  # not held back: a page may wait for its images
            self._count(error)
            outcome = error.code
        headers = {**CORS, "X-Hitstream-Outcome": outcome, "Cache-Control": "no-store"}
        return web.Response(body=GIF, content_type="image/gif", headers=headers)

    def _admit_sender(self, request: web.Request) -> Grant:
        if self.stopping:
            raise JournalClosed
        grant = self._authorize(request, SENDERS)
        origin = request.headers.get("Origin")
        if origin and grant.site.origins and origin not in grant.site.origins:
            raise OriginNotAllowed(f"the site does not take events from pages of {origin!r}")
        self._limits.check(grant, self._clock())
        return grant

    async def _take(
        self, request: web.Request, grant: Grant, decoded: list[object], sent_at: object, implied: str | None
    ) -> Admission:
        self._overload.check(grant.site.id, len(decoded), lambda: _is_important(decoded, implied))
        now = self._clock()
        context = Context(
            site=grant.site,
            trusted=grant.kind == "server",
            now=now,
            sent_at=sent_at,
            user_agent=request.headers.get("User-Agent", ""),
            address=self._address_of(request),
            salt=self._salt.of(now),
            identity=self._planner.identity,
            implied=implied,
        )
        admission = admit(decoded, context)
        if admission.rejections:
            for rejection in admission.rejections:
                self._metrics.rejected.labels(rejection.code).inc()
            self._copies.keep(grant.site.id, admission.rejections, decoded, now)
        self._limits.take(grant, len(decoded), now)
        if admission.events:
            await self._keep(grant.site.id, admission.events)
        elif not admission.duplicates:
            raise NothingAccepted(admission.rejections)
        self._overload.finished(len(decoded))
        return admission

    def _count(self, error: RequestError) -> None:
        self._metrics.refused.labels(error.code).inc()
        if isinstance(error, Overloaded):
            self._metrics.shed.labels(error.reason).inc()

    async def _hold(self, error: RequestError) -> None:
        """Says when to try again and, where too much is sent, lets some time pass before saying it."""
        if error.retry_after is not None:
            error.retry_after = self._overload.retry_after(error.retry_after)
        if isinstance(error, Overloaded | RateLimited) and (hold_s := self._overload.hold()):
            try:
                await asyncio.sleep(hold_s)
            finally:
                self._overload.release()

    async def _keep(self, site: str, events: list[Event]) -> None:
        """Returns when the events are safe."""
        partition = partition_of(site, self._planner.partitions)
        record = Record(site, events)
        seq = await self._journal.append(partition, encode(record), len(events), record)
        self._metrics.count_accepted(events)
        if self._ack_after_commit:
            # The events are safe whatever Redis does: a refusal now would only have them sent, and counted, again.
            with suppress(TimeoutError):
                async with asyncio.timeout(COMMIT_WAIT_S):
                    await self._forwarder.applied(partition, seq)


async def _preflight(_: web.Request) -> web.Response:
    return web.Response(status=204, headers=PREFLIGHT)


def _announced(request: web.Request) -> int:
    """How long the body may become. Raises TooLarge."""
    length = request.content_length
    if length is None:
        return BODY_BYTES if request.body_exists else 0
    if length > BODY_BYTES:
        raise TooLarge(f"the body is over {BODY_BYTES:,} bytes")
    return length


async def _read(request: web.Request) -> bytes:
    """The body as it came. Raises TooLarge, BodyTimeout."""
    content = request.content
    if content.is_eof():  # came in one piece with the headers
        return content.read_nowait()
    pieces, size = [], 0
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            async for piece in content.iter_any():
                size += len(piece)
                if size > BODY_BYTES:
                    raise TooLarge(f"the body is over {BODY_BYTES:,} bytes")
                pieces.append(piece)
    except TimeoutError:
        raise BodyTimeout(f"the body did not arrive within {BODY_DEADLINE_S:g} s") from None
    return b"".join(pieces)


def _is_important(decoded: list[object], implied: str | None) -> bool:
    """A request goes by the most important event in it, for it is taken as a whole or not at all."""
    if implied is not None:
        return implied in IMPORTANT
    return any(isinstance(item, dict) and item.get("type") in IMPORTANT for item in decoded)


def _accepted(admission: Admission) -> web.Response:
    body = {
        "accepted": admission.accepted,
        "rejected": [
            {"index": rejection.index, "code": rejection.code, "message": rejection.message}
            for rejection in admission.rejections
        ],
    }
    return web.Response(status=202, body=orjson.dumps(body), content_type="application/json", headers=CORS)
