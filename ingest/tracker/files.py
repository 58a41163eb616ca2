"""The published scripts, read once, with their compressed forms and what a page pins them by."""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256, sha384
from importlib.resources import files
from typing import Final

import brotli
from msgspec import Struct

DIGEST_CHARACTERS: Final = 12
NAME: Final = re.compile(r"t\.(?P<version>[1-9]\d*)\.[0-9a-f]{12}\.js")


class Script(Struct, frozen=True):
    """`digest`: the first hex digits of its SHA-256. `integrity`: what a page's `integrity` attribute says.

    encoded: the body by content encoding, the best first; `identity` is always there.
    """

    version: int
    digest: str
    integrity: str
    encoded: Mapping[str, bytes]

    @property
    def name(self) -> str:
        return f"t.{self.version}.{self.digest}.js"


@cache
def published() -> tuple[Script, ...]:
    """The newest last."""
    found = [
        _script(int(match["version"]), file.read_bytes())
        for file in (files(__package__) / "published").iterdir()
        if (match := NAME.fullmatch(file.name))
    ]
    return tuple(sorted(found, key=lambda script: script.version))


def _script(version: int, body: bytes) -> Script:
    return Script(
        version=version,
        digest=sha256(body).hexdigest()[:DIGEST_CHARACTERS],
        integrity=f"sha384-{b64encode(sha384(body).digest()).decode()}",
        encoded={"br": brotli.compress(body), "gzip": gzip.compress(body, mtime=0), "identity": body},
    )
