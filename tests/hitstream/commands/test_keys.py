"""`hitstream keys`."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitstream import keyfile
from hitstream.cli import main


def keys(directory: Path, *arguments: str) -> int:
    return main(["keys", "--data-dir", str(directory), *arguments])


def test_shows_what_serve_would_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys(tmp_path) == 0
    first = capsys.readouterr().out
    kept = keyfile.read(tmp_path / "keys.toml")["demo"]
    assert first.splitlines() == ["demo", *(f"    {kind:8}{kept.of(kind)[0]}" for kind in keyfile.KINDS)]
    assert keys(tmp_path) == 0
    assert capsys.readouterr().out == first


def test_adds_a_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys(tmp_path, "--add", "shop") == 0
    assert list(keyfile.read(tmp_path / "keys.toml")) == ["shop"]
    assert keys(tmp_path, "--add", "shop") == 2
    assert "has its keys already" in capsys.readouterr().err
    assert keys(tmp_path, "--add", "My Shop") == 2


def test_replaces_a_key_and_may_keep_the_old_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys(tmp_path)
    before = keyfile.read(tmp_path / "keys.toml")["demo"]
    assert keys(tmp_path, "--rotate", "demo", "server") == 0
    middle = keyfile.read(tmp_path / "keys.toml")["demo"]
    assert middle.server != before.server
    assert (middle.write, middle.read) == (before.write, before.read)
    assert keys(tmp_path, "--rotate", "demo", "write", "--keep-old") == 0
    after = keyfile.read(tmp_path / "keys.toml")["demo"]
    assert len(after.write) == 2
    assert after.write[1] == before.write[0]
    assert keys(tmp_path, "--rotate", "shop", "write") == 2
    assert "there is no site shop; the known ones are demo" in capsys.readouterr().err
    assert keys(tmp_path, "--rotate", "demo", "writing") == 2


def test_configured_keys_are_not_ours_to_replace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hitstream.toml"
    file.write_text('[sites.shop]\nwrite = "hw_0123456789abcdef"\n')
    assert keys(tmp_path, "--config", str(file), "--rotate", "shop", "write") == 2
    assert keys(tmp_path, "--config", str(file), "--add", "blog") == 2
    assert "add [sites.blog] there" in capsys.readouterr().err
