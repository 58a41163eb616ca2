"""What a dialect is made of: how another product's requests are read, and in which words they are answered.

A dialect translates and nothing else. Its functions are pure; the way of a request through them, and everything that
our own calls promise (limits, admission, the journal), is `ingest.dialects.http`'s.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from msgspec import Struct

from store.errors import RequestError
from store.site import Presented

from ..body import BODY_BYTES
from ..decode import EXCERPT_BYTES, Undecodable, bounded, mended
from ..errors import NotJson
from ..rejection import Code, Rejection

JSON: Final = "application/json"

_LONGEST_WHOLE: Final = 20  # characters of an integer that 64 bits hold
_LEAST, _GREATEST = -(1 << 63), (1 << 64) - 1


class Message(Struct, frozen=True):
    """A request. path: what the route's braces hold. body: without its content encoding. now: epoch ms.

    `headers` are found whatever their case; of a parameter that is there twice, `query` gives the first.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    now: int


class Translation(Struct, frozen=True):
    """What a message says in our words.

    items: events as `ingest.admit` takes them (an `Undecodable` for what cannot be one), none where the message is
    only to be acknowledged. places: for each item, which of the message's own parts it came from, counted from 0.
    parts: how many of those there were. sent_at: the sender's clock, as it was sent.
    token: a second key, which lends its rights where it is of the same site, and names the site where `presented`
    names none. others: what the same message says to other sites; their places count the same parts.
    """

    presented: Presented
    items: list[object]
    places: list[int]
    parts: int
    sent_at: object = None
    token: Presented | None = None
    others: tuple[Translation, ...] = ()


class Outcome(Struct, frozen=True):
    """What became of a translation: taken are its events that are safe, those known already among them.

    refused: for each part that is for another site and was not taken there, why.
    """

    taken: int
    rejections: Sequence[Rejection] = ()
    refused: Mapping[int, RequestError] = {}

    def by_place(self, translation: Translation) -> dict[int, list[Rejection | RequestError]]:
        """What was not taken, by the message's own parts. Both have a `code` and a `message`."""
        places = [place for each in (translation, *translation.others) for place in each.places]
        found: dict[int, list[Rejection | RequestError]] = {place: [error] for place, error in self.refused.items()}
        for rejection in self.rejections:
            found.setdefault(places[rejection.index], []).append(rejection)
        return found


class Reply(Struct, frozen=True):
    """says_when: whether a Retry-After is added, where the error has one. closes: whether it ends the connection."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = {}
    says_when: bool = True
    closes: bool = False


class Endpoint(Struct, frozen=True):
    """An address that takes events.

    read raises a RequestError where the message as a whole cannot be understood. refuse answers for that, and for
    everything that keeps a message from being taken; `status` is what one of our own calls would answer with, and a
    Retry-After is added where the error has one.

    body_bytes: on the wire, as many as its clients send at once. patience_s: how long a message waits here until the
    key's rate or the worker's load lets it in, where its clients would lose it for they never send again; shorter than
    they wait for an answer.
    """

    methods: tuple[str, ...]
    path: str
    read: Callable[[Message], Translation]
    accept: Callable[[Message, Translation, Outcome], Reply]
    refuse: Callable[[Message, RequestError, int], Reply]
    body_bytes: int = BODY_BYTES
    patience_s: float = 0.0


class Settings(Struct, frozen=True):
    """An address that a client asks for its settings before it sends. The answer holds nothing of any site."""

    methods: tuple[str, ...]
    path: str
    answer: Callable[[Message], Reply]


class Dialect(Struct, frozen=True):
    """headers: what its clients in browsers send beside ours, for the preflight."""

    name: str
    endpoints: tuple[Endpoint, ...]
    settings: tuple[Settings, ...] = ()
    headers: tuple[str, ...] = ()


def encoded(value: object) -> bytes:
    return orjson.dumps(value)


def refused(code: Code, message: str, sent: object) -> Undecodable:
    """Stands where an event would that this dialect has no word for."""
    try:
        excerpt = orjson.dumps(sent)[:EXCERPT_BYTES]
    except orjson.JSONEncodeError:  # it is nested too deep
        excerpt = b""
    return Undecodable(code, message, excerpt)


def loads(text: bytes) -> Any:
    """JSON as clients that nobody can change write it: Python's send NaN and Infinity, which become floats here and
    null where they are stored, JavaScript's half an emoji, and others control characters and bytes that are no UTF-8.

    Raises `NotJson`, and `TooLarge` where it holds more values than a body may.
    """
    bounded(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(mended(text).decode("utf-8-sig", "replace"), parse_int=_whole, strict=False)
    except (ValueError, OverflowError, RecursionError) as error:
        raise NotJson("the body is not JSON") from error


def _whole(digits: str) -> int | float:
    """As orjson has it: beyond 64 bits a float."""
    if len(digits) <= _LONGEST_WHOLE and _LEAST <= (number := int(digits)) <= _GREATEST:
        return number
    return float(digits)
