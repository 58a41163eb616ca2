"""The Prometheus metrics of questions. Label values come from closed sets: nothing that a client sent is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from store.errors import RequestError

Endpoint = Literal["realtime", "comparison", "timeseries", "top", "activity", "funnel"]

ENDPOINTS: Final[tuple[Endpoint, ...]] = get_args(Endpoint)

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One instance a worker, on the registry it is given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "hitstream_query_seconds", "From a question to its answer.", ["endpoint"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._errors = Counter(
            "hitstream_query_errors", "Questions that got no answer, by error code.", ["endpoint", "code"],
            registry=registry,
        )  # fmt: skip
        self.live_readers = Gauge("hitstream_live_readers", "Open live streams.", registry=registry)
        self.live_dropped = Counter(
            "hitstream_live_dropped", "Events that a live reader was too slow for.", registry=registry
        )
        for endpoint in ENDPOINTS:  # so that each is there before its first question
            self._seconds.labels(endpoint)

    @contextmanager
    def measured(self, endpoint: Endpoint) -> Iterator[None]:
        """Times what is answered, and counts what is not."""
        began = perf_counter()
        with self.refusals(endpoint):
            yield
        self._seconds.labels(endpoint).observe(perf_counter() - began)

    @contextmanager
    def refusals(self, endpoint: Endpoint | Literal["live"]) -> Iterator[None]:
        try:
            yield
        except RequestError as error:
            self._errors.labels(endpoint, error.code).inc()
            raise
