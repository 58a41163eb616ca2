"""Who may call: from the key that a request presents to the grant it stands for.

A key is presented as `Authorization: Bearer K`, as Basic with K for the user name, as `X-Write-Key: K`, or, write keys
only, as `?key=K`: a secret in a URL ends up in logs and histories.

Keys are looked up by a digest that is keyed with bytes made at the start, so nobody can steer which stored digest a
guess is compared with, nor how far: the time says nothing about any key. No key is ever logged.
"""

from __future__ import annotations

import binascii
import secrets
from base64 import b64decode
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

from aiohttp import hdrs, web

from store.errors import RequestError
from store.site import Grant, KeyKind, Presented, Site

from .keyfile import KINDS, SiteKeys

LONGEST: Final = 256  # characters; no key is longer, and nobody can make us hash megabytes


class AccessError(RequestError):
    """The request is not the presenter's to make."""


class Unauthorized(AccessError):
    code = "unauthorized"


class WrongKind(AccessError):
    code = "wrong_key"


class Keyring:
    """All keys of a deployment."""

    def __init__(self, sites: Sequence[Site], keys: Mapping[str, SiteKeys]) -> None:
        self._digest = blake2b(key=secrets.token_bytes(32), digest_size=16)
        self._grants = {
            self._digest_of(key): Grant(site, kind)
            for site in sites
            for kind in KINDS
            for key in keys.get(site.id, SiteKeys()).of(kind)
        }
        self._aliases = {alias: Grant(site, "write") for site in sites for alias in site.aliases}

    def authorize(self, request: web.Request, kinds: frozenset[KeyKind]) -> Grant:
        """What the request's key stands for. Raises `Unauthorized` and, where it is none of `kinds`, `WrongKind`."""
        presented = present(request)
        if presented is None:
            raise Unauthorized("the request carries no key; send one as 'Authorization: Bearer KEY'")
        return _checked(self._find(presented.key), presented, kinds)

    def recognise(self, presented: Presented, kinds: frozenset[KeyKind]) -> Grant:
        """The same for what another product's client presents: a key of ours, or a site's alias in that product,
        which may send and nothing else."""
        return _checked(self._find(presented.key) or self._aliases.get(presented.key), presented, kinds)

    def _find(self, key: str) -> Grant | None:
        return self._grants.get(self._digest_of(key)) if len(key) <= LONGEST else None

    def _digest_of(self, key: str) -> bytes:
        state = self._digest.copy()
        state.update(key.encode(errors="surrogatepass"))
        return state.digest()


def _checked(grant: Grant | None, presented: Presented, kinds: frozenset[KeyKind]) -> Grant:
    if grant is None:
        raise Unauthorized("the key is not known")
    if presented.in_url and grant.kind != "write":
        raise WrongKind(f"a {grant.kind} key is secret and may not stand in a URL; send it as a header")
    if grant.kind not in kinds:
        raise WrongKind(f"this call takes a {' or '.join(sorted(kinds))} key, and this is a {grant.kind} key")
    return grant


def present(request: web.Request) -> Presented | None:
    """The key as the request carries it; headers before the URL. Raises `Unauthorized` where a header is malformed."""
    if authorization := request.headers.get(hdrs.AUTHORIZATION):
        return Presented(_authorized(authorization), in_url=False)
    if key := request.headers.get("X-Write-Key"):
        return Presented(key, in_url=False)
    if key := request.query.get("key"):
        return Presented(key, in_url=True)
    return None


def _authorized(header: str) -> str:
    scheme, _, rest = header.partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            try:
                return b64decode(rest, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError) as error:
                raise Unauthorized("the Authorization header is not Basic: no base64 of USER:PASSWORD") from error
        case _:
            raise Unauthorized("the Authorization header must be 'Bearer KEY' or Basic")
