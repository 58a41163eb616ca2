"""What the measures run on: a real `hitstream serve`, the handlers that it is compared with, and loads.

Every server has a directory of its own under `Bench.root` and a port that the system chose, on the loopback interface.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
import tomllib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import psutil
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from hitstream.datadir import DataDir, Ready
from store.keys import SiteKeys

from .client import Load, Outcome
from .processes import ProcessFailed, asked, end_of, python

START_S: Final = 60.0
VISIBLE_S: Final = 120.0  # how long events may take to become visible, in a load or after it
POLL_S: Final = 0.005  # of the visible count: what a time to visibility can be wrong by, in seconds of load
SAMPLE_S: Final = 0.05  # of memory: a growth that lasts shorter fills no machine
CONNECTIONS: Final = 64
SITE: Final = "demo"

# A load seeks the limit, and what is turned away there is no throughput: nothing is turned away.
UNLIMITED: Final = {
    "HITSTREAM_EVENTS_PER_SECOND": "0",
    "HITSTREAM_OVERLOAD_DELAY_MS": "0",
    "HITSTREAM_SHOP": "-",
    "HITSTREAM_NETWORK": "-",
}


class Bench(Struct, frozen=True):
    """How long and how often to measure; `scale` shortens every load, and figures from below 1 say little."""

    root: Path
    runs: int = 3
    workers: int = 1
    outage_s: float = 60.0
    scale: float = 1.0

    def seconds(self, usual: float) -> float:
        return usual * self.scale

    def count(self, usual: int) -> int:
        """Rounded to whole thousands, so that batches come out even."""
        return max(round(usual * self.scale / 1000), 1) * 1000


class Server:
    """A `hitstream serve` that is ready."""

    def __init__(self, data: DataDir, ready: Ready, redis: Redis) -> None:
        self.redis = redis
        self.valkey_url = f"unix://{data.valkey / 'valkey.sock'}"
        self.keys = SiteKeys(SITE, 1)
        self.port = urlsplit(ready.url).port or 0
        self._keys = tomllib.loads(data.keys.read_text())["sites"]
        self._process = psutil.Process(ready.pid)

    def key(self, kind: str, site: str = SITE) -> str:
        key: str = self._keys[site][kind]
        return key

    def workers(self) -> list[psutil.Process]:
        """The processes that serve requests, so without Valkey and, where there are several, without the one above."""
        children = [child for child in self._process.children(recursive=True) if self._serves(child)]
        return children or [self._process]

    def _serves(self, process: psutil.Process) -> bool:
        try:
            return any(line.laddr.port == self.port for line in process.net_connections("tcp"))
        except psutil.NoSuchProcess:  # one of an engine's that has just ended
            return False

    async def valkey(self) -> psutil.Process:
        return psutil.Process(int((await self.redis.info("server"))["process_id"]))

    async def visible(self) -> int:
        """How many page views of today and yesterday the counters show: a load may run over midnight."""
        now = time.time()
        days = [datetime.fromtimestamp(at, UTC).date().isoformat() for at in (now, now - 86_400)]
        counts = [int(await self.redis.hget(self.keys.count("page_views", day), "total") or 0) for day in days]
        return sum(counts)

    async def all_visible(self, events: int) -> float:
        """Returns when so many page views are visible: epoch s."""
        async with asyncio.timeout(VISIBLE_S):
            while await self.visible() < events:
                await asyncio.sleep(POLL_S)
        return time.time()

    def load(
        self, name: str, *, batch: int = 1, connections: int = CONNECTIONS, seconds: float, rate: float = 0
    ) -> Load:
        """Page views, `batch` a request; `rate` requests a second."""
        return Load(name, self.port, "/v1/events", self.key("write"), batch, connections, seconds, rate)


@asynccontextmanager
async def serving(bench: Bench, name: str, settings: Mapping[str, str] = UNLIMITED) -> AsyncIterator[Server]:
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=bench.root))
    data = DataDir(directory / "data")
    arguments = ("serve", "--data-dir", str(data.root), "--port", "0", "--workers", str(bench.workers))
    async with python("hitstream", *arguments, log=directory / "server.log", settings=settings) as process:
        ready = await _ready(data.root / "ready.json", process, directory / "server.log")
        sock = str(data.valkey / "valkey.sock")
        async with Redis(unix_socket_path=sock, retry=Retry(NoBackoff(), 0), socket_timeout=60) as redis:
            yield Server(data, ready, redis)


async def _ready(path: Path, process: asyncio.subprocess.Process, log: Path) -> Ready:
    async with asyncio.timeout(START_S):
        while (ready := _read(path)) is None:
            if process.returncode is not None:
                raise ProcessFailed(f"the server ended with status {process.returncode}:\n{end_of(log)}")
            await asyncio.sleep(0.02)
    return ready


def _read(path: Path) -> Ready | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Ready)
    except FileNotFoundError:
        return None


class Handler(Struct, frozen=True):
    port: int
    processes: list[psutil.Process]


@asynccontextmanager
async def handling(bench: Bench, module: str, *arguments: str) -> AsyncIterator[Handler]:
    """`module`, a handler to compare with, in as many processes as the product has workers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        async with AsyncExitStack() as stack:
            fd, log = listener.fileno(), bench.root / f"{module}.log"
            processes = [
                await stack.enter_async_context(python(module, str(fd), *arguments, log=log, pass_fds=(fd,)))
                for _ in range(bench.workers)
            ]
            yield Handler(listener.getsockname()[1], [psutil.Process(process.pid) for process in processes])


async def send(load: Load) -> Outcome:
    """Raises `ProcessFailed` where a request was answered with an error: such a figure would mean nothing."""
    async with asked("bench.client", load) as client:
        outcome = await client.answer(Outcome)
    if unexpected := set(outcome.statuses) - {202 if load.batch else 200}:
        raise ProcessFailed(f"load {load.name}: answers with status {sorted(unexpected)}: {outcome.statuses}")
    return outcome


class Spent:
    """What processes cost from here on."""

    def __init__(self, processes: Iterable[psutil.Process]) -> None:
        self._processes = list(processes)
        self._before = self._cpu()

    def cpu_seconds(self) -> float:
        return self._cpu() - self._before

    def _cpu(self) -> float:
        times = [process.cpu_times() for process in self._processes]
        return float(sum(each.user + each.system for each in times))


class Resident:
    """How far the resident memory of processes is above where it stood when this was made, sampled while `sampling`."""

    def __init__(self, processes: Iterable[psutil.Process]) -> None:
        self._idle = {process: process.memory_info().rss for process in processes}
        self.samples: list[tuple[float, int]] = []  # (epoch s, bytes of the one that grew most)

    @property
    def peak(self) -> int:
        return max(growth for _, growth in self.samples)

    @asynccontextmanager
    async def sampling(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._sample(), name="sample resident memory")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _sample(self) -> None:
        while True:
            growth = max(process.memory_info().rss - idle for process, idle in self._idle.items())
            self.samples.append((time.time(), growth))
            await asyncio.sleep(SAMPLE_S)
