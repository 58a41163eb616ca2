"""When the requests of an open loop are due: as visitors come, independent of each other and of the server. Pure."""

from __future__ import annotations

from random import Random


def due_times(rate: float, seconds: float, seed: int) -> list[float]:
    """Seconds from the start, rising, all below `seconds`: a Poisson process of `rate` a second.

    Made before the load begins. What is late is then late by a time that no slow reply can move.
    """
    draw = Random(seed)
    found: list[float] = []
    at = draw.expovariate(rate)
    while at < seconds:
        found.append(at)
        at += draw.expovariate(rate)
    return found
