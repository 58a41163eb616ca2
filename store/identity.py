"""Keyed hashes: how a visitor, an event id and a funnel step are named in Redis without their text.

BLAKE2b with the deployment's secret as its key (RFC 7693), so nobody outside can choose texts that collide, and each
purpose with a personalisation of its own, so a user's hash says nothing about an event id of the same letters.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

STEP_BITS: Final = 40  # as many as the trail has room for: 10,000 names collide with probability 5e-5


class Identity:
    """The hashes of one deployment. `secret`: 16 to 64 bytes, the same for every process that shares the Redis."""

    def __init__(self, secret: bytes) -> None:
        if not 16 <= len(secret) <= 64:
            raise ValueError("the secret must be 16 to 64 bytes long")
        self._user = blake2b(digest_size=8, key=secret, person=b"hitstream user")
        self._event = blake2b(digest_size=8, key=secret, person=b"hitstream event")
        self._visit = blake2b(digest_size=8, key=secret, person=b"hitstream visit")
        self._step = blake2b(digest_size=STEP_BITS // 8, key=secret, person=b"hitstream step")

    def user(self, site: str, user: str) -> int:
        """64 bits, unsigned: the user in the trail, in the HyperLogLogs and in the name of the activity list."""
        return int.from_bytes(_digest(self._user, site, user), "little")

    def event(self, site: str, event_id: str) -> int:
        """64 bits, signed (as an intset stores them) and never 0, which means 'no id'."""
        return int.from_bytes(_digest(self._event, site, event_id), "little", signed=True) or 1

    def visit(self, site: str, session: str) -> str:
        """16 hex digits: the session that a client named, among the open sessions."""
        return _digest(self._visit, site, session).hex()

    def step(self, site: str, step: str) -> int:
        """40 bits of `page:/path`, `conversion:type`, `error:type` or `event:name`."""
        return int.from_bytes(_digest(self._step, site, step), "little")


def _digest(keyed: blake2b, site: str, text: str) -> bytes:
    state = keyed.copy()  # the keyed block is hashed once, not once a call
    state.update(f"{site}\0{text}".encode())
    return state.digest()
