"""What is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from hitstream.client import Options
from hitstream.client.target import target


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch_events": 0}, "batch_events must be more than 0"),
        ({"batch_events": 5_001}, "at most 5,000"),
        ({"batch_bytes": 2_000_000}, "a mebibyte"),
        ({"linger_s": -1}, "linger_s must not be negative"),
        ({"longest_backoff_s": 0.1}, "less than backoff_s"),
        ({"when_full": "explode"}, "'drop' or 'wait'"),
    ],
)
def test_options_that_cannot_work(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Options(**given)


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("stats.example", "hw_key", "must look like"),
        ("ftp://stats.example", "hw_key", "must look like"),
        ("http://stats.example/?a=b", "hw_key", "end with its path"),
        ("http://ann@stats.example/", "hw_key", "end with its path"),
        ("http://stäts.example/", "hw_key", "plain ASCII"),
        ("http://stats.example/\r\nX: y", "hw_key", "plain ASCII"),
        ("http://stats.example", "", "key must be"),
        ("http://stats.example", "hw_key\r\nX: y", "key must be"),
    ],
)
def test_where_nothing_can_be_sent(url: str, key: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        target(url, key)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://stats.example", (False, "stats.example", 80, "/v1/events")),
        ("https://stats.example/", (True, "stats.example", 443, "/v1/events")),
        ("http://[::1]:8080/stats/", (False, "::1", 8080, "/stats/v1/events")),
    ],
)
def test_where_events_go(url: str, found: tuple[bool, str, int, str]) -> None:
    made = target(url, "hw_secret")
    assert (made.https, made.host, made.port, made.path) == found
    assert "hw_secret" not in repr(made)
