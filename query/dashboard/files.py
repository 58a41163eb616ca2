"""The page's files, read once: with their types, their compressed forms, and the name of the version they make up.

All files of `page/` change together, so they share one version, a digest of all their bytes, which is a folder in their
URLs: a browser keeps them for ever and never mixes two versions.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import PurePath
from typing import Final

import brotli
from msgspec import Struct

TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
COMPRESSED: Final = (".woff2",)  # already
BROTLI_QUALITY: Final = 9  # 11 saves 3 % more and takes a start half a second
INDEX: Final = "index.html"
VENDOR: Final = "vendor"


class File(Struct, frozen=True):
    """`encoded` holds the body by content encoding, the best first; `identity` is always there."""

    type: str
    encoded: Mapping[str, bytes]


class Files(Struct, frozen=True):
    """`index` is the page itself; `parts` everything that it loads, by folder and name."""

    version: str
    index: File
    parts: Mapping[tuple[str, str], File]


@cache
def load() -> Files:
    page, vendor = _read("page"), _read("vendor")
    digest = blake2b(digest_size=8)
    for name, body in sorted(page.items()):
        digest.update(b"%b\0%d\0%b" % (name.encode(), len(body), body))
    version = digest.hexdigest()
    index = page.pop(INDEX).replace(b"{version}", version.encode())
    preloads = [
        f'<link rel="modulepreload" href="dashboard/{version}/{name}">' for name in sorted(page) if _is_js(name)
    ]
    index = index.replace(b"{modules}", "\n".join(preloads).encode())
    folders = {version: page, VENDOR: vendor}
    parts = {(folder, name): _file(name, body) for folder, found in folders.items() for name, body in found.items()}
    return Files(version, _file(INDEX, index), parts)


def _read(folder: str) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in (files(__package__) / folder).iterdir() if entry.is_file()}


def _is_js(name: str) -> bool:
    return name.endswith(".js")


def _file(name: str, body: bytes) -> File:
    suffix = PurePath(name).suffix
    encoded = {"identity": body}
    if suffix not in COMPRESSED:
        encoded = {"br": brotli.compress(body, quality=BROTLI_QUALITY), "gzip": gzip.compress(body, mtime=0), **encoded}
    return File(TYPES[suffix], encoded)
