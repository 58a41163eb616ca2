"""One import, from a file to what the person who started it is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
from msgspec import Struct

from . import ImportFailed
from .bar import Bar
from .mapping import Columns, Unmappable
from .progress import Progress, ProgressFile
from .rows import Layout, Source, digest
from .sending import BATCH_BYTES, BATCH_EVENTS, Outcome, Sender

TOLD: Final = 50  # faults that are told one by one; of the others, how many

_encoder = msgspec.json.Encoder()


class Task(Struct, frozen=True):
    """What is to be imported, how it is read, and where it goes."""

    file: Path
    layout: Layout
    columns: Columns
    url: str
    key: str
    site: str


class Result(Struct, frozen=True):
    """`faults`: the first of this run, by line. `found`: how far an earlier run had come."""

    progress: Progress
    faults: list[tuple[int, str]]
    found: int


class Batch(Struct):
    """Events on their way, with the lines that they come from, and how many rows they end after."""

    encoded: list[bytes] = []
    lines: list[int] = []
    size_bytes: int = 0
    rows: int = 0


async def run(task: Task, directory: Path, *, again: bool) -> Result:
    """Imports what an earlier run has not; all of it where `again`. Raises `ImportFailed`."""
    try:
        identity = _identity(task)
        source = Source(task.file)
    except OSError as error:
        raise ImportFailed(f"cannot read {task.file}: {error.strerror or error}") from error
    kept = ProgressFile(directory, task.file.name, identity)
    if again:
        kept.forget()
    found = kept.read()
    with closing(source):
        if found.done:
            return Result(found, [], found.rows)
        async with aiohttp.ClientSession() as session:
            importing = _Import(task, identity, source, kept, Sender(session, task.url, task.key))
            return await importing.run(found)


def _identity(task: Task) -> str:
    """Names the content, what is made of it, and whose it is: the same rows read otherwise are other events."""
    how = _encoder.encode([digest(task.file), task.layout, task.columns, task.site])
    return blake2b(how, digest_size=8).hexdigest()


class _Import:
    def __init__(self, task: Task, identity: str, source: Source, kept: ProgressFile, sender: Sender) -> None:
        self._task = task
        self._identity = identity
        self._source = source
        self._kept = kept
        self._sender = sender
        self._faults: list[tuple[int, str]] = []
        self._bar = Bar(task.file.name, source.size_bytes, sys.stderr)

    async def run(self, found: Progress) -> Result:
        progress = found
        try:
            for batch in self._batches(found.rows):
                outcome = await self._sender.send(batch.encoded) if batch.encoded else Outcome(0, [])
                progress = self._after(progress, batch, outcome)
                self._kept.write(progress)
                self._bar.show(self._source.position, progress.accepted - found.accepted)
        except (OSError, EOFError) as error:
            raise ImportFailed(f"cannot read {self._task.file} to its end: {error}") from error
        finally:
            self._bar.clear()
        progress = msgspec.structs.replace(progress, done=True)
        self._kept.write(progress)
        return Result(progress, sorted(self._faults), found.rows)

    def _batches(self, skip: int) -> Iterator[Batch]:
        """The rows after the first `skip`, in order; the last batch may be of rows that give no event."""
        batch = Batch()
        for number, row in enumerate(self._source.rows(self._task.layout)):
            if number < skip:
                continue
            try:
                if row.fault:
                    raise Unmappable(row.fault)
                encoded = self._encoded(number, self._task.columns.event(row.values))
            except Unmappable as fault:
                self._faults.append((row.line, str(fault)))
            else:
                if len(batch.encoded) == BATCH_EVENTS or batch.size_bytes + len(encoded) > BATCH_BYTES:
                    batch.rows = number
                    yield batch
                    batch = Batch()
                batch.encoded.append(encoded)
                batch.lines.append(row.line)
                batch.size_bytes += len(encoded) + 1
            batch.rows = number + 1
        yield batch

    def _encoded(self, number: int, event: dict[str, Any]) -> bytes:
        event.setdefault("event_id", f"{self._identity}-{number}")
        encoded = _encoder.encode(event)
        if len(encoded) > BATCH_BYTES:
            raise Unmappable("is too large for an event")
        return encoded

    def _after(self, progress: Progress, batch: Batch, outcome: Outcome) -> Progress:
        self._faults += [(batch.lines[refused.index], refused.message) for refused in outcome.rejected]
        rows = max(batch.rows, progress.rows)
        return Progress(
            rows=rows,
            accepted=progress.accepted + outcome.accepted,
            refused=progress.refused + len(outcome.rejected),
            unreadable=progress.unreadable + (rows - progress.rows) - len(batch.encoded),
        )
