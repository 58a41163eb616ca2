"""How a client batches, waits and gives up. The defaults suit a web application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """See each field's comment. Raises ValueError for what cannot work."""

    # A batch is sent when it holds so many events or so many bytes (the server takes 5,000 and a mebibyte), or when its
    # oldest event has waited for `linger_s`.
    batch_events: int = 500
    batch_bytes: int = 256 << 10
    linger_s: float = 1.0

    # What may wait, what is being sent included. When it is full, "drop" leaves out the new event and reports it
    # (`queue_full`), for a page must not wait for its statistics; "wait" makes the caller wait.
    queue_events: int = 10_000
    queue_bytes: int = 16 << 20
    when_full: Literal["drop", "wait"] = "drop"

    # Of one try, from connecting to the end of the reply (`Client`: of each wait for the network within it). The server
    # itself answers within three seconds or refuses.
    timeout_s: float = 10.0

    # Before a next try: at first up to the one, doubled each time up to the other, a random part of it. A server that
    # says Retry-After is not asked sooner.
    backoff_s: float = 0.25
    longest_backoff_s: float = 30.0

    # For `close()`, and so for the end of the program; what is not sent by then is reported (`unsent`).
    close_s: float = 5.0

    # Bodies of so many bytes are compressed; below, it saves less than a packet.
    gzip_bytes: int = 2 << 10

    def __post_init__(self) -> None:
        for name in ("batch_events", "batch_bytes", "queue_events", "queue_bytes", "timeout_s", "backoff_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")
        for name in ("linger_s", "close_s", "gzip_bytes"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        if self.batch_events > 5_000:
            raise ValueError("batch_events must be at most 5,000: the server takes no more at once")
        if self.batch_bytes > 1_000_000:
            raise ValueError("batch_bytes must be at most 1,000,000: the server takes a mebibyte")
        if self.longest_backoff_s < self.backoff_s:
            raise ValueError("longest_backoff_s must not be less than backoff_s")
        if self.when_full not in ("drop", "wait"):
            raise ValueError("when_full must be 'drop' or 'wait'")
