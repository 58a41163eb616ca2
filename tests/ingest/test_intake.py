"""What every way in has in common; that events are taken and counted is shown with the calls themselves."""

from __future__ import annotations

import asyncio

import pytest

from ingest import intake
from ingest.admit import Context, admit
from store.identity import Identity
from store.site import Site

CONTEXT = Context(site=Site("demo"), trusted=False, now=1_795_000_000_000, identity=Identity(b"k" * 32), salt=b"s" * 16)


async def test_others_have_a_turn_while_a_large_request_is_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "SLICE_S", 0.0)
    items: list[object] = [
        {"type": "event", "name": f"n{place % 90}", "event_id": str(place % 90)} for place in range(100)
    ]
    items[7] = "no event"
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        loop.call_soon(turn)

    loop = asyncio.get_running_loop()
    loop.call_soon(turn)
    admission = await intake._in_slices(items, CONTEXT)
    assert turns >= len(items)
    assert admission == admit(items, CONTEXT)
    assert (len(admission.events), [each.index for each in admission.rejections], admission.duplicates) == (90, [7], 9)
