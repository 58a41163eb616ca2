"""`/metrics`: the Prometheus metrics of all workers, whichever of them is asked.

With one worker it is its registry. With several each tells its metrics to whoever connects to its socket, and the one
that is asked gathers them, with a label `worker`. They are not summed: the counters of a worker that died begin at
zero again, which a rate over a sum would take for traffic.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from .sockets import make_private, socket_path

log = logging.getLogger(__name__)

DEADLINE_S: Final = 2.0  # for a neighbour; Prometheus itself waits for ten
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Family(Struct, frozen=True, array_like=True):
    """A metric as it travels between workers. `samples`: name, labels, value."""

    name: str
    help: str
    type: str
    samples: list[tuple[str, dict[str, str], float]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Family])


class Exposition:
    """One worker's. `sockets`: the directory that all workers of the machine share."""

    def __init__(self, registry: CollectorRegistry, number: int, workers: int, sockets: Path) -> None:
        self._registry = registry
        self._number = number
        self._workers = workers
        self._sockets = sockets

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Neighbours are answered while the block lasts."""
        if self._workers == 1:
            yield
            return
        path = self._path(self._number)
        make_private(path.parent)
        server = await asyncio.start_unix_server(self._tell, path)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)

    async def text(self) -> bytes:
        """All workers' metrics in Prometheus' text format."""
        if self._workers == 1:
            return generate_latest(self._registry)
        told = await asyncio.gather(*(self._ask(number) for number in range(self._workers)))
        return generate_latest(_Merged(told))

    def _path(self, number: int) -> Path:
        return socket_path(self._sockets, f"worker-{number}.sock")

    def _families(self) -> list[Family]:
        return [
            Family(
                metric.name, metric.documentation, metric.type, [(s.name, s.labels, s.value) for s in metric.samples]
            )
            for metric in self._registry.collect()
        ]

    async def _tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(_encoder.encode(self._families()))
            async with asyncio.timeout(DEADLINE_S):
                await writer.drain()
        except (OSError, TimeoutError):
            pass  # whoever asked does without
        finally:
            writer.close()

    async def _ask(self, number: int) -> list[Family]:
        """A worker's metrics; none where it does not answer, for it may be starting."""
        if number == self._number:
            return self._families()
        try:
            async with asyncio.timeout(DEADLINE_S):
                reader, writer = await asyncio.open_unix_connection(self._path(number))
                try:
                    return _decoder.decode(await reader.read())
                finally:
                    writer.close()
        except (OSError, TimeoutError, msgspec.DecodeError):
            log.warning("a worker does not tell its metrics", extra={"worker": number})
            return []


class _Merged(Collector):
    """The metrics of several workers, each sample labelled with whose it is."""

    def __init__(self, told: Iterable[list[Family]]) -> None:
        self._told = list(told)

    def collect(self) -> Iterable[Metric]:
        merged: dict[str, Metric] = {}
        for number, families in enumerate(self._told):
            for family in families:
                metric = merged.setdefault(family.name, Metric(family.name, family.help, family.type))
                for name, labels, value in family.samples:
                    metric.add_sample(name, {**labels, "worker": str(number)}, value)
        return merged.values()
