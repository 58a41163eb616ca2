"""What is remembered of deleted segments: up to where their journal's events were in Redis when they went.

A Redis that is restored from a backup may lack events that no journal holds any more. Where the journal is still there,
its own numbers tell how many; where it is gone, only this does.

    <root>/past/<journal id>    {"<partition>": seq}, replaced as a whole, durable before a segment is deleted

Nothing here is asynchronous, and each call may block on the disk.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from . import directory

KEEP_PAST_MS: Final = 30 * 86_400_000  # from the journal's beginning; who restores an older backup knows what it lacks

_Ends = dict[int, int]
_decoder = msgspec.json.Decoder(_Ends)


def note(root: Path, journal: str, ends: Mapping[int, int]) -> None:
    """Remembers for each partition the highest seq that is deleted. One thread at a time for a journal."""
    past = root / "past"
    past.mkdir(0o700, exist_ok=True)
    file, draft = past / journal, past / f"{journal}.new"
    known = _read(file)
    ends = {**known, **{partition: max(seq, known.get(partition, 0)) for partition, seq in ends.items()}}
    with draft.open("wb") as written:
        written.write(msgspec.json.encode(ends))
        written.flush()
        os.fsync(written.fileno())
    draft.replace(file)
    directory.sync(past)


def notes(root: Path) -> dict[str, dict[int, int]]:
    """Journal -> partition -> its highest seq that is deleted."""
    past = root / "past"
    try:
        return {name: _read(past / name) for name in sorted(os.listdir(past)) if not name.endswith(".new")}
    except FileNotFoundError:
        return {}


def read(root: Path, journal: str) -> dict[int, int]:
    """The journal's note; nothing where nothing of it was deleted."""
    return _read(root / "past" / journal)


def forget(root: Path, journal: str) -> None:
    (root / "past" / journal).unlink(missing_ok=True)


def began_at(journal: str) -> int:
    """Epoch ms, which a journal's id begins with."""
    return int(journal.partition("-")[0], 16)


def _read(file: Path) -> dict[int, int]:
    try:
        return _decoder.decode(file.read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return {}
