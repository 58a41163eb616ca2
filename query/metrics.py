"""The Prometheus metrics of questions. Label values come from closed sets: nothing that a client sent is one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge

from store.measuring import Measured

Endpoint = Literal["realtime", "comparison", "timeseries", "top", "activity", "funnel"]

ENDPOINTS: Final[tuple[Endpoint, ...]] = get_args(Endpoint)


class Metrics:
    """One instance a worker, on the registry it is given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._questions = Measured(registry, "hitstream_query", "endpoint")
        self.live_readers = Gauge("hitstream_live_readers", "Open live streams.", registry=registry)
        self.live_dropped = Counter(
            "hitstream_live_dropped", "Events that a live reader was too slow for.", registry=registry
        )
        for endpoint in ENDPOINTS:  # so that each is there before its first question
            self._questions.announce(endpoint)

    def measured(self, endpoint: Endpoint) -> AbstractContextManager[None]:
        """Times what is answered, and counts what is not."""
        return self._questions.answering(endpoint)

    def refusals(self, endpoint: Endpoint | Literal["live"]) -> AbstractContextManager[None]:
        return self._questions.refusing(endpoint)
