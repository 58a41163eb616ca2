"""Content encodings: a compressed body to its bytes, never past a limit, whatever the sender claims.

A body is fed to its decoder in small steps, or read from it in small pieces, so a bomb costs no more memory than an
honest body of the largest size. What the bytes mean is `ingest.decode`'s business.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final, Protocol

import brotli
import zstandard

from .errors import CorruptBody, TooLarge, UnsupportedEncoding

# Bytes fed at once, chosen so that they inflate to 2 MiB at most: deflate makes up to 1,032 bytes of one, zstd a block
# of 128 KiB of four.
_DEFLATE_STEP: Final = 1 << 10
_ZSTD_STEP: Final = 64
_ZSTD_WINDOW: Final = 8 << 20  # what RFC 8878 asks every decoder to support; a frame that wants more is refused
_BROTLI_PIECE: Final = 64 << 10

_GZIP: Final = 16 + zlib.MAX_WBITS  # zlib's ways to say which header it expects
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS

_CUT_OFF: Final = "the compressed body is cut off"
_TOO_LARGE: Final = "the body inflates to more than {:,} bytes"
_FAILURES: Final = (zlib.error, zstandard.ZstdError, brotli.error)


class _Decoder(Protocol):
    """The decoder of one gzip member, zlib stream or zstd frame."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its content encoding: gzip, deflate (also without its zlib header, as some send it), br, zstd.

    Raises `UnsupportedEncoding`, also for encodings applied one upon the other; `TooLarge` where more than `limit`
    bytes come out; `CorruptBody` where the data is damaged or cut off.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    decode = _DECODERS.get(name)
    if decode is None:
        raise UnsupportedEncoding(f"Content-Encoding must be one of {', '.join(KNOWN)}")
    try:
        return decode(body, limit)
    except _FAILURES as error:
        raise CorruptBody(f"the body is not valid {name}") from error


def _gzip(body: bytes, limit: int) -> bytes:
    return _members(body, lambda: zlib.decompressobj(_GZIP), _DEFLATE_STEP, limit)


def _deflate(body: bytes, limit: int) -> bytes:
    try:
        return _members(body, lambda: zlib.decompressobj(_ZLIB), _DEFLATE_STEP, limit)
    except zlib.error:
        return _members(body, lambda: zlib.decompressobj(_RAW), _DEFLATE_STEP, limit)


def _zstd(body: bytes, limit: int) -> bytes:
    context = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    return _members(body, context.decompressobj, _ZSTD_STEP, limit)


def _brotli(body: bytes, limit: int) -> bytes:
    """One stream: brotli has no members. Its ratio has no bound, so its output is taken in pieces instead."""
    decoder = brotli.Decompressor()
    pieces: list[bytes] = []
    size = 0
    data = body
    while not decoder.is_finished():
        piece = decoder.process(data, output_buffer_limit=_BROTLI_PIECE)
        data = b""
        size += len(piece)
        if size > limit:
            raise TooLarge(_TOO_LARGE.format(limit))
        if not piece and not decoder.is_finished():
            raise CorruptBody(_CUT_OFF)
        pieces.append(piece)
    return b"".join(pieces)


def _members(body: bytes, start: Callable[[], _Decoder], step: int, limit: int) -> bytes:
    """Members one after the other, as RFC 1952 (gzip) and RFC 8878 (zstd) allow; zero bytes may pad the end."""
    pieces: list[bytes] = []
    size = at = 0
    while True:
        decoder = start()
        while not decoder.eof:
            if at >= len(body):
                raise CorruptBody(_CUT_OFF)
            piece = decoder.decompress(body[at : at + step])
            at += step
            size += len(piece)
            if size > limit:
                raise TooLarge(_TOO_LARGE.format(limit))
            if piece:
                pieces.append(piece)
        at = min(at, len(body)) - len(decoder.unused_data)
        if not body[at : at + step].strip(b"\0") and not body[at:].strip(b"\0"):
            return b"".join(pieces)


_DECODERS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,  # RFC 9110: the same
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
KNOWN: Final = ("gzip", "deflate", "br", "zstd")
