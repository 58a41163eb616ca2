"""The page views that faults happen to, all of one day: no test runs into another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from store.buckets import DAY_MS
from tests.ingest.rig import clock
from tests.store.batches import page_view

NOON = clock() // DAY_MS * DAY_MS + DAY_MS // 2
DAY = datetime.fromtimestamp(NOON / 1000, UTC).date().isoformat()


def view(number: int = 0, **fields: Any) -> Any:
    return page_view(at=NOON, url=f"https://shop.example/{number}", user=f"u{number}", **fields)
