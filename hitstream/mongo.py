"""The embedded database of the network: SecantusDB from its wheel, a beta that speaks MongoDB's protocol.

    async with Mongo(directory) as mongo:
        client = AsyncMongoClient(mongo.url)

It is under the GPL, so it runs as a program of its own and nothing of it is imported. It knows no unix sockets: it
listens on a port of the loopback interface and lets nobody in without the password that is made here once. While the
block lasts, one that dies is started again on the same port; at its end it is stopped in order. What is in it is
`social`'s.

    port       of the last start, which the next takes again where it is free     password   0600
    data/      the database                                                       pid, mongo.log, secantusd.toml

The server can be told of a user only while it asks for none. So that is done once, before the first start in earnest,
on data that nothing has been written to and on a port that nobody has been told.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import signal
import socket
import sysconfig
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from . import leash
from .datadir import replace_private
from .engines import STOP_S, Engine, EngineFailed

log = logging.getLogger(__name__)

USER: Final = "hitstream"
HOST: Final = "127.0.0.1"
PROGRAM: Final = "secantusd-py"
CACHE: Final = "256M"  # the working set of a network on one machine; what is beyond comes from the disk
# Its user owns all databases of a server that is ours alone, and may not make users.
ROLES: Final = ("readWriteAnyDatabase", "dbAdminAnyDatabase")

START_S: Final = 120.0  # recovery after a crash reads its log
_PING_MS: Final = 10_000  # it listens by then; to be let in takes long on a busy machine
_POLL_S: Final = 0.05
_HEARD_S: Final = 1.0


class Mongo(Engine):
    """See the module. `directory` is made where it is missing, and is the server's alone.

    sync: what is acknowledged is on the disk. Without, a crash loses what its log's buffer held.
    """

    name = "SecantusDB"
    log_name = "mongo.log"
    stops_by = signal.SIGTERM
    ends_by = signal.SIGKILL

    def __init__(self, directory: Path, *, sync: bool = True) -> None:
        super().__init__(directory)
        self._sync = sync
        self._reserved: socket.socket | None = None

    @property
    def url(self) -> str:
        """Of the server that runs on the directory; of the one that will, once `settle` was called."""
        return f"{self._url(self._port(), f'{USER}:{self._password()}@')}&authSource=admin"

    def settle(self) -> None:
        """Chooses the port, so that the URL can be told before the server is there."""
        if self._reserved is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Kept for as long as the server may run, and never listened on: the port stays ours while it is away.
            self._reserved = _reserve(self._port())
            replace_private(self._directory / "port", str(self._reserved.getsockname()[1]))

    def _url(self, port: int, who: str = "") -> str:
        return f"mongodb://{who}{HOST}:{port}/hitstream?directConnection=true"

    def _port(self) -> int:
        try:
            return int((self._directory / "port").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    @property
    def _pid_file(self) -> Path:
        return self._directory / "pid"

    def _clear(self) -> None:
        if self._reserved:
            self._reserved.close()
            self._reserved = None
        self._pid_file.unlink(missing_ok=True)

    def _password(self) -> str:
        """Made once. Whoever can read the file can read the data beside it."""
        path = self._directory / "password"
        if not path.exists():
            replace_private(path, secrets.token_urlsafe(24))
        return path.read_text()

    async def _start(self) -> None:
        """Returns when the server answers to the password. Raises `EngineFailed`."""
        self.settle()
        (self._directory / "secantusd.toml").touch()  # or it would look for one that is not ours
        await _end_orphan(self._pid_file, self._directory)
        if not self._data.exists():
            await self._create()
        await self._run(self._data, self._port(), "--auth")
        await self._until_answers(self._port(), self.url)

    async def _create(self) -> None:
        """Makes the data with its user beside their place and moves them there whole: half-made ones are not used."""
        unfinished = self._directory / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        with _reserve(0) as reserved:
            port = reserved.getsockname()[1]
            await self._run(unfinished, port)
            await self._until_answers(port, self._url(port), create=self._password())
            await self._stop()
        unfinished.rename(self._data)

    async def _run(self, data: Path, port: int, *options: str) -> None:
        with open(self._directory / self.log_name, "ab") as output:  # noqa: ASYNC230 - a local file, once a start
            self._process = await asyncio.create_subprocess_exec(
                *leash.command(
                    _program(), "--config", str(self._directory / "secantusd.toml"), "--host", HOST,
                    "--port", str(port), "--storage-path", str(data), "--cache-size", CACHE, "--log-level", "WARNING",
                    *(["--sync-on-commit"] if self._sync else []), *options,
                ),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a Ctrl-C in the terminal is ours to handle: it must outlive our draining
            )  # fmt: skip
        self._pid_file.write_text(str(self._process.pid))

    async def _until_answers(self, port: int, url: str, *, create: str = "") -> None:
        process = self._process
        assert process
        try:
            async with asyncio.timeout(START_S):
                while not (await _listens(port) and await _answers(url, create)):
                    if process.returncode is not None:
                        raise EngineFailed(f"SecantusDB ended with status {process.returncode}:\n{self._log_end()}")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise EngineFailed(f"SecantusDB was not ready after {START_S:.0f} s:\n{self._log_end()}") from error


async def _listens(port: int) -> bool:
    """Whether anybody does; asked first, because MongoDB's client waits long before it tries again."""
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except ConnectionError:
        return False
    writer.close()
    return True


async def _answers(url: str, create: str) -> bool:
    """Whether the server is there and lets us in; makes the user with the password `create` where one is given."""
    options: dict[str, Any] = {"serverSelectionTimeoutMS": _PING_MS, "timeoutMS": _PING_MS}
    try:
        async with AsyncMongoClient[dict[str, Any]](url, **options) as client:
            if create:
                await client.admin.command("createUser", USER, pwd=create, roles=list(ROLES))
            else:
                await client["hitstream"].list_collection_names()
    except PyMongoError:  # not there yet, or recovering
        return False
    return True


def _reserve(port: int) -> socket.socket:
    """A socket bound to the port, or to a free one where that is taken. The server asks for reuse as this does, so it
    may bind it too."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        reserved.bind((HOST, port))
    except OSError:
        reserved.bind((HOST, 0))
    return reserved


def _program() -> str:
    path = Path(sysconfig.get_path("scripts")) / PROGRAM
    if not path.exists():
        raise EngineFailed("the package SecantusDB is not installed: install it, or give mongo_url")
    return str(path)


async def _end_orphan(pid_file: Path, directory: Path) -> None:
    """Ends the server that an earlier process left behind, and returns when it is gone.

    It was on a leash, so its SIGTERM is already on its way, unless it was stopped or is busy. One that came while it
    was stopped may be taken by a thread that does nothing about it, and another would be taken for the same; but it
    heeds a SIGINT, too, and bears both.
    """
    pid = _holder(pid_file, directory)
    if pid is None:
        return
    log.warning("ending a SecantusDB that an earlier server left behind", extra={"pid": pid})
    steps = (((signal.SIGCONT, signal.SIGTERM), _HEARD_S), ((signal.SIGINT,), STOP_S), ((signal.SIGKILL,), STOP_S))
    for numbers, patience in steps:
        for number in numbers:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while _holder(pid_file, directory) == pid:
                    await asyncio.sleep(_POLL_S)
                return
    raise EngineFailed(f"process {pid} holds {directory} and does not end")


def _holder(pid_file: Path, directory: Path) -> int | None:
    """The pid of the server that runs on the data; the file alone proves nothing: numbers are given anew."""
    try:
        pid = int(pid_file.read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    places = {os.fsencode(directory / name) for name in ("data", "data.new")}
    return pid if places.intersection(words) else None
