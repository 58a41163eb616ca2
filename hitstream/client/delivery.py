"""One batch, from its first try until each of its events is settled. Decides everything and does no I/O.

    delivery = Delivery(batch, options, draw)
    while not delivery.done():
        pause = delivery.after(post(delivery.request(now_ms)), now_ms)
        wait(pause)

| reply | what follows |
|---|---|
| 202, or 400 `nothing_accepted` | settled; the rejected ones are reported |
| none, 408, 429, 5xx | the same again, later |
| 413 | the two halves, one after the other; a single event is rejected |
| any other | all are rejected with the problem's code: another try would change nothing |
"""

from __future__ import annotations

import gzip
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from random import Random
from typing import Any, Final

from .options import Options
from .outcome import GIVEN_UP, Rejection, rejection

# An event that was sent before may have been counted, and the server knows its id for 24 hours.
GIVE_UP_MS: Final = 20 * 3_600_000
LONGEST_RETRY_AFTER_S: Final = 300.0  # a proxy's mistake must not silence a program for a day
SPREAD: Final = 0.25  # of Retry-After is added at random: not all who were told the same come back at once

_TRY_AGAIN: Final = (408, 429)


@dataclass(frozen=True, slots=True)
class Request:
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class NoReply:
    """stale: a connection that had been idle was found closed, which says nothing about the server."""

    reason: str
    stale: bool = False


class Delivery:
    """`accepted`, `rejections` and `retries` grow while it lasts; what is `unsettled` shrinks."""

    def __init__(self, batch: list[bytes], options: Options, draw: Random) -> None:
        self.batch = batch
        self._options = options
        self._draw = draw
        self._parts = deque([batch])  # the first is the one that is being tried
        self._tries = 0  # of the first part
        self._began: int | None = None
        self.accepted = 0
        self.rejections: list[Rejection] = []
        self.retries = 0

    def done(self) -> bool:
        return not self._parts

    def unsettled(self) -> list[bytes]:
        return [encoded for part in self._parts for encoded in part]

    def request(self, now: int) -> Request:
        """`now`: epoch ms; with it the server corrects the times of a sender whose clock is wrong."""
        if self._began is None:
            self._began = now
        body = b'{"sent_at":%d,"batch":[%b]}' % (now, b",".join(self._parts[0]))
        headers = {"Content-Type": "application/json"}
        if len(body) >= self._options.gzip_bytes:
            body = gzip.compress(body, compresslevel=5)
            headers["Content-Encoding"] = "gzip"
        return Request(body, headers)

    def after(self, reply: Reply | NoReply, now: int) -> float:
        """Takes the reply to the last request; seconds to wait before the next, where there is one."""
        if isinstance(reply, NoReply):
            return self._again("", now, at_once=reply.stale and self._tries == 0)
        if reply.status in _TRY_AGAIN or reply.status >= 500:
            return self._again(reply.retry_after, now)
        if reply.status == 413 and len(self._parts[0]) > 1:
            self._halve()
            return 0.0
        self._settle(reply)
        return 0.0

    def _again(self, retry_after: str, now: int, *, at_once: bool = False) -> float:
        assert self._began is not None
        if now - self._began > GIVE_UP_MS:
            self._reject_all(GIVEN_UP, "was tried for 20 hours; a later try might count it twice")
            return 0.0
        self._tries += 1
        self.retries += 1
        if at_once:
            return 0.0
        options = self._options
        longest = min(options.longest_backoff_s, options.backoff_s * 2 ** min(self._tries - 1, 30))
        asked = min(seconds(retry_after, now), LONGEST_RETRY_AFTER_S)
        return max(self._draw.uniform(0, longest), asked * (1 + self._draw.uniform(0, SPREAD)))

    def _halve(self) -> None:
        part = self._parts.popleft()
        middle = len(part) // 2
        self._parts.extendleft((part[middle:], part[:middle]))
        self._tries = 0

    def _settle(self, reply: Reply) -> None:
        answer = _members(reply.body)
        if reply.status != 202 and answer.get("code") != "nothing_accepted":
            code, message = answer.get("code"), answer.get("message")
            self._reject_all(
                str(code or f"http_{reply.status}"),
                str(message or f"the server answers {reply.status}; is it a Hitstream at all?"),
            )
            return
        part = self._parts.popleft()
        self._tries = 0
        refused = [
            rejection(each["index"], str(each.get("code", "")), str(each.get("message", "")), part[each["index"]])
            for each in _refused(answer)
            if isinstance(each.get("index"), int) and 0 <= each["index"] < len(part)
        ]
        self.rejections += refused
        self.accepted += len(part) - len(refused)

    def _reject_all(self, code: str, message: str) -> None:
        part = self._parts.popleft()
        self._tries = 0
        self.rejections += [rejection(index, code, message, encoded) for index, encoded in enumerate(part)]


def seconds(retry_after: str, now: int) -> float:
    """What a Retry-After asks for: seconds, or until a date. 0 where it is missing or nonsense."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now / 1000)


def _members(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refused(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found = answer.get("rejected")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
