"""The Prometheus metrics of the shop. Label values come from closed sets: nothing that a client sent is one."""

from __future__ import annotations

from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge

from store.measuring import Measured


class Metrics:
    """One instance a process, on the registry it is given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._questions = Measured(registry, "hitstream_commerce", "read", " about the shop")
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

    def measured(self, read: str) -> AbstractContextManager[None]:
        return self._questions.answering(read)
