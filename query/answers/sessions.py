"""Figures of sessions: how many, how many of them were one event only, and how long they lasted.

A session counts in the bucket that it began in, with all of its duration, and may still go on: until 30 minutes
without an event have passed it grows, and a bounce may stop being one. What a page tells by itself
(`store.event.SIGNS`) lengthens a session and is else no event of it.
"""

from __future__ import annotations

from msgspec import Struct


class Sessions(Struct, frozen=True):
    """Both means are None where there is no session."""

    count: int
    bounce_rate: float | None
    avg_duration_s: float | None


def figures(count: int, bounces: int, duration_ms: int) -> Sessions:
    """`bounces` of the `count` sessions held one event; together they lasted `duration_ms`."""
    if count <= 0:
        return Sessions(0, None, None)
    # Bounds hold for the data, too; a commit between two reads of a pipeline could pass them by one.
    return Sessions(count, min(max(bounces, 0) / count, 1.0), round(max(duration_ms, 0) / count / 1000, 3))
