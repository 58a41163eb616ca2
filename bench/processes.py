"""Starting other processes so that none outlives us: not its block, not Ctrl-C, not our own death.

Each runs in a session of its own, so a terminal's Ctrl-C reaches only us, and on a leash (`hitstream.leash`).
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from hitstream import leash

ROOT: Final = Path(__file__).resolve().parent.parent
STOP_S: Final = 30.0  # after SIGTERM; a server drains for up to 10

# What an operator has set for a server of his own is not what is measured here.
_ENVIRONMENT: Final = {name: value for name, value in os.environ.items() if not name.startswith("HITSTREAM_")}
_NOTHING: Final[Mapping[str, str]] = {}

Answer = TypeVar("Answer", bound=Struct)


class ProcessFailed(Exception):
    """A process ended with an error, or in the middle of its work."""


@asynccontextmanager
async def python(
    module: str,
    *arguments: str,
    log: Path,
    pass_fds: Sequence[int] = (),
    settings: Mapping[str, str] = _NOTHING,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m module arguments...` while the block lasts; output goes to `log`; `settings`: environment."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *leash.command(sys.executable, "-m", module, *arguments),
            cwd=ROOT,
            env={**_ENVIRONMENT, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=pass_fds,
            start_new_session=True,
        )
    try:
        yield process
        if process.returncode is not None:
            raise ProcessFailed(f"{module} ended with status {process.returncode}:\n{end_of(log)}")
    finally:
        await _end(process)


class Asked:
    """A process that is asked one question on its standard input and gives one answer."""

    def __init__(self, module: str, process: asyncio.subprocess.Process) -> None:
        self._module = module
        self._process = process

    async def is_ready(self) -> None:
        """Returns when it has said so on its standard error; only for one that does."""
        assert self._process.stderr
        if await self._process.stderr.readline() != b"ready\n":
            raise ProcessFailed(f"{self._module}: {(await self._process.stderr.read()).decode()[-2000:]}")

    async def answer(self, kind: type[Answer]) -> Answer:
        output, errors = await self._process.communicate()
        if self._process.returncode:
            raise ProcessFailed(f"{self._module}: {errors.decode()[-2000:]}")
        return msgspec.json.decode(output, type=kind)


@asynccontextmanager
async def asked(module: str, question: Struct) -> AsyncIterator[Asked]:
    process = await asyncio.create_subprocess_exec(
        *leash.command(sys.executable, "-m", module),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdin
        process.stdin.write(msgspec.json.encode(question))
        process.stdin.write_eof()
        yield Asked(module, process)
    finally:
        await _end(process)


async def output_of(*words: str) -> str:
    """What a short-lived program writes."""
    process = await asyncio.create_subprocess_exec(
        *leash.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        output, errors = await process.communicate()
    finally:
        await _end(process)
    if process.returncode:
        raise ProcessFailed(f"{words[0]}: {errors.decode()[-2000:]}")
    return output.decode()


def end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
