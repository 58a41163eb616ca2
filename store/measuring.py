"""How long questions take, and which get no answer: the same for metrics, shop and network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from .errors import RequestError

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Measured:
    """`PREFIX_seconds` and `PREFIX_errors`. `label` names what is asked, from a closed set; `about`: all of it."""

    def __init__(self, registry: CollectorRegistry, prefix: str, label: str, about: str = "") -> None:
        self._seconds = Histogram(
            f"{prefix}_seconds", f"From a question{about} to its answer.", [label], buckets=SECONDS, registry=registry
        )
        self._errors = Counter(
            f"{prefix}_errors", f"Questions{about} that got no answer, by error code.", [label, "code"],
            registry=registry,
        )  # fmt: skip

    def announce(self, asked: str) -> None:
        """Has it shown before the first question."""
        self._seconds.labels(asked)

    @contextmanager
    def answering(self, asked: str) -> Iterator[None]:
        """Times what is answered, and counts what is not."""
        began = perf_counter()
        with self.refusing(asked):
            yield
        self._seconds.labels(asked).observe(perf_counter() - began)

    @contextmanager
    def refusing(self, asked: str) -> Iterator[None]:
        try:
            yield
        except RequestError as error:
            self._errors.labels(asked, error.code).inc()
            raise
