"""The data directory: held by one server, its files private and whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitstream.datadir import DataDir, InUse, Ready, Unusable, replace_private


def test_one_server_at_a_time(tmp_path: Path) -> None:
    directory = DataDir(tmp_path / "new" / "data")
    with directory.lock(), pytest.raises(InUse, match="another server runs on"), directory.lock():
        pass
    with directory.lock():
        assert directory.root.stat().st_mode & 0o777 == 0o700


def test_the_secret_is_made_once(tmp_path: Path) -> None:
    directory = DataDir(tmp_path)
    assert directory.secret() is None
    made = directory.make_secret()
    assert len(made) == 32
    assert DataDir(tmp_path).secret() == made
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "00ff", "nonsense"])
def test_a_damaged_secret_is_not_replaced_by_another(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret").write_text(content)
    with pytest.raises(Unusable, match="secret"):
        DataDir(tmp_path).secret()


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unusable, match=r"cannot keep data in .*file"), DataDir(tmp_path / "file").lock():
        pass


def test_ready_is_there_while_it_serves(tmp_path: Path) -> None:
    directory = DataDir(tmp_path)
    with directory.ready(Ready("http://127.0.0.1:1", 2)):
        assert (tmp_path / "ready.json").read_text() == '{"url":"http://127.0.0.1:1","pid":2}\n'
        assert directory.find_ready() == Ready("http://127.0.0.1:1", 2)
    assert directory.find_ready() is None


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    replace_private(file, "old")
    replace_private(file, "new")
    with pytest.raises(UnicodeEncodeError):
        replace_private(file, "\ud800")
    assert file.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["keys.toml"]
