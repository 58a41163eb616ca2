"""How far an import has come, in a file of the data directory, so that a stopped one goes on where it was."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from hitstream.datadir import replace_private

from . import ImportFailed


class Progress(Struct, frozen=True):
    """Of an import of one file with one mapping to one site.

    rows: how many have been dealt with. accepted, refused: events, by the server. unreadable: rows that gave no event.
    """

    rows: int = 0
    accepted: int = 0
    refused: int = 0
    unreadable: int = 0
    done: bool = False


class ProgressFile:
    """`identity` names what is imported; the file is named after it and after the imported file."""

    def __init__(self, directory: Path, name: str, identity: str) -> None:
        self._path = directory / f"{name}.{identity}.hitstream-progress"

    def read(self) -> Progress:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Progress)
        except FileNotFoundError:
            return Progress()
        except msgspec.DecodeError as error:
            raise ImportFailed(f"{self._path} is damaged; remove it to begin again") from error

    def write(self, progress: Progress) -> None:
        replace_private(self._path, msgspec.json.encode(progress).decode() + "\n")

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)
