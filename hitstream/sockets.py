"""Where unix sockets lie: in the directory of what they belong to, or, where that path is too long, in one of ours."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

_PATH_BYTES: Final = 107  # sun_path holds 108, with its closing zero


def socket_path(directory: Path, name: str) -> Path:
    """The path of the socket `name` of `directory`; the same in every process of this user."""
    path = directory / name
    if len(os.fsencode(path)) <= _PATH_BYTES:
        return path
    digest = hashlib.blake2b(os.fsencode(directory), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"hitstream-{os.getuid()}-{digest}" / name


def make_private(directory: Path) -> None:
    """Makes the directory, or checks that it is ours alone: whoever owns it could put another socket in place."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.lstat().st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to another user")
    directory.chmod(0o700)
