"""Where clients of other products put their key: a header, or an address."""

from __future__ import annotations

import binascii
from base64 import b64decode

from aiohttp import hdrs

from store.site import Presented

from .wire import Message


def in_header(message: Message, scheme: str) -> Presented | None:
    """The token of `Authorization: Bearer`, or the user name of `Authorization: Basic`."""
    name, _, rest = message.headers.get(hdrs.AUTHORIZATION, "").strip().partition(" ")
    if name.lower() != scheme:
        return None
    key = rest.strip()
    if scheme == "basic":
        try:
            key = b64decode(key, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return Presented(key) if key else None


def in_body(value: object) -> Presented | None:
    return Presented(value) if isinstance(value, str) and value else None


def in_address(message: Message, name: str) -> Presented | None:
    """Where a secret key may not stand, for it ends up in logs."""
    return Presented(key, in_url=True) if (key := message.query.get(name)) else None
