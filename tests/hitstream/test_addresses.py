"""Whose address counts, behind which proxies."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from hitstream.addresses import address_reader

TRUSTED = ["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"]

CASES: list[tuple[str, list[str], str, list[str], str]] = [
    ("nobody is trusted", [], "127.0.0.1", ["203.0.113.9"], "127.0.0.1"),
    ("a stranger forges", TRUSTED, "198.51.100.7", ["203.0.113.9"], "198.51.100.7"),
    ("one proxy", TRUSTED, "127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
    ("a chain", TRUSTED, "127.0.0.1", ["203.0.113.9, 10.1.2.3"], "203.0.113.9"),
    ("a chain in two headers", TRUSTED, "127.0.0.1", ["203.0.113.9", "10.1.2.3"], "203.0.113.9"),
    ("forged in front", TRUSTED, "127.0.0.1", ["1.1.1.1, 203.0.113.9, 10.1.2.3"], "203.0.113.9"),
    ("only proxies", TRUSTED, "127.0.0.1", ["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
    ("no header", TRUSTED, "127.0.0.1", [], "127.0.0.1"),
    ("nonsense", TRUSTED, "127.0.0.1", ["unknown"], "127.0.0.1"),
    ("nonsense behind a proxy", TRUSTED, "127.0.0.1", ["_hidden, 10.1.2.3"], "10.1.2.3"),
    ("ports", TRUSTED, "127.0.0.1", ["203.0.113.9:4711, [fd00::1]:80"], "203.0.113.9"),
    ("IPv6", TRUSTED, "fd00::2", ["2001:db8::1"], "2001:db8::1"),
    ("IPv4 in IPv6", TRUSTED, "::ffff:127.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
]  # fmt: skip


@pytest.mark.parametrize(("trusted", "peer", "header", "want"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_address(trusted: list[str], peer: str, header: list[str], want: str) -> None:
    headers = CIMultiDict([("X-Forwarded-For", value) for value in header])
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=peer)
    assert address_reader([ip_network(cidr) for cidr in trusted])(request) == want
