"""Web addresses as they are stored: one spelling for one page, and nothing in it that is not the page's.

    scheme and host in lower case, the host in ASCII (IDNA), without credentials and without its scheme's own port
    path as sent, or /
    query in its order, without what advertisers and mailers append (`TRACKING`) and without utm_*, which is kept apart
    no fragment: an application that routes by the fragment sends its pages' addresses itself

Characters that may not stand in an address are percent-encoded, as browsers do. Where a visit came from is judged in
`ingest.sources`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import quote, unquote_plus

from msgspec import Struct

from .fields import clean

MAX_CHARACTERS: Final = 2_048  # as sent, and as stored
MAX_UTM: Final = 32  # names of utm_* that are kept: campaigns know ten

# Click ids that a network appends only where the click was paid for.
PAID_CLICKS: Final = frozenset(
    {
        "gclid", "dclid", "gbraid", "wbraid", "gad_source", "gad_campaignid", "msclkid", "yclid", "ttclid", "twclid",
        "li_fat_id", "rdt_cid", "epik", "sccid", "irclickid",
    }
)  # fmt: skip
TRACKING: Final = PAID_CLICKS | {
    "gclsrc", "srsltid", "fbclid", "igshid", "igsh", "ysclid", "mc_cid", "mc_eid", "mkt_tok", "_ga", "_gl", "_hsenc",
    "_hsmi", "__hstc", "__hssc", "__hsfp", "hsctatracking", "vero_id", "vero_conv", "oly_anon_id", "oly_enc_id",
    "wickedid", "_openstat", "_kx", "_branch_match_id", "ml_subscriber", "ml_subscriber_hash", "s_kwcid", "zanpid",
}  # fmt: skip

# An app names itself as a referrer by its own scheme.
_ADDRESS: Final = re.compile(r"(https?|android-app|ios-app)://([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.IGNORECASE)
_HOST: Final = re.compile(r"[a-z0-9_][a-z0-9._-]*")
_MAX_HOST: Final = 253  # RFC 1035, in text
_MAX_FOREIGN: Final = 64  # characters of a host that is not ASCII: to encode one takes 10 µs
_KNOWN_HOSTS: Final = 1_024  # a site has few, and they come again
_AROUND: Final = "".join(map(chr, range(33)))  # what browsers strip: controls and the space
_DROPPED: Final = re.compile(r"[\t\n\r]")  # what they drop wherever it stands
_UNSAFE: Final = re.compile(r"[^\x21\x23-\x3b\x3d\x3f-\x7e]+")
_OWN_PORT: Final = {"http": 80, "https": 443}


class InvalidUrl(ValueError):
    """The text says what is wrong, to follow a field's name."""


class Page(Struct, frozen=True):
    """`host` is without its port. `paid`: a click id says so.

    utm: the first of each utm_* parameter, decoded; of the names the first `MAX_UTM`.
    """

    url: str
    host: str
    utm: dict[str, str]
    paid: bool


class Referrer(Struct, frozen=True):
    """Both are '' where there is none."""

    url: str
    host: str


NO_REFERRER: Final = Referrer("", "")


def page(text: str) -> Page:
    """Raises `InvalidUrl`."""
    scheme, host, port, path, query = _split(text)
    if scheme not in _OWN_PORT:
        raise InvalidUrl("must begin with http:// or https://")
    utm: dict[str, str] = {}
    paid = False
    if query:
        kept: list[str] = []
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            name = name.lower()
            if name.startswith("utm_"):
                if len(utm) < MAX_UTM:
                    utm.setdefault(clean(name), clean(unquote_plus(value)))
            elif name in TRACKING:
                paid = paid or name in PAID_CLICKS
            elif pair:
                kept.append(pair)
        query = "&".join(kept)
    url = f"{scheme}://{host}{port}{path}{'?' if query else ''}{query}"
    if len(url) > MAX_CHARACTERS:
        raise InvalidUrl(f"must be at most {MAX_CHARACTERS:,} characters long when its characters are encoded")
    return Page(url, host, utm, paid)


def referrer(text: str) -> Referrer:
    """Like a page's address, and without its query. One that cannot be read counts as none: it is another's."""
    try:
        scheme, host, port, path, _ = _split(text.partition("?")[0])
    except InvalidUrl:
        return NO_REFERRER
    url = f"{scheme}://{host}{port}{path}"
    return Referrer(url if len(url) <= MAX_CHARACTERS else f"{scheme}://{host}{port}/", host)


def _split(text: str) -> tuple[str, str, str, str, str]:
    """Scheme, host, port with its colon or '', path, query: each normalised but for the query's parameters."""
    text = _DROPPED.sub("", text.strip(_AROUND))
    match = _ADDRESS.match(text)
    if match is None:
        raise InvalidUrl("must begin with http:// or https://")
    scheme, authority, path, query = match.groups()
    scheme = scheme.lower()
    host, port = _authority(authority.rpartition("@")[2], scheme)
    return scheme, host, port, _encoded(path) or "/", _encoded(query or "")


def _authority(text: str, scheme: str) -> tuple[str, str]:
    if text.startswith("["):
        literal, closed, port = text[1:].partition("]")
        if not closed or (port and not port.startswith(":")):
            raise InvalidUrl("must have a valid host")
        return _ipv6(literal), _port(port[1:], scheme)
    host, _, port = text.partition(":")
    return _host(host), _port(port, scheme)


def _host(text: str) -> str:
    host = text.lower().removesuffix(".")
    if not host.isascii():
        host = _foreign(host) if len(host) <= _MAX_FOREIGN else ""
    if len(host) > _MAX_HOST or not _HOST.fullmatch(host):
        raise InvalidUrl("must have a valid host")
    return host


@lru_cache(_KNOWN_HOSTS)
def _foreign(host: str) -> str:
    """In ASCII, or '' where it cannot be a host."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""


def _ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except ValueError:
        raise InvalidUrl("must have a valid host") from None
    if address.scope_id:  # names an interface of the sender's machine
        raise InvalidUrl("must have a valid host")
    return f"[{address.compressed}]"


def _port(text: str, scheme: str) -> str:
    if not text:
        return ""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if not 0 < number < 65_536:
        raise InvalidUrl("must have a valid port")
    return "" if number == _OWN_PORT.get(scheme) else f":{number}"


def _encoded(text: str) -> str:
    return _UNSAFE.sub(lambda unsafe: quote(unsafe[0], safe="", errors="replace"), text)
