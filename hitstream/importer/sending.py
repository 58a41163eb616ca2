"""Events to the server, batch by batch; what it is too busy for is sent again when it says so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

import aiohttp
import msgspec
from msgspec import Struct

from . import ImportFailed

log = logging.getLogger(__name__)

BATCH_EVENTS: Final = 1_000  # more would save little: a request costs less than a tenth of what its events do
BATCH_BYTES: Final = 900_000  # the server takes a mebibyte
DEADLINE_S: Final = 60.0
PATIENCE_S: Final = 120.0  # for a server that does not answer at all
PAUSE_S: Final = (0.1, 5.0)  # between tries, doubled from the first to the second


class Refused(Struct, frozen=True):
    """An event that the server did not take. `index`: its place in the batch."""

    index: int
    message: str


class Outcome(Struct, frozen=True):
    accepted: int
    rejected: list[Refused]


class Sender:
    def __init__(self, session: aiohttp.ClientSession, url: str, key: str) -> None:
        self._session = session
        self._url = f"{url.rstrip('/')}/v1/events"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    async def send(self, encoded: Sequence[bytes]) -> Outcome:
        """Returns when the server has dealt with every event. Raises `ImportFailed`."""
        body = b"[" + b",".join(encoded) + b"]"
        pause, longest = PAUSE_S
        clock = asyncio.get_running_loop().time
        gives_up = clock() + PATIENCE_S
        while True:
            try:
                async with asyncio.timeout(DEADLINE_S):
                    outcome, wait = await self._post(body)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if clock() > gives_up:
                    raise ImportFailed(f"{self._url} does not answer: {str(error) or type(error).__name__}") from error
                outcome, wait = None, pause
                pause = min(pause * 2, longest)
            else:
                gives_up = clock() + PATIENCE_S
            if outcome:
                return outcome
            log.debug("sending again", extra={"after_s": wait})
            await asyncio.sleep(wait)

    async def _post(self, body: bytes) -> tuple[Outcome | None, float]:
        """The outcome, or None and after how many seconds to try again."""
        async with self._session.post(self._url, data=body, headers=self._headers) as reply:
            answer = await reply.read()
            if reply.status in (429, 503):
                return None, float(reply.headers.get("Retry-After", "1"))
        if reply.status == 202 or (reply.status == 400 and _code(answer) == "nothing_accepted"):
            return msgspec.json.decode(answer, type=Outcome), 0.0
        raise ImportFailed(f"the server answers {reply.status}: {_message(answer)}")


def _member(answer: bytes, name: str) -> str:
    try:
        problem: dict[str, Any] = msgspec.json.decode(answer, type=dict[str, Any])
    except msgspec.DecodeError:
        return ""
    return str(problem.get(name, ""))


def _code(answer: bytes) -> str:
    return _member(answer, "code")


def _message(answer: bytes) -> str:
    return _member(answer, "message") or answer[:200].decode(errors="replace")
