"""Where a request comes from, seen through the proxies that are trusted. The address is used and never kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import web


def address_reader(trusted: Sequence[IPv4Network | IPv6Network]) -> Callable[[web.Request], str]:
    """A function from a request to its sender's address: the nearest one in the chain that is no trusted proxy's."""

    def address_of(request: web.Request) -> str:
        peer = request.remote or ""
        if not trusted or not _is_in(peer, trusted):
            return peer  # whoever it is may write what it likes into the header
        nearest = peer
        for hop in reversed(",".join(request.headers.getall("X-Forwarded-For", [])).split(",")):
            found = _parse(hop)
            if found is None:
                break
            nearest = str(found)
            if not _is_in(nearest, trusted):
                break
        return nearest

    return address_of


def _is_in(text: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    address = _parse(text)
    return address is not None and any(address in network for network in networks)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """An address, also as some proxies write it: [v6]:port, v4:port, or an IPv4 one in IPv6 clothes."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
