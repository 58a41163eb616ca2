"""A file to rows: dictionaries, with the line that each begins on. A row that cannot be read is told, not fatal."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, Final, Literal

import msgspec
from msgspec import Struct

Format = Literal["csv", "ndjson"]

WHITE_SPACE: Final = "space"  # any run of blanks and tabs separates

_GZIP: Final = b"\x1f\x8b"


class Layout(Struct, frozen=True):
    """How rows stand in a file. `columns`: their names where the file's first line does not give them."""

    format: Format
    delimiter: str
    columns: tuple[str, ...]


class Row(Struct, frozen=True):
    """`line` counts from 1. `values` is empty where `fault` says why the row cannot be read."""

    line: int
    values: dict[str, Any]
    fault: str = ""


class Source:
    """An open file. `position` is how much of `size_bytes` has been read, compressed where the file is."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("rb")
        self.size_bytes = path.stat().st_size
        zipped = self._raw.peek(2).startswith(_GZIP)
        plain = gzip.GzipFile(fileobj=self._raw) if zipped else self._raw
        # Bytes that are no UTF-8 are carried along as surrogates, and found where their row is read.
        self._text = io.TextIOWrapper(plain, "utf-8-sig", errors="surrogateescape", newline="")

    @property
    def position(self) -> int:
        return self._raw.tell()

    def rows(self, layout: Layout) -> Iterator[Row]:
        """All rows, in order. Raises OSError and EOFError where the file cannot be read to its end."""
        return _ndjson(self._text) if layout.format == "ndjson" else _table(self._text, layout)

    def close(self) -> None:
        self._text.close()
        self._raw.close()


def digest(path: Path) -> str:
    """Names the file's content."""
    state = blake2b(digest_size=8)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            state.update(piece)
    return state.hexdigest()


def guess_format(path: Path) -> Format:
    """By the name, without the .gz."""
    name = path.name.lower().removesuffix(".gz")
    return "ndjson" if name.endswith((".ndjson", ".jsonl", ".json")) else "csv"


def _table(text: IO[str], layout: Layout) -> Iterator[Row]:
    lines = csv.reader(text, delimiter=layout.delimiter) if layout.delimiter != WHITE_SPACE else None
    cells = _cells(text, lines)
    columns: Sequence[str] | None = layout.columns or None
    for line, found, fault in cells:
        if fault:
            yield Row(line, {}, fault)
        elif not found:
            continue  # an empty line
        elif columns is None:
            columns = [name.strip() for name in found]
        elif len(found) != len(columns):
            yield Row(line, {}, f"has {len(found)} columns where {len(columns)} are named")
        elif any(not cell.isascii() and _is_broken(cell) for cell in found):
            yield Row(line, {}, "is not UTF-8")
        else:
            yield Row(line, dict(zip(columns, found, strict=True)))


def _cells(text: IO[str], lines: Any) -> Iterator[tuple[int, list[str], str]]:
    """Line number, cells, fault; `lines` is a csv reader, or None where white space separates."""
    if lines is None:
        for number, line in enumerate(text, 1):
            yield number, line.split(), ""
        return
    while True:
        begins = lines.line_num + 1  # a quoted cell may go over several lines
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            yield begins, [], str(error)
        else:
            yield begins, cells, ""


def _ndjson(text: IO[str]) -> Iterator[Row]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        if not line.isascii() and _is_broken(line):
            yield Row(number, {}, "is not UTF-8")
            continue
        try:
            yield Row(number, msgspec.json.decode(line, type=dict[str, Any]))
        except (msgspec.DecodeError, RecursionError) as error:
            yield Row(number, {}, f"is not a JSON object: {error}")


def _is_broken(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)
