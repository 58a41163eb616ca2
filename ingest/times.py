"""When an event happened: what the sender says, corrected by the sender's clock and held against ours.

Times are epoch milliseconds UTC. Our clock is an argument.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import floor, isfinite
from typing import Final

from .rejection import Refusal

MAX_AHEAD_MS: Final = 60_000  # how far clocks differ that are meant to be right
MAX_AGE_MS: Final = 30 * 86_400_000
# A clock can be wrong by any time, but a `sent_at` older than this is likelier that of a batch kept and sent again.
MAX_SKEW_MS: Final = 86_400_000

_MAX_TEXT: Final = 40  # ISO 8601 with nanoseconds and an offset has 35
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_COMPACT_DATE: Final = 8  # digits of 20260131; a number in text that is longer is epoch milliseconds


def event_time(timestamp: object, now: int, skew: int, *, any_age: bool) -> int:
    """The time of an event whose `timestamp` may be absent (now), ISO 8601 (naive is UTC) or epoch ms.

    A time up to a minute ahead is now. Refuses what is further ahead, or older than 30 days; with `any_age`, what is
    before 1970.
    """
    if timestamp is None or timestamp == "":
        return now
    at = parse(timestamp, "timestamp") + skew
    if at > now:
        if at > now + MAX_AHEAD_MS:
            raise Refusal("in_future", f"timestamp must be at most {MAX_AHEAD_MS // 1000} s in the future")
        return now
    if any_age:
        if at < 0:
            raise Refusal("too_old", "timestamp must not be before 1970")
    elif at < now - MAX_AGE_MS:
        raise Refusal("too_old", f"timestamp must be at most {MAX_AGE_MS // 86_400_000} days old")
    return at


def skew(sent_at: object, now: int) -> int:
    """How far the sender's clock is behind ours; 0 where `sent_at` does not tell."""
    if sent_at is None:
        return 0
    try:
        behind = now - parse(sent_at, "sent_at")
    except Refusal:
        return 0
    return behind if abs(behind) <= MAX_SKEW_MS else 0


def parse(value: object, name: str) -> int:
    """Epoch milliseconds of ISO 8601 text or of a number. Refuses in the name of the field."""
    if type(value) is str:
        return _from_text(value.strip(), name)
    if type(value) is int:
        return value
    if type(value) is float and isfinite(value):
        return floor(value)
    raise Refusal("invalid_type", f"{name} must be ISO 8601 text or epoch milliseconds")


def _from_text(value: str, name: str) -> int:
    if len(value) <= _MAX_TEXT:
        if value.isascii() and value.isdigit() and len(value) > _COMPACT_DATE:
            return int(value)
        try:
            moment = datetime.fromisoformat(value if value[-1:] != "z" else value.upper())
        except ValueError:
            pass
        else:
            return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MS
    raise Refusal("invalid_timestamp", f"{name} must be ISO 8601 such as 2026-01-31T12:00:00Z, or epoch milliseconds")
