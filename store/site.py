"""A site, as every part of the product sees it: whose events they are, in which zone its days begin, and its keys."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

SITE_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,31}\Z")


class Site(Struct, frozen=True, dict=True):
    """One site of a deployment.

    `zone` is an IANA name. Days, hours and minutes of the site's answers begin in that zone; changing it later
    leaves the buckets that are already filled where they are.
    `currency` is what an answer about money is given in when the question names none.
    `aliases` are what other products' clients call it: a domain, a measurement id, a project's number.
    `origins` are the web origins that may send with the site's write key; empty means any.
    """

    id: str
    zone: str = "UTC"
    currency: str = "USD"
    origins: frozenset[str] = frozenset()
    aliases: frozenset[str] = frozenset()

    @cached_property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


class Presented(Struct, frozen=True):
    """What a request shows for its right to call. Secret keys may not stand in a URL, which ends up in logs."""

    key: str
    in_url: bool = False


KeyKind = Literal["write", "server", "read"]


class Grant(Struct, frozen=True):
    """What a presented key stands for: whose events, and which calls."""

    site: Site
    kind: KeyKind
