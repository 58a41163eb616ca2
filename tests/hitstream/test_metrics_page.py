"""docs/metrics.md and what a worker exposes name the same metrics."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from tests.application import serving

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


async def test_the_page_lists_what_is_exposed(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    listed = dict(re.findall(r"^\| `(hitstream_\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE))
    shop = {"postgres_url": "postgresql:///nothing?host=/nowhere", "shop": "shop"}
    network = {"mongo_url": "mongodb://127.0.0.1:1", "network": "shop"}
    async with serving(redis_url, tmp_path, **shop, **network) as app, app.session.get(f"{app.url}/metrics") as reply:
        families = text_string_to_metric_families(await reply.text())
        exposed = {
            family.name + ("_total" if family.type == "counter" else ""): family.type
            for family in families
            if family.name.startswith("hitstream_")
        }
    assert listed == exposed
