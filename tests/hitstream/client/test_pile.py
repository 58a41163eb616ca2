"""The queue: its bounds, its batches, and when one is due."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from hitstream.client import Options
from hitstream.client.pile import Pile


def pile(**options: int | float) -> Pile:
    return Pile(Options(**options))  # type: ignore[arg-type]


def test_when_a_batch_is_due() -> None:
    found = pile(batch_events=3, linger_s=5)
    assert found.due(0) == inf
    found.add(b"{}", 10)
    assert found.due(12) == 3
    found.add(b"{}", 13)
    assert found.due(12) == 3  # the oldest says when
    found.add(b"{}", 13)
    assert found.due(12) == 0
    assert found.take() == [b"{}"] * 3
    assert found.due(12) == inf


def test_bytes_make_a_batch_due_too() -> None:
    found = pile(batch_bytes=200)
    found.add(b"x" * 90, 0)
    assert found.due(0) > 0
    found.add(b"x" * 90, 0)
    assert found.due(0) == 0
    assert len(found.take()) == 1  # both would be more than a batch may hold


def test_what_is_on_its_way_takes_room() -> None:
    found = pile(queue_events=2, queue_bytes=1_000)
    found.add(b"{}", 0)
    found.add(b"{}", 0)
    batch = found.take()
    assert not found.has_room(b"{}")
    assert (found.held, len(found)) == (2, 0)
    found.settle(batch)
    assert found.has_room(b"{}")
    assert not found.has_room(b"x" * 1_001)
    assert not found.fits(b"x" * 1_001)


@given(
    sizes=st.lists(st.integers(1, 150), max_size=60),
    batch_events=st.integers(1, 10),
    batch_bytes=st.integers(200, 500),
)
def test_batches_hold_everything_in_order_within_their_bounds(
    sizes: list[int], batch_events: int, batch_bytes: int
) -> None:
    found = pile(batch_events=batch_events, batch_bytes=batch_bytes)
    events = [bytes([65 + number % 26]) * size for number, size in enumerate(sizes)]
    for event in events:
        found.add(event, 0)
    batches = []
    while batch := found.take():
        batches.append(batch)
        found.settle(batch)
    assert [event for batch in batches for event in batch] == events
    assert all(len(batch) <= batch_events for batch in batches)
    assert all(len(b",".join(batch)) < batch_bytes for batch in batches)
    assert found.held == 0
    assert found.has_room(b"x" * Options().queue_bytes)
