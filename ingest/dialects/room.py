"""What a message holds while it is under way: memory for its body, and the time that it may wait.

Where the body's length is known its memory is held at once, else as it comes: clients that stream send a small body as
if it had no end, and thirty at a time.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Final, Self

from store.errors import RequestError

from ..errors import Overloaded
from ..intake import Intake

NOBODY: Final = ""  # the account that bodies are held on until their sender is known; no site is called so
STEP_BYTES: Final = 16 << 10  # then twice as much, and so on
LEAST_WAIT_S: Final = 0.05  # between two tries


class Room:
    """One message's. `patience_s`: how long it may wait, all in all, for what passes by itself."""

    def __init__(self, intake: Intake, patience_s: float) -> None:
        self._intake = intake
        self._left_s = patience_s
        self._held_bytes = 0
        self._rooms = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._rooms.close()

    async def enter(self, size: int) -> None:
        """For a body of so many bytes. Raises Overloaded."""
        while True:
            try:
                return self._hold(size)
            except Overloaded as error:
                await self.wait(error)

    def grow(self, size: int) -> None:
        """The body has become so long. Raises Overloaded."""
        while size > self._held_bytes:
            self._hold(max(STEP_BYTES, self._held_bytes))

    async def wait(self, error: RequestError) -> None:
        """Until it may be tried again; raises the error where that is too long."""
        wait_s = max(error.retry_after or 0, LEAST_WAIT_S)
        if wait_s > self._left_s:
            raise error
        self._left_s -= wait_s
        await asyncio.sleep(wait_s)

    def _hold(self, size: int) -> None:
        self._rooms.enter_context(self._intake.room(NOBODY, size))
        self._held_bytes += size
