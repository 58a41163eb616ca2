"""What a dialect reads, written by hand, and what `ingest.admit` makes of it at a site."""

from __future__ import annotations

import json
from typing import Any, Final

from multidict import CIMultiDict

from ingest.admit import Admission, Context, admit
from ingest.dialects.fitting import fit
from ingest.dialects.wire import Message, Translation
from store.identity import Identity
from store.site import Site

NOW: Final = 1_795_449_600_000  # 2026-11-23T16:00:00Z
AT: Final = "2026-11-23T15:59:00Z"
AT_MS: Final = NOW - 60_000


def message(
    body: object,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    path: dict[str, str] | None = None,
) -> Message:
    """body: bytes as they are, all else as Python's clients encode it."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(path or {}, query or {}, CIMultiDict(headers or {}), data, NOW)


def admitted(translation: Translation) -> Admission:
    """What the items become on their whole way, at a site whose currency is USD."""
    context = Context(
        site=Site("shop"),
        trusted=False,
        now=NOW,
        sent_at=translation.sent_at,
        identity=Identity(b"0123456789abcdef"),
        salt=b"salt",
    )
    return admit([fit(item, "USD")[0] for item in translation.items], context)


def without_nothing(item: object) -> Any:
    """The item without the fields that say nothing."""
    return {name: value for name, value in item.items() if value is not None} if isinstance(item, dict) else item
