"""Messages as dialects read them, written by hand, and what is made of them: pure, without any server."""

from __future__ import annotations

import json
from typing import Any, Final

from multidict import CIMultiDict, MultiDict

from ingest.dialects.trial import tried
from ingest.dialects.wire import Endpoint, Message, Outcome, Reply, Translation
from ingest.rejection import Rejection
from store.event import Event

NOW: Final = 1_795_435_200_000  # 2026-11-23T12:00:00Z


def message(body: object = b"", query: dict[str, str] | None = None, **headers: str) -> Message:
    """`body`: as it is sent, or what is sent as JSON. A header's name has _ for -."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Message({}, MultiDict(query or {}), found, sent, NOW)


def events(endpoint: Endpoint, sent: Message) -> list[Event]:
    """What a message becomes; all of it is taken."""
    found = tried(endpoint.read(sent), sent)
    assert [each.rejection for each in found if each.rejection] == []
    return [each.event for each in found if each.event]


def answered(endpoint: Endpoint, sent: Message, refused: dict[int, Rejection] | None = None) -> Reply:
    """The reply where these of its items were rejected and the others taken."""
    translation: Translation = endpoint.read(sent)
    rejections = [Rejection(index, each.code, each.message) for index, each in (refused or {}).items()]
    return endpoint.accept(sent, translation, Outcome(len(translation.items) - len(rejections), rejections))


def decoded(reply: Reply) -> Any:
    return json.loads(reply.body)
