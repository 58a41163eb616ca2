"""The Prometheus metrics of ingestion. Label values come from closed sets: nothing that a visitor sent is one."""

from __future__ import annotations

from collections import Counter as TypeCounter
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from store.commit import METRIC_OF
from store.event import Event

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One instance a worker, on the registry it is given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.accepted = Counter(
            "hitstream_events_accepted", "Events acknowledged to their senders.", ["type"], registry=registry
        )
        self.rejected = Counter(
            "hitstream_events_rejected",
            "Events refused, by the reason told to their senders.",
            ["code"],
            registry=registry,
        )
        self.refused = Counter(
            "hitstream_requests_refused",
            "Ingest requests refused as a whole, by error code.",
            ["code"],
            registry=registry,
        )
        self.shed = Counter(
            "hitstream_requests_shed", "Ingest requests turned away as overload, by what had run out.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self.ack_seconds = Histogram(
            "hitstream_ack_seconds", "From the end of a request's body to its acknowledgement.",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.committed = Counter("hitstream_events_committed", "Events applied to Redis.", registry=registry)
        self.duplicates = Counter(
            "hitstream_events_duplicate",
            "Events left out because their event_id was counted before.",
            registry=registry,
        )
        self.commit_seconds = Histogram(
            "hitstream_commit_seconds", "Duration of one commit call.", buckets=_SECONDS, registry=registry
        )
        self.commit_failures = Counter(
            "hitstream_commit_failures", "Commits that failed or are in doubt, by class of error.", ["error"],
            registry=registry,
        )  # fmt: skip
        self.commit_notes = Counter(
            "hitstream_commit_notes", "Keys set aside and writes failed inside commits; the log names them.",
            registry=registry,
        )  # fmt: skip
        self.replayed = Counter(
            "hitstream_events_replayed", "Events read from the journal again because Redis had lost them.",
            registry=registry,
        )  # fmt: skip
        self.gap_events = Counter(
            "hitstream_events_lost", "Events that no journal could replay, by reason.", ["reason"], registry=registry
        )
        self.damaged = Counter(
            "hitstream_journal_damages", "Stretches of a journal that could not be read, by reason.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self.stream_entries_lost = Counter(
            "hitstream_stream_entries_lost", "Stream entries cut before a slow consumer group had read them.",
            registry=registry,
        )  # fmt: skip
        self.copies_dropped = Counter(
            "hitstream_rejected_copies_dropped", "Copies of refused events that were not kept for inspection.",
            registry=registry,
        )  # fmt: skip
        self.adopted = Counter("hitstream_journals_adopted", "Journals of ended workers taken over.", registry=registry)
        self._accepted: dict[type, Counter] = {
            type_: self.accepted.labels(metric) for type_, metric in METRIC_OF.items()
        }
        self._registry = registry

    def count_accepted(self, events: Sequence[Event]) -> None:
        if len(events) == 1:  # the usual request; to count its kinds would take five times as long
            self._accepted[type(events[0])].inc()
            return
        for type_, count in TypeCounter(map(type, events)).items():
            self._accepted[type_].inc(count)

    def gauge(self, name: str, help_: str, read: Callable[[], float]) -> None:
        """A gauge that is read when it is scraped."""
        Gauge(name, help_, registry=self._registry).set_function(read)
