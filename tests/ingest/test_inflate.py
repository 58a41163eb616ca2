"""Content encodings, honest, broken and malicious."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import CorruptBody, TooLarge, UnsupportedEncoding
from ingest.inflate import decompress

LIMIT = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


def brotlied(data: bytes) -> bytes:
    compressed: bytes = brotli.compress(data, quality=5)
    return compressed


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def zstd_streamed(data: bytes) -> bytes:
    """Without the content size in its header, as a sender that streams makes it."""
    return zstandard.ZstdCompressor(write_content_size=False).compress(data)


ENCODERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", brotlied),
    ("zstd", zstd),
    ("zstd", zstd_streamed),
]
ENCODED = pytest.mark.parametrize(("encoding", "encode"), ENCODERS)


@ENCODED
@pytest.mark.parametrize("size", [0, 1, 1_000, LIMIT - 1, LIMIT])
def test_what_was_encoded_comes_back(encoding: str, encode: Callable[[bytes], bytes], size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert decompress(encode(data), encoding, LIMIT) == data


@ENCODED
def test_the_limit_is_exact(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    with pytest.raises(TooLarge, match="1,048,576 bytes"):
        decompress(encode(b"x" * (LIMIT + 1)), encoding, LIMIT)


@ENCODED
def test_a_bomb_is_stopped(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    bomb = encode(bytes(64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            decompress(bomb, encoding, LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < LIMIT + (6 << 20)  # one step's output, and its copy


@ENCODED
def test_damage_is_found(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    whole = encode(bytes(range(256)) * 16)
    for damaged in (whole[:-1], whole[: len(whole) // 2], b"", b"not compressed at all"):
        with pytest.raises(CorruptBody):
            decompress(damaged, encoding, LIMIT)


@pytest.mark.parametrize("encode", [gzip.compress, zstd])
def test_members_follow_each_other(encode: Callable[[bytes], bytes]) -> None:
    encoding = "gzip" if encode is gzip.compress else "zstd"
    parts = [b"one", b"", b"two" * 10_000, b"three"]
    assert decompress(b"".join(map(encode, parts)), encoding, LIMIT) == b"".join(parts)
    with pytest.raises(TooLarge):
        decompress(encode(bytes(LIMIT)) + encode(b"x"), encoding, LIMIT)
    with pytest.raises(CorruptBody):
        decompress(encode(b"one") + b"garbage", encoding, LIMIT)
    with pytest.raises(CorruptBody):
        decompress(encode(b"one") + encode(b"two")[:-2], encoding, LIMIT)


def test_zeros_may_pad_gzip() -> None:
    assert decompress(gzip.compress(b"one") + bytes(5_000), "gzip", LIMIT) == b"one"


def test_many_empty_members_are_read_in_linear_time() -> None:
    """Quadratic, this would copy 27 GB."""
    assert decompress(gzip.compress(b"") * 50_000, "gzip", LIMIT) == b""


def test_a_frame_may_not_ask_for_a_huge_window() -> None:
    wide = zstandard.ZstdCompressionParameters(window_log=27)
    compressor = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    with pytest.raises(CorruptBody):
        decompress(compressor.compress(b"x" * 1_000) + compressor.flush(), "zstd", LIMIT)


@pytest.mark.parametrize("encoding", ["", "identity", " Identity ", "GZIP", " gzip "])
def test_names_are_read_leniently(encoding: str) -> None:
    body = gzip.compress(b"x") if "gzip" in encoding.lower() else b"x"
    assert decompress(body, encoding, LIMIT) == b"x"


@pytest.mark.parametrize("encoding", ["compress", "gzip, gzip", "gzip,br", "utf-8", "*", "gzip;q=1"])
def test_other_encodings_are_unsupported(encoding: str) -> None:
    with pytest.raises(UnsupportedEncoding, match="gzip, deflate, br, zstd"):
        decompress(b"x", encoding, LIMIT)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", "zstd"]))
def test_any_bytes_end_in_bytes_or_a_named_error(body: bytes, encoding: str) -> None:
    with suppress(CorruptBody, TooLarge):
        decompress(body, encoding, LIMIT)
