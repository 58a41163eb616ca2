"""The Prometheus metrics of the shop. Label values come from closed sets: nothing that a client sent is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from store.errors import RequestError

_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class Metrics:
    """One instance a process, on the registry it is given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "hitstream_commerce_seconds", "From a question about the shop to its answer.", ["read"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._errors = Counter(
            "hitstream_commerce_errors", "Questions about the shop that got no answer, by error code.",
            ["read", "code"], registry=registry,
        )  # fmt: skip
        self.orders = Counter("hitstream_commerce_orders", "Orders written from the stream.", registry=registry)
        self.refunds = Counter("hitstream_commerce_refunds", "Refunds written from the stream.", registry=registry)
        self.refused = Counter(
            "hitstream_commerce_refused", "Entries that can never be an order or refund: dead letters.",
            registry=registry,
        )  # fmt: skip
        self.views = Counter("hitstream_commerce_product_views", "Views counted for a product.", registry=registry)
        self.drift = Gauge(
            "hitstream_commerce_drift", "Rows that disagree, by what the last check compared.", ["check"],
            registry=registry,
        )  # fmt: skip
        self.snapshot_as_of = Gauge(
            "hitstream_commerce_snapshot_timestamp_seconds", "When a snapshot was rebuilt last.", ["snapshot"],
            registry=registry,
        )  # fmt: skip
        self.snapshot_seconds = Gauge(
            "hitstream_commerce_snapshot_seconds", "How long its last rebuild took.", ["snapshot"], registry=registry,
        )  # fmt: skip

    @contextmanager
    def measured(self, read: str) -> Iterator[None]:
        started = perf_counter()
        try:
            yield
        except RequestError as error:
            self._errors.labels(read, error.code).inc()
            raise
        self._seconds.labels(read).observe(perf_counter() - started)
