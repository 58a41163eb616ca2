"""A client's program, running as a child as its users run it, and told what to do call by call.

The programs stand in `scripts/`. One reads calls from its input, a JSON array a line, `["track", "user", ...]`; for
each it answers `["done", value]`, and in between it may say `["said", value]`, such as what its client reports to a
callback. When its input ends it leaves as a user's program does, so that what the client flushes on exit is tested.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent.parent
CALL_S: Final = 60.0  # a client may wait for a server that is away
LINE_BYTES: Final = 32 << 20


class Program:
    """said: what it told unasked, so far. log: what it wrote to stderr, where Python's logging goes too."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.said: list[Any] = []
        self.log = ""
        self._process = process
        self._answers: asyncio.Queue[Any] = asyncio.Queue()

    async def do(self, call: str, *arguments: object) -> Any:
        """What the call gave, when it is done."""
        self._tell([call, *arguments])
        async with asyncio.timeout(CALL_S):
            answer = await self._answers.get()
        assert answer is not None, f"the program ended: {self.log}"
        return answer[0]

    async def end(self) -> None:
        """Lets it leave, and waits until it has; it must not have failed."""
        assert self._process.stdin
        self._process.stdin.close()
        async with asyncio.timeout(CALL_S):
            status = await self._process.wait()
        assert status == 0, f"{status}: {self.log}"

    async def listen(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            kind, value = json.loads(line)
            if kind == "said":
                self.said.append(value)
            else:
                self._answers.put_nowait([value])
        self._answers.put_nowait(None)

    async def keep_log(self) -> None:
        assert self._process.stderr
        async for line in self._process.stderr:
            self.log += line.decode(errors="replace")

    def _tell(self, call: list[object]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(call).encode() + b"\n")


@asynccontextmanager
async def python(script: str, *arguments: str, **environment: str) -> AsyncIterator[Program]:
    """`scripts/<script>.py`, run by this Python."""
    async with _running([sys.executable, "-m", f"tests.clients.scripts.{script}", *arguments], environment) as program:
        yield program


@asynccontextmanager
async def node(script: str, *arguments: str, **environment: str) -> AsyncIterator[Program]:
    """`scripts/<script>.mjs`, run by Node, with the packages that the fixture `packages` installs."""
    async with _running(["node", str(HERE / "scripts" / f"{script}.mjs"), *arguments], environment) as program:
        yield program


@asynccontextmanager
async def _running(command: list[str], environment: dict[str, str]) -> AsyncIterator[Program]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=pipe, limit=LINE_BYTES, cwd=ROOT, env={**os.environ, **environment}
    )
    program = Program(process)
    listening = asyncio.gather(program.listen(), program.keep_log())
    try:
        yield program
        if process.returncode is None:
            await program.end()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening
