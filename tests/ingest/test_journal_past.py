"""What is remembered of deleted segments outlives them and their journal, and only grows."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ingest.journal import directory, past
from tests.ingest.journalling import NOW

ID = f"{NOW:013x}-00000001"
OTHER = f"{NOW + 1:013x}-00000002"


def test_notes_are_kept_for_each_journal_and_partition(tmp_path: Path) -> None:
    assert past.notes(tmp_path) == {}
    past.note(tmp_path, ID, {0: 5, 1: 7})
    past.note(tmp_path, OTHER, {0: 1})
    past.note(tmp_path, ID, {0: 9, 2: 3})
    past.note(tmp_path, ID, {0: 8})
    assert past.notes(tmp_path) == {ID: {0: 9, 1: 7, 2: 3}, OTHER: {0: 1}}
    past.forget(tmp_path, ID)
    past.forget(tmp_path, ID)
    assert past.notes(tmp_path) == {OTHER: {0: 1}}


def test_they_are_no_journals(tmp_path: Path) -> None:
    past.note(tmp_path, ID, {0: 5})
    assert directory.journals(tmp_path) == []
    assert past.began_at(ID) == NOW


def test_a_crash_while_one_is_replaced_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    past.note(tmp_path, ID, {0: 5})

    def fails(_: int) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="no"):
        past.note(tmp_path, ID, {0: 9})
    assert past.notes(tmp_path) == {ID: {0: 5}}
    (tmp_path / "past" / OTHER).write_bytes(b'{"0": ')
    assert past.notes(tmp_path) == {ID: {0: 5}, OTHER: {}}
