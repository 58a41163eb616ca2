"""The Prometheus metrics of the network. Label values come from closed sets: nothing that a client sent is one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge

from store.measuring import Measured


class Metrics:
    """One instance a process, on the registry it is given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._questions = Measured(registry, "hitstream_social", "read", " about the network")
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

    def measured(self, read: str) -> AbstractContextManager[None]:
        return self._questions.answering(read)
