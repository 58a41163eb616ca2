"""The Prometheus metrics of the network. Label values come from closed sets: nothing that a client sent is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
            "hitstream_social_seconds", "From a question about the network to its answer.", ["read"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._errors = Counter(
            "hitstream_social_errors", "Questions about the network that got no answer, by error code.",
            ["read", "code"], registry=registry,
        )  # fmt: skip
        self._actions = Counter(
            "hitstream_social_actions", "Events of the stream that changed the network, by their name.", ["name"],
            registry=registry,
        )  # fmt: skip
        self._ignored = Counter(
            "hitstream_social_ignored", "Those that rightly changed nothing, by why; `waiting`: for what they are of.",
            ["reason"], registry=registry,
        )  # fmt: skip
        self.lag = Gauge(
            "hitstream_social_lag", "Entries of the events stream that the projector has not come to.",
            registry=registry,
        )  # fmt: skip
        self.refused = Counter(
            "hitstream_social_refused", "Entries that can never be an action of the network: dead letters.",
            registry=registry,
        )  # fmt: skip
        self.drift = Gauge(
            "hitstream_social_drift", "Counters that disagree with their edges, by what the last recount compared.",
            ["counter"], registry=registry,
        )  # fmt: skip

    def happened(self, actions: Mapping[str, int], ignored: Mapping[str, int]) -> None:
        """A batch of the stream was projected."""
        for name, count in actions.items():
            self._actions.labels(name).inc(count)
        for reason, count in ignored.items():
            self._ignored.labels(reason).inc(count)

    @contextmanager
    def measured(self, read: str) -> Iterator[None]:
        started = perf_counter()
        try:
            yield
        except RequestError as error:
            self._errors.labels(read, error.code).inc()
            raise
        self._seconds.labels(read).observe(perf_counter() - started)
