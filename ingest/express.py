"""The short way of a request whose head has come before.

Senders repeat themselves: but for its Content-Length, the head of a backend's or a page's next request is byte for byte
that of the last. The first is parsed, routed and authorised by aiohttp and the collector; what they made of it is kept
beside its bytes. A request with the same head then goes from the socket to the journal without any of that:

    chunk is one whole request, its head known -> decoded -> admitted -> journalled -> 202

Whatever is not plain goes the regular way, as if this module were not there: a head not seen yet, a body in pieces,
pipelining, an event that is refused, overload, a full journal. So only the regular way refuses, and nothing here parses
HTTP: it compares bytes with what aiohttp's parser took for one whole request.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import SERVER_SOFTWARE, HttpVersion11
from msgspec import Struct

from store.errors import RequestError
from store.site import Grant

from .body import BODY_BYTES, INFLATED_BYTES
from .decode import items
from .inflate import decompress
from .intake import Intake, Sender, Taken

HEADS: Final = 4096  # known at once, of at most so many bytes each: 4 MiB
HEAD_BYTES: Final = 1024
HELD_BYTES: Final = 64 << 10  # that may come behind a request under way before the socket is read no further

_LENGTH: Final = re.compile(rb"\r\nContent-Length: ([0-9]{1,7})\r\n", re.IGNORECASE)
_UNUSUAL: Final = (hdrs.TRANSFER_ENCODING, hdrs.EXPECT, hdrs.UPGRADE)


class Known(Struct, frozen=True):
    """What a head stands for."""

    grant: Grant
    sender: Sender
    implied: str | None
    content_type: str
    encoding: str


class _Chunk(Struct, frozen=True):
    """One whole request. head: all of it but the digits of its Content-Length, which count for nothing else."""

    head: tuple[str, bytes]
    body: bytes


class Express:
    """One worker's known heads, and what its connections need. `count` is told of each request under way: +1, -1."""

    def __init__(self, intake: Intake, reply_headers: dict[str, str], count: Callable[[int], None]) -> None:
        self.intake = intake
        self.count = count
        self._heads: dict[tuple[str, bytes], Known] = {}
        lines = [f"{name}: {value}\r\n" for name, value in reply_headers.items()]
        self._reply = (
            "HTTP/1.1 202 Accepted\r\n" + "".join(lines) + "Content-Type: application/json\r\n"
            "Content-Length: %d\r\nDate: %s\r\n" + f"Server: {SERVER_SOFTWARE}\r\n\r\n"
        ).encode()

    def known(self, head: tuple[str, bytes]) -> Known | None:
        return self._heads.get(head)

    def learn(self, request: web.Request, known: Known) -> None:
        """After the regular way has taken a request."""
        protocol = request.protocol
        if not isinstance(protocol, Connection) or protocol.candidate is None:
            return
        if request.version == HttpVersion11 and request.keep_alive and not any(map(request.headers.get, _UNUSUAL)):
            if len(self._heads) >= HEADS:
                del self._heads[next(iter(self._heads))]
            self._heads[protocol.candidate] = known

    def reply(self, accepted: int) -> bytes:
        body = b'{"accepted":%d,"rejected":[]}' % accepted
        return self._reply % (len(body), rfc822_formatted_time().encode()) + body


class Connection(web.RequestHandler):
    """aiohttp's, with the short way before it.

    It is on a boundary between requests as long as every chunk so far was one whole request; where one was not, it
    keeps to the regular way. Whether aiohttp is waiting for a request is read off `_waiter` and `_messages`.
    """

    __slots__ = ("_express", "_held", "_on_boundary", "_pending", "candidate")

    def __init__(self, manager: web.Server, express: Express, **options: Any) -> None:
        super().__init__(manager, **options)
        self.candidate: tuple[str, bytes] | None = None  # the head of the last request that went the regular way
        self._express = express
        self._on_boundary = True
        self._pending = False
        self._held: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        if self._pending:
            self._hold(data)
            return
        chunk = self._whole(data) if self._on_boundary else None
        if chunk is None:
            self._on_boundary = self._on_boundary and not data  # aiohttp asks itself whether there is more that way
            if data:
                self.candidate = None
            super().data_received(data)
            return
        is_idle = self._is_idle()
        known = self._express.known(chunk.head) if is_idle else None
        if known is None or not self._start(known, chunk.body, data):
            before = len(self._messages)
            super().data_received(data)
            self._on_boundary = len(self._messages) == before + 1 and self._messages[-1][1].is_eof()
            self.candidate = chunk.head if is_idle and self._on_boundary else None

    def _is_idle(self) -> bool:
        """Whether no request is under way the regular way, and this one may be answered."""
        waits = self._waiter is not None or not self._request_count  # the first request may come before the wait for it
        return waits and not self._messages and not self._close and not self._force_close and not self._paused

    def _whole(self, data: bytes) -> _Chunk | None:
        end = data.find(b"\r\n\r\n") + 4
        if not 4 <= end <= HEAD_BYTES or not data.startswith(b"POST "):
            return None
        length = _LENGTH.search(data, 0, end)
        if length is None or int(length[1]) != len(data) - end or len(data) - end > BODY_BYTES:
            return None
        peer = self.peername
        address = peer[0] if isinstance(peer, tuple) else ""
        return _Chunk((address, data[: length.start(1)] + data[length.end(1) : end]), data[end:])

    def _start(self, known: Known, body: bytes, data: bytes) -> bool:
        """False where nothing has happened."""
        began = perf_counter()
        intake = self._express.intake
        try:
            decoded = items(decompress(body, known.encoding, INFLATED_BYTES), known.content_type)
            taken = intake.take_plain(known.grant, decoded.items, known.sender, decoded.sent_at, known.implied)
        except RequestError:
            return False
        if taken is None:
            return False
        self._pending = True
        self._express.count(1)
        taken.durable.add_done_callback(lambda durable: self._finish(durable, taken, began, data))
        return True

    def _finish(self, durable: asyncio.Future[int], taken: Taken, began: float, data: bytes) -> None:
        express = self._express
        express.count(-1)
        self._pending = False
        transport = self.transport
        if transport is None:
            return
        if durable.exception() is None:
            express.intake.kept(taken, perf_counter() - began)
            transport.write(express.reply(taken.admission.accepted))
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        else:
            self._on_boundary = False
            super().data_received(data)  # it was not kept; the regular way tries again, or says why not
        if self._held:
            held, self._held = b"".join(self._held), []
            transport.resume_reading()
            self.data_received(held)

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        if sum(map(len, self._held)) >= HELD_BYTES and self.transport is not None:
            self.transport.pause_reading()
