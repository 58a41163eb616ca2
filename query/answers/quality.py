"""What every answer says of its own numbers: when it was read, and which are exact and which estimated."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

HLL_STANDARD_ERROR: Final = 0.0081  # 1.04 / sqrt(2^14 registers), as Redis documents its HyperLogLog


class Precision(Struct, frozen=True, omit_defaults=True):
    """`standard_error` is relative: 0.0081 means that two in three estimates are within 0.81 % of the truth."""

    exact: bool
    standard_error: float | None = None


EXACT: Final = Precision(exact=True)
ESTIMATED: Final = Precision(exact=False, standard_error=HLL_STANDARD_ERROR)


class Ranking(Struct, frozen=True):
    """Of a leaderboard. `cut_off` is what its members that are no longer kept had scored together.

    While nothing was cut off the ranking is exact; afterwards a member may lack what it had scored before a cut.
    """

    exact: bool
    cut_off: int | str


def iso(zone: ZoneInfo, at: int) -> str:
    """The instant `at` (epoch ms) on the zone's clock, with its offset and to the millisecond."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).isoformat(timespec="milliseconds")


def iso_minute(zone: ZoneInfo, minute: int) -> str:
    """The beginning of a bucket (epoch minute), likewise, to the second."""
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).isoformat()
