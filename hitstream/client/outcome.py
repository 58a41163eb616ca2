"""What became of events: those that will not be counted, one by one, and figures of all."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

log = logging.getLogger("hitstream.client")

# Why this side gave an event up. Other codes are the server's (its documentation lists them).
QUEUE_FULL: Final = "queue_full"
TOO_LARGE: Final = "too_large"
GIVEN_UP: Final = "given_up"  # tried for too long
UNSENT: Final = "unsent"  # when the client closed; some of it may have arrived all the same
CLOSED: Final = "closed"  # made after that


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event that is given up.

    index: its place in the request that the server answered; -1 where it was in none.
    code, message: the reason, a stable word and a sentence.
    event: as it was sent.
    """

    index: int
    code: str
    message: str
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stats:
    """queued: waiting or on their way. retries: requests that were sent again."""

    accepted: int = 0
    rejected: int = 0
    queued: int = 0
    retries: int = 0


OnReject = Callable[[Rejection], None]


def rejection(index: int, code: str, message: str, encoded: bytes) -> Rejection:
    return Rejection(index, code, message, json.loads(encoded))


def report(rejections: Sequence[Rejection], on_reject: OnReject | None) -> None:
    """Tells the program, or else the log, in one line however many they are. No failure of the program's gets out."""
    if not rejections:
        return
    if on_reject is None:
        first = rejections[0]
        log.warning("%d events were not taken, the first one because: %s", len(rejections), first.message)
        return
    for each in rejections:
        try:
            on_reject(each)
        except Exception:  # it is not ours, and the next events are to be sent all the same
            log.exception("on_reject failed")
