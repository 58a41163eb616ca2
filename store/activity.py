"""One line of a user's activity list: what the user did, in as few bytes as say it."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class Act(Struct, frozen=True, array_like=True):
    """`what` is the page's URL or the event's type or name; `detail` its title, message, or value ('19.99 USD')."""

    at: int
    type: str
    what: str
    detail: str


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Act)


def encode(act: Act) -> str:
    return _encoder.encode(act).decode()


def decode(line: bytes) -> Act:
    return _decoder.decode(line)
