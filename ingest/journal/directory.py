"""Where a journal lives and whose it is: `<root>/<journal id>/`, owned by the process that holds its `lock` (flock).

    <root>/                                 0700
        0018f3c2a4b10-9f03c1d2/             0700  one journal: epoch ms in hex, so ids sort by age, and 8 random digits
            lock                            0600  the kernel frees it with its owner, however that ends
            0000000000000000.log            0600  segments, named by the position of their first byte
        aside/                              0700  damaged bytes, kept for a person; nothing here deletes them
            <journal id>-<segment>-<offset>.bad
        past/                               0700  what deleted segments ended with (`past`)

Nothing here is asynchronous, and each call may block on the disk.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

_JOURNAL_ID: Final = re.compile(r"[0-9a-f]{13}-[0-9a-f]{8}\Z")
_SEGMENT: Final = re.compile(r"([0-9a-f]{16})\.log\Z")
_LOCK: Final = "lock"


def create(root: Path, now: int) -> tuple[Path, int]:
    """A new journal's directory, durable, and its lock, held."""
    _make(root)
    while True:
        path = root / f"{now:013x}-{secrets.token_hex(4)}"
        path.mkdir(0o700)
        if (lock := take(path)) is not None:  # else another worker was quicker, and clears the empty journal away
            sync(root)
            return path, lock


def take(path: Path) -> int | None:
    """The lock of a journal as a descriptor, held until that is closed; None where another has it, or it is gone."""
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The owner before may have removed the journal between the open and the flock: then this file is no one's.
        if os.path.samestat(os.fstat(lock), (path / _LOCK).stat()):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None


def remove(path: Path) -> None:
    """Removes a journal whose segments are deleted, and whose lock is held. On return no crash brings them back."""
    if segments(path):
        raise OSError(errno.ENOTEMPTY, "the journal still has segments", str(path))
    sync(path)
    (path / _LOCK).unlink()
    with suppress(OSError):  # a worker that looks for orphans may have taken the empty directory, and removes it
        path.rmdir()


def journals(root: Path) -> list[str]:
    """The ids of all journals, the oldest first, whether their owners live or not."""
    try:
        return sorted(name for name in os.listdir(root) if _JOURNAL_ID.match(name))
    except FileNotFoundError:
        return []


def segment_name(start: int) -> str:
    return f"{start:016x}.log"


def segments(path: Path) -> list[int]:
    """The positions at which a journal's segments begin, ascending."""
    return sorted(int(found[1], 16) for name in os.listdir(path) if (found := _SEGMENT.match(name)))


def set_aside(path: Path, segment: int, offset: int, data: bytes) -> None:
    """Keeps the damaged bytes of a segment; those that are kept already stay as they are."""
    aside = path.parent / "aside"
    aside.mkdir(0o700, exist_ok=True)
    try:
        kept = os.open(aside / f"{path.name}-{segment:016x}-{offset}.bad", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with open(kept, "wb") as file:
        file.write(data)


def sync(path: Path) -> None:
    """Makes the entries of a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make(root: Path) -> None:
    if not root.is_dir():
        _make(root.parent)
        root.mkdir(0o700, exist_ok=True)
        sync(root.parent)
