"""When people come: busy in the evening, asleep at four in the morning, a little more at the weekend. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from math import cos, pi
from random import Random
from typing import Final

HIGHEST: Final = 1.39 * 1.06  # of `intensity`

_WEEKEND: Final = 1.06
_WEEKDAY: Final = 0.976  # so that a week's mean is 1


def intensity(at_ms: int, zone: tzinfo) -> float:
    """How busy the moment is; the mean over a week is 1."""
    moment = datetime.fromtimestamp(at_ms / 1000, zone)
    turn = 2 * pi * (moment.hour + moment.minute / 60 - 3.5) / 24  # from the quietest moment, 3:30
    share = 1 - 0.55 * cos(turn) - 0.2 * cos(2 * turn)
    return share * (_WEEKEND if moment.weekday() >= 5 else _WEEKDAY)


def arrivals(draw: Random, start_ms: int, per_day: float, zone: tzinfo) -> Iterator[int]:
    """Moments (epoch ms), for ever: a Poisson process whose rate follows the hour, thinned from its highest."""
    at = float(start_ms)
    mean_ms = 86_400_000 / (per_day * HIGHEST)
    while True:
        at += draw.expovariate(1 / mean_ms)
        if draw.random() * HIGHEST < intensity(int(at), zone):
            yield int(at)
