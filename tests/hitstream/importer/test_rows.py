"""Files to rows: layouts, line numbers, and what cannot be read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from hitstream.importer.rows import Layout, Row, Source, guess_format

CSV = Layout("csv", ",", ())
NDJSON = Layout("ndjson", ",", ())

CASES: list[tuple[str, bytes, Layout, list[Row]]] = [
    ("csv", b"a,b\n1,2\n3,4\n", CSV, [Row(2, {"a": "1", "b": "2"}), Row(3, {"a": "3", "b": "4"})]),
    ("windows and a byte order mark", b"\xef\xbb\xbfa,b\r\n1,2\r\n", CSV, [Row(2, {"a": "1", "b": "2"})]),
    ("quoted over lines", b'a,b\n"x\ny",2\n3,\n', CSV, [Row(2, {"a": "x\ny", "b": "2"}), Row(4, {"a": "3", "b": ""})]),
    ("an empty line", b"a\n\n1\n", CSV, [Row(3, {"a": "1"})]),
    ("no end of line", b"a\n1", CSV, [Row(2, {"a": "1"})]),
    ("nothing", b"", CSV, []),
    ("a header only", b"a,b\n", CSV, []),
    ("too few cells", b"a,b\n1\n,\n", CSV, [Row(2, {}, "has 1 columns where 2 are named"), Row(3, {"a": "", "b": ""})]),
    ("not UTF-8", b"a\n\xff\n\xc3\xa4\n", CSV, [Row(2, {}, "is not UTF-8"), Row(3, {"a": "\u00e4"})]),
    ("semicolons", b"a;b\n1;2\n", Layout("csv", ";", ()), [Row(2, {"a": "1", "b": "2"})]),
    ("named columns", b"1,2\n", Layout("csv", ",", ("a", "b")), [Row(1, {"a": "1", "b": "2"})]),
    ("white space", b" a  b\n 1\t 2 \n", Layout("csv", "space", ()), [Row(2, {"a": "1", "b": "2"})]),
    ("ndjson", b'{"a": 1}\n\n{"b": {"c": 2}}\n', NDJSON, [Row(1, {"a": 1}), Row(3, {"b": {"c": 2}})]),
    ("not UTF-8 in ndjson", b'{"a": "\xff"}\n{}\n', NDJSON, [Row(1, {}, "is not UTF-8"), Row(2, {})]),
]  # fmt: skip


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(("content", "layout", "want"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_rows(tmp_path: Path, content: bytes, layout: Layout, want: list[Row], zipped: bool) -> None:
    file = tmp_path / "file"
    file.write_bytes(gzip.compress(content) if zipped else content)
    source = Source(file)
    assert list(source.rows(layout)) == want
    assert source.position == source.size_bytes
    source.close()


@pytest.mark.parametrize("line", [b"[1]", b"nonsense", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_object_is_told_with_its_line(tmp_path: Path, line: bytes) -> None:
    file = tmp_path / "file.ndjson"
    file.write_bytes(b"{}\n" + line + b"\n{}\n")
    source = Source(file)
    found = list(source.rows(NDJSON))
    source.close()
    assert [row.line for row in found] == [1, 2, 3]
    assert found[1].fault.startswith("is not a JSON object")


def test_a_cell_beyond_all_measure_spoils_no_other_row(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(b"a\n" + b"x" * 200_000 + b"\n1\n")
    source = Source(file)
    found = list(source.rows(CSV))
    source.close()
    assert found[0].fault
    assert found[-1].values == {"a": "1"}


@pytest.mark.parametrize(
    ("name", "want"),
    [("a.csv", "csv"), ("a.txt.gz", "csv"), ("a.NDJSON", "ndjson"), ("a.jsonl.gz", "ndjson"), ("a", "csv")],
)
def test_the_name_tells_the_format(name: str, want: str) -> None:
    assert guess_format(Path(name)) == want
