"""Our own format, in the shape of a dialect: to be examined like the others."""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs

from ingest.decode import items
from ingest.dialects.keys import in_header
from ingest.dialects.wire import Dialect, Endpoint, Message, Outcome, Reply, Translation, encoded
from store.errors import RequestError
from store.keys import STREAM_OF
from store.site import Presented

NAME: Final = "hitstream"

_BASE: Final = "/v1/"


def implied(path: str) -> str | None:
    """The type that follows from the address."""
    type_ = path.removeprefix(_BASE)
    return type_ if type_ in STREAM_OF else None


def _read(message: Message) -> Translation:
    found = items(message.body, message.headers.get(hdrs.CONTENT_TYPE, ""))
    key = (
        in_header(message, "bearer") or in_header(message, "basic") or Presented(message.headers.get("X-Write-Key", ""))
    )
    return Translation(key, found.items, list(range(len(found.items))), len(found.items), found.sent_at)


def _accept(_: Message, __: Translation, outcome: Outcome) -> Reply:
    rejected = [{"index": each.index, "code": each.code, "message": each.message} for each in outcome.rejections]
    body = encoded({"accepted": outcome.taken, "rejected": rejected})
    return Reply(202 if outcome.taken else 400, body)


def _refuse(_: Message, error: RequestError, status: int) -> Reply:
    return Reply(status, encoded({"status": status, "code": error.code, "message": error.message}))


OWN: Final = Dialect(
    NAME,
    tuple(Endpoint(("POST",), f"{_BASE}{path}", _read, _accept, _refuse) for path in ("events", *STREAM_OF)),
)
