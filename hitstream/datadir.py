"""The data directory: what lies where in it, whose it is at the moment, and how a file in it is replaced.

lock         held by the server that runs on it
ready.json   {"url", "pid"} while it serves
secret       hex; keys every hash; made once
keys.toml    the keys of sites that the configuration gives none (`hitstream.keyfile`)
journal/     the workers' journals (`ingest.journal`)
valkey/      the embedded engines'
postgres/
mongo/
imports/     how far each import has come
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

SECRET_BYTES: Final = 32


class Unusable(Exception):
    """The data directory cannot be used; the text says why."""


class InUse(Unusable):
    """Another server runs on it."""


class Ready(Struct, frozen=True):
    """What `ready.json` tells of the server that runs."""

    url: str
    pid: int


class DataDir:
    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.journal = self.root / "journal"
        self.valkey = self.root / "valkey"
        self.postgres = self.root / "postgres"
        self.mongo = self.root / "mongo"
        self.imports = self.root / "imports"
        self.keys = self.root / "keys.toml"
        self._secret = self.root / "secret"
        self._ready = self.root / "ready.json"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Makes the directory where it is missing, and holds it for one server. Raises `Unusable` and `InUse`."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unusable(f"cannot keep data in {self.root}: {error.strerror}") from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InUse(f"another server runs on {self.root}") from error
            yield
        finally:
            os.close(descriptor)

    def secret(self) -> bytes | None:
        """The secret that was made here; None where none was yet. Raises `Unusable` where the file is damaged."""
        try:
            found = bytes.fromhex(self._secret.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Unusable(f"cannot read {self._secret}: {error}") from error
        if len(found) != SECRET_BYTES:  # empty, perhaps: to go on with another would make strangers of all visitors
            raise Unusable(f"{self._secret} is damaged: it holds {len(found)} bytes, not {SECRET_BYTES}")
        return found

    def make_secret(self) -> bytes:
        made = secrets.token_bytes(SECRET_BYTES)
        replace_private(self._secret, made.hex() + "\n")
        return made

    @contextmanager
    def ready(self, ready: Ready) -> Iterator[None]:
        """`ready.json` is there while the block lasts."""
        replace_private(self._ready, msgspec.json.encode(ready).decode() + "\n")
        try:
            yield
        finally:
            self.not_ready()

    def not_ready(self) -> None:
        """Takes away what a killed server may have left as well."""
        self._ready.unlink(missing_ok=True)

    def find_ready(self) -> Ready | None:
        """The server that runs here; None where none says so."""
        with suppress(FileNotFoundError):
            return msgspec.json.decode(self._ready.read_bytes(), type=Ready)
        return None


def replace_private(path: Path, text: str) -> None:
    """Writes a file that only its owner may read, all of it or nothing, also when the machine stops half way."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
