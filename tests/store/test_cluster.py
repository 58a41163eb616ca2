"""Which server a command goes to, as far as no server has to be asked. The rest is in tests/cluster."""

from __future__ import annotations

from typing import Any

import pytest
from redis.crc import key_slot

from store.cluster import is_cluster, seeds, slot_of

P3 = key_slot(b"p3")


@pytest.mark.parametrize(
    ("command", "slot"),
    [
        (("HGET", "{p3}:fences", "j1"), P3),
        (("FCALL", "hitstream_v1_commit", 2, "{p3}:fences", "{p3}:gaps", b"{p5} in what is sent"), P3),
        (("XREAD", "COUNT", 500, "BLOCK", 1_000, "STREAMS", b"{p3}:page_views", b"0-0"), P3),
        (("XREADGROUP", "GROUP", "orders", "one", "COUNT", 1, "STREAMS", "{p3}:conversions", ">"), P3),
        (("PING",), None),
        (("FUNCTION LOAD", "REPLACE", "#!lua name=x\nlocal x = {p3}"), None),
    ],
)
def test_a_command_goes_where_its_first_key_is(command: tuple[Any, ...], slot: int | None) -> None:
    assert slot_of(command) == slot


@pytest.mark.parametrize(
    ("url", "places"),
    [
        ("redis+cluster://a:7000,b:7001", [("a", 7000), ("b", 7001)]),
        ("redis+cluster://a", [("a", 6379)]),
        ("rediss+cluster://user:p%40ss@a:7000,[::1]:7001?protocol=3", [("a", 7000), ("::1", 7001)]),
    ],
)
def test_a_url_names_some_of_the_servers(url: str, places: list[tuple[str, int]]) -> None:
    assert is_cluster(url)
    assert seeds(url) == places


@pytest.mark.parametrize("url", ["redis+cluster://", "redis+cluster://a,,b", "redis+cluster://a:port"])
def test_a_url_that_names_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"host:port|port"):
        seeds(url)


@pytest.mark.parametrize("url", ["", "redis://a:6379", "rediss://a", "unix:///run/valkey.sock"])
def test_other_urls_are_of_one_server(url: str) -> None:
    assert not is_cluster(url)
