"""The events, as admitted: frozen structs, one for each kind, and the codec that the journal stores them with.

An event here is already decoded, validated and normalised (`ingest.admit`); nothing downstream checks it again.
Adding a field is safe at the end of a struct and with a default: older journals then still decode.

    kind        struct       what names it (its *step* in a funnel)
    page_view   PageView     page:<path of url>
    conversion  Conversion   conversion:<conversion_type>
    error       Error        error:<error_type>
    event       Custom       event:<name>
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct


class Agent(Struct, frozen=True, array_like=True):
    """What is kept of a user agent: three members of closed sets (`store.attributes`), never the raw header."""

    browser: str = "other"
    os: str = "other"
    device: str = "other"

    def __str__(self) -> str:
        return f"{self.browser}/{self.os}/{self.device}"


class Base(Struct, frozen=True, array_like=True, kw_only=True):
    """What every event has.

    at: event time, epoch milliseconds UTC, corrected by the sender's clock.
    user: `user_id`, else `anonymous_id`, else the cookieless id of the day.
    session: the client's session id, or '' where sessions follow from the visitor's pauses.
    dedup: keyed 64-bit hash (signed) of (site, event_id); 0 where the client gave no event_id.
    """

    at: int
    user: str
    session: str
    agent: Agent
    dedup: int


class PageView(Base, frozen=True, array_like=True, kw_only=True, tag="page_view"):
    """`url` is normalised; `source` is the referrer's host or '' for direct; `utm` keeps only utm_* parameters.

    `properties` is a JSON object, encoded, or '' where none was sent.
    """

    url: str
    referrer: str
    source: str
    channel: str
    title: str
    utm: dict[str, str]
    properties: str = ""


class Conversion(Base, frozen=True, array_like=True, kw_only=True, tag="conversion"):
    """`minor` is the value in the currency's minor units (cents, yen, fils); negative for a refund.

    `properties` is a JSON object, encoded. `trusted` is true where a server key sent it.
    """

    conversion_type: str
    minor: int
    currency: str
    properties: str
    trusted: bool


class Error(Base, frozen=True, array_like=True, kw_only=True, tag="error"):
    error_type: str
    message: str
    context: str


class Custom(Base, frozen=True, array_like=True, kw_only=True, tag="event"):
    name: str
    properties: str
    trusted: bool


Event = PageView | Conversion | Error | Custom

# Custom events that a page's tracker sends by itself and that are nothing a visitor did: they show how long a session
# lasts, and neither begin one nor keep it from being a bounce.
SIGNS: Final = frozenset({"engagement", "not_found", "web_vitals"})


class Record(Struct, frozen=True, array_like=True):
    """What one request brought for one site: the unit that the journal appends."""

    site: str
    events: list[Event]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


def encode(record: Record) -> bytes:
    return _encoder.encode(record)


def decode(payload: bytes | memoryview) -> Record:
    """Raises `msgspec.DecodeError` (or its `ValidationError`) where the bytes are not a record."""
    return _decoder.decode(payload)
