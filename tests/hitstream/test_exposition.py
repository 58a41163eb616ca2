"""One exposition, however many workers there are."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from hitstream.exposition import Exposition


def registry(events: int) -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("events", "Events.", ["type"], registry=made).labels("error").inc(events)
    Gauge("backlog", "Waiting.", registry=made).set_function(lambda: events * 10)
    Histogram("seconds", "Time.", buckets=(1,), registry=made).observe(events)
    return made


def samples(text: bytes) -> dict[tuple[str, str, str], float]:
    return {
        (sample.name, sample.labels.get("worker", ""), sample.labels.get("le", "")): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


async def test_one_worker_needs_no_label(tmp_path: Path) -> None:
    exposition = Exposition(registry(1), 0, 1, tmp_path / "run")
    async with exposition.serving():
        found = samples(await exposition.text())
    assert found["events_total", "", ""] == 1
    assert not (tmp_path / "run").exists()


async def test_any_worker_tells_of_all(tmp_path: Path) -> None:
    first, second = (Exposition(registry(n), n - 1, 2, tmp_path / "run") for n in (1, 2))
    async with first.serving(), second.serving():
        found = samples(await first.text())
        assert samples(await second.text()) == found
    assert found["events_total", "0", ""] == 1
    assert found["events_total", "1", ""] == 2
    assert found["backlog", "1", ""] == 20
    assert found["seconds_bucket", "0", "1.0"] == 1
    assert found["seconds_bucket", "1", "1.0"] == 0


async def test_a_worker_that_is_away_is_left_out(tmp_path: Path) -> None:
    first, second = (Exposition(registry(n), n - 1, 2, tmp_path / "run") for n in (1, 2))
    async with first.serving():
        async with second.serving():
            pass
        found = samples(await first.text())
    assert {worker for _, worker, _ in found} == {"0"}
