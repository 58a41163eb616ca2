"""Whose keys come from where, and how those that are made are kept."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from hitstream import keyfile
from hitstream.config import Config, ConfigError, SiteConfig
from hitstream.keyfile import SiteKeys


def test_without_a_site_demo_is_made_once(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    made = keyfile.complete(Config(), file)
    assert list(made) == ["demo"]
    for kind, prefix in (("write", "hw_"), ("server", "hs_"), ("read", "hr_")):
        assert re.fullmatch(rf"{prefix}[0-9A-Za-z]{{32}}", getattr(made["demo"], kind)[0])
    assert file.stat().st_mode & 0o777 == 0o600
    assert tomllib.loads(file.read_text())["sites"]["demo"]["write"] == made["demo"].write[0]
    assert keyfile.complete(Config(), file) == made
    assert [site.id for site in keyfile.sites_of(Config(), keyfile.read(file))] == ["demo"]


def test_a_configured_site_keeps_its_keys_and_one_without_any_gets_its_own(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    config = Config(sites={"shop": SiteConfig(write="hw_0123456789abcdef"), "blog": SiteConfig(zone="Asia/Tokyo")})
    keys = keyfile.complete(config, file)
    assert keys["shop"] == SiteKeys(write=("hw_0123456789abcdef",))
    assert all((keys["blog"].write, keys["blog"].server, keys["blog"].read))
    assert list(keyfile.read(file)) == ["blog"]
    assert {site.id: site.zone for site in keyfile.sites_of(config, {})} == {"shop": "UTC", "blog": "Asia/Tokyo"}


def test_an_old_key_may_stand_beside_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    kept = {"shop": SiteKeys(write=("hw_new", "hw_old"), read=("hr_only",))}
    keyfile.write(file, kept)
    assert keyfile.read(file) == kept


@pytest.mark.parametrize("text", ["[sites.demo]\nwrite = 1", "[sites", "[sites.demo]\nwritten = 'x'"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"cannot read .*keys\.toml"):
        keyfile.read(file)
