"""Whose word on a sender's address counts: that of the configured proxies, and nobody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.application import serving

VIEW = {"type": "page_view", "page_url": "https://shop.example/"}
FORWARDED: list[dict[str, str]] = [
    {"X-Forwarded-For": "203.0.113.1"},
    {"X-Forwarded-For": "203.0.113.2"},
    {"X-Forwarded-For": "1.1.1.1, 203.0.113.2"},  # what stands in front the sender may have made up
    {"X-Forwarded-For": "2.2.2.2, 203.0.113.2"},
    {"Forwarded": "for=203.0.113.3", "X-Real-IP": "203.0.113.4", "True-Client-IP": "203.0.113.5"},
]


@pytest.mark.parametrize(
    ("trusted", "visitors"),
    [((), 1), (("10.0.0.0/8",), 1), (("127.0.0.0/8",), 3)],
    ids=["no proxies", "another's proxies", "the proxy itself"],
)
async def test_only_a_configured_proxy_says_where_a_request_comes_from(
    redis: Redis, redis_url: str, tmp_path: Path, trusted: tuple[str, ...], visitors: int
) -> None:
    """A visitor without an id is told apart by the address: 203.0.113.1, 203.0.113.2, and the proxy's own."""
    async with serving(redis_url, tmp_path, trusted_proxies=trusted) as app:
        for headers in FORWARDED:
            assert (await app.post("/v1/events", VIEW, headers=headers))[0] == 202
        answer: Any = (await app.get("/v1/metrics/realtime"))[1]
    assert answer["unique_metrics"]["visitors"] == visitors
    assert answer["page_views"]["today"] == len(FORWARDED)
