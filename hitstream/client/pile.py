"""The queue between a program and what sends: bounded, and cut into batches. Neither a lock nor a clock is in it."""

from __future__ import annotations

from collections import deque
from typing import Final

from .options import Options

# Beside its own bytes each event needs a comma, and the batch its brackets and `sent_at`.
_AROUND: Final = 48


class Pile:
    """The oldest first. `added` and `settled` count for ever, so who waits for an event waits for a number.

    Events on their way are in no pile any more and yet held in memory, so the bounds go by what is not settled.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._waiting: deque[tuple[bytes, float]] = deque()  # encoded, since
        self._waiting_bytes = 0
        self._held_bytes = 0
        self.added = 0
        self.settled = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def held(self) -> int:
        return self.added - self.settled

    def fits(self, encoded: bytes) -> bool:
        """Whether it may ever be sent."""
        return len(encoded) + _AROUND <= min(self._options.batch_bytes, self._options.queue_bytes)

    def has_room(self, encoded: bytes) -> bool:
        held = self._held_bytes + len(encoded)
        return self.held < self._options.queue_events and held <= self._options.queue_bytes

    def add(self, encoded: bytes, now: float) -> None:
        self._waiting.append((encoded, now))
        self._waiting_bytes += len(encoded) + 1
        self._held_bytes += len(encoded)
        self.added += 1

    def due(self, now: float) -> float:
        """Seconds until a batch should go, 0 or less where one should now; infinite where nothing waits."""
        if not self._waiting:
            return float("inf")
        options = self._options
        if len(self._waiting) >= options.batch_events or self._waiting_bytes + _AROUND >= options.batch_bytes:
            return 0.0
        return self._waiting[0][1] + options.linger_s - now

    def take(self) -> list[bytes]:
        """The next batch."""
        batch: list[bytes] = []
        size = _AROUND
        while self._waiting and len(batch) < self._options.batch_events:
            encoded = self._waiting[0][0]
            if batch and size + len(encoded) + 1 > self._options.batch_bytes:
                break
            self._waiting.popleft()
            self._waiting_bytes -= len(encoded) + 1
            size += len(encoded) + 1
            batch.append(encoded)
        return batch

    def settle(self, batch: list[bytes]) -> None:
        """Its events are held no more, whatever became of them."""
        self.settled += len(batch)
        self._held_bytes -= sum(map(len, batch))
