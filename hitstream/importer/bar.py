"""A progress bar on a terminal; on anything else nothing, for a log needs the end result only."""

from __future__ import annotations

from time import monotonic
from typing import Final, TextIO

WIDTH: Final = 30
EVERY_S: Final = 0.1


class Bar:
    def __init__(self, name: str, total: int, out: TextIO) -> None:
        self._name = name
        self._total = max(1, total)
        self._out = out
        self._shows = out.isatty()
        self._began = self._shown_at = monotonic()

    def show(self, position: int, events: int) -> None:
        """`position` of the total, and how many events were sent by this run."""
        now = monotonic()
        if not self._shows or now - self._shown_at < EVERY_S:
            return
        self._shown_at = now
        share = min(1.0, position / self._total)
        filled = round(share * WIDTH)
        rate = events / (now - self._began)
        bar = "#" * filled + "." * (WIDTH - filled)
        self._out.write(f"\r{self._name}  [{bar}] {share:4.0%}  {events:,} events  {rate:,.0f}/s \x1b[K")
        self._out.flush()

    def clear(self) -> None:
        if self._shows:
            self._out.write("\r\x1b[K")
            self._out.flush()
