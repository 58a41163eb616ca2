"""The way of a request in another product's dialect.

    room for it -> body, capped and in time -> read by the dialect -> its sender recognised -> welcome
    -> made to fit -> taken (`ingest.intake`) -> answered by the dialect

Whose events they are often stands in the body, so the body is read first, on the account of nobody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from math import ceil
from typing import Final

from aiohttp import hdrs, web
from msgspec.structs import replace

from store.errors import RequestError
from store.site import Grant, KeyKind, Presented

from .. import body as wire
from ..decode import MAX_EVENTS
from ..errors import NothingAccepted, Overloaded, RateLimited, TooManyEvents
from ..http import CORS, PREFLIGHT, SENDERS
from ..inflate import decompress
from ..intake import Intake, Sender
from ..rejection import Rejection
from .fitting import Fitting
from .room import Room
from .wire import Dialect, Endpoint, Message, Outcome, Reply, Settings, Translation

GZIP_MAGIC: Final = b"\x1f\x8b\x08"  # some browsers' clients compress and say nothing of it; no text begins so

Recognise = Callable[[Presented, frozenset[KeyKind]], Grant]
Handler = Callable[[web.Request], Awaitable[web.Response]]


class Interpreter:
    """The handlers of all dialects that are spoken. `status_of`: what our own calls answer to an error."""

    def __init__(
        self,
        *,
        dialects: Iterable[Dialect],
        recognise: Recognise,
        status_of: Callable[[RequestError], int],
        address_of: Callable[[web.Request], str],
        clock: Callable[[], int],
        intake: Intake,
    ) -> None:
        self._dialects = list(dialects)
        self._recognise = recognise
        self._status_of = status_of
        self._address_of = address_of
        self._clock = clock
        self._intake = intake

    def routes(self) -> list[web.RouteDef]:
        found: list[web.RouteDef] = []
        for dialect in self._dialects:
            for endpoint in dialect.endpoints:
                found += _routes(dialect, endpoint, self._receiver(endpoint))
            for settings in dialect.settings:
                found += _routes(dialect, settings, self._answerer(settings))
        return found

    def _receiver(self, endpoint: Endpoint) -> Handler:
        async def receive(request: web.Request) -> web.Response:
            message = self._message(request, b"")
            try:
                with Room(self._intake, endpoint.patience_s) as room:
                    message = self._message(request, await _body(request, endpoint.body_bytes, room))
                    translation = endpoint.read(message)
                    outcome = await self._take(request, translation, room)
                    return _response(endpoint.accept(message, translation, outcome))
            except RequestError as error:
                self._intake.count(error)
                await self._intake.hold(error)
                reply = endpoint.refuse(message, error, self._status_of(error))
                return _response(reply, error.retry_after)

        return receive

    def _answerer(self, settings: Settings) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            with Room(self._intake, 0) as room:
                return _response(settings.answer(self._message(request, await _body(request, wire.BODY_BYTES, room))))

        return answer

    async def _take(self, request: web.Request, translation: Translation, room: Room) -> Outcome:
        """Each site's events are taken as a whole or not at all; only if none of them is, the message is refused."""
        if not translation.others:
            return await self._take_patiently(request, translation, room)
        taken = before = 0
        rejections: list[Rejection] = []
        refused: dict[int, RequestError] = {}
        errors: list[RequestError] = []
        shares = (translation, *translation.others)
        if sum(len(share.items) for share in shares) > MAX_EVENTS:
            raise _too_many()
        for share in shares:
            try:
                outcome = await self._take_patiently(request, share, room)
            except RequestError as error:
                errors.append(error)
                refused |= dict.fromkeys(share.places, error)
            else:
                taken += outcome.taken
                rejections += [replace(found, index=found.index + before) for found in outcome.rejections]
            before += len(share.items)
        if errors and not taken and not rejections:
            raise errors[0]
        for each in errors:
            self._intake.count(each)
        return Outcome(taken, rejections, refused)

    async def _take_patiently(self, request: web.Request, translation: Translation, room: Room) -> Outcome:
        while True:
            try:
                return await self._take_for_one(request, translation)
            except (RateLimited, Overloaded) as error:
                await room.wait(error)

    async def _take_for_one(self, request: web.Request, translation: Translation) -> Outcome:
        grant = self._grant(translation)
        self._intake.welcome(grant, request.headers.get(hdrs.ORIGIN))
        if not translation.items:
            return Outcome(0)
        if len(translation.items) > MAX_EVENTS:
            raise _too_many()
        fitting = Fitting(grant.site.currency)
        items = [fitting.fit(item)[0] for item in translation.items]
        sender = Sender(request.headers.get(hdrs.USER_AGENT, ""), self._address_of(request))
        try:
            admission = await self._intake.take(grant, items, sender, sent_at=translation.sent_at)
        except NothingAccepted as error:
            return Outcome(0, error.rejections)
        return Outcome(admission.accepted, admission.rejections)

    def _grant(self, translation: Translation) -> Grant:
        token = translation.token
        try:
            grant = self._recognise(translation.presented, SENDERS)
        except RequestError:
            if token is None:
                raise
            return self._recognise(token, SENDERS)
        if token is not None:
            with suppress(RequestError):
                lent = self._recognise(token, SENDERS)
                return lent if lent.site == grant.site else grant
        return grant

    def _message(self, request: web.Request, body: bytes) -> Message:
        return Message(request.match_info, request.query, request.headers, body, self._clock())


def _too_many() -> TooManyEvents:
    return TooManyEvents(f"a request may hold at most {MAX_EVENTS:,} events")


async def _body(request: web.Request, limit: int, room: Room) -> bytes:
    length = wire.announced(request, limit)
    await room.enter(length if request.content_length is not None else 0)
    body = await wire.read(request, limit, room.grow)
    return unpacked(body, request.headers.get(hdrs.CONTENT_ENCODING, ""))


def unpacked(body: bytes, encoding: str) -> bytes:
    """`encoding`: what the header says. Raises the errors of `decompress`."""
    encoding = encoding.strip().lower()
    if encoding in ("", "utf-8") and body.startswith(GZIP_MAGIC):  # some name the charset here
        encoding = "gzip"
    return decompress(body, "" if encoding == "utf-8" else encoding, wire.INFLATED_BYTES)


def _routes(dialect: Dialect, place: Endpoint | Settings, handler: Handler) -> list[web.RouteDef]:
    headers = {
        **PREFLIGHT,
        "Access-Control-Allow-Headers": ", ".join((PREFLIGHT["Access-Control-Allow-Headers"], *dialect.headers)),
    }

    async def preflight(_: web.Request) -> web.Response:
        return web.Response(status=204, headers=headers)

    return [
        *(web.route(method, place.path, handler) for method in place.methods),
        web.options(place.path, preflight),
    ]


def _response(reply: Reply, retry_after: float | None = None) -> web.Response:
    headers = {**CORS, hdrs.CACHE_CONTROL: "no-store", **reply.headers}
    if retry_after is not None and reply.says_when:
        headers.setdefault(hdrs.RETRY_AFTER, str(max(1, ceil(retry_after))))
    if reply.body:
        headers[hdrs.CONTENT_TYPE] = reply.content_type
    response = web.Response(status=reply.status, body=reply.body, headers=headers)
    if reply.closes:
        response.force_close()
    return response
