"""How many events a key may send: a token bucket a key, refilled at `rate` events a second up to `burst`.

A request is let in while the bucket holds a whole event and may take it below zero, so a batch larger than the burst
is not refused for ever; the debt is paid before the next one.
"""

from __future__ import annotations

from msgspec import Struct

from store.site import Grant

from .errors import RateLimited


class Rate(Struct, frozen=True):
    """events: a second; 0 means unlimited. burst: events that may come at once after a quiet time."""

    events: float
    burst: float


class Limits:
    """The buckets of one worker: with N workers a key may send up to N times its rate."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._buckets: dict[tuple[str, str], tuple[float, int]] = {}  # (site, kind) -> events left, at (epoch ms)

    def check(self, grant: Grant, now: int) -> None:
        """Raises RateLimited while the key's bucket holds no whole event."""
        left = self._left(grant, now)
        if left < 1:
            raise RateLimited(retry_after=(1 - left) / self._rate.events)

    def take(self, grant: Grant, events: int, now: int) -> None:
        """Counts events that were let in."""
        if self._rate.events:
            self._buckets[grant.site.id, grant.kind] = (self._left(grant, now) - events, now)

    def _left(self, grant: Grant, now: int) -> float:
        if not self._rate.events:
            return 1.0
        left, at = self._buckets.get((grant.site.id, grant.kind), (self._rate.burst, now))
        return min(self._rate.burst, left + max(0, now - at) * self._rate.events / 1000)
