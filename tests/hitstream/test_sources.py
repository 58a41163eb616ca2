"""Where settings come from, which one wins, and what an operator is told about a wrong one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hitstream.config import Config, ConfigError, SiteConfig
from hitstream.sources import load

KEY = "hw_0123456789abcdef"


def test_nothing_given_is_a_configuration() -> None:
    assert load(None, {}, {}) == Config()


def test_later_sources_win(tmp_path: Path) -> None:
    file = tmp_path / "hitstream.toml"
    file.write_text('port = 1\nhost = "::1"\nworkers = 3\n[sites.shop]\nzone = "Asia/Tokyo"\ncurrency = "JPY"\n')
    environ = {"HITSTREAM_PORT": "2", "HITSTREAM_HOST": "0.0.0.0", "HITSTREAM_SITES_SHOP_CURRENCY": "EUR"}
    config = load(file, environ, {"port": 3})
    assert (config.port, config.host, config.workers) == (3, "0.0.0.0", 3)
    assert config.sites == {"shop": SiteConfig(zone="Asia/Tokyo", currency="EUR")}


def test_the_environment_speaks_of_sites_and_lists() -> None:
    environ = {
        "HITSTREAM_SITES_MY_SHOP_ORIGINS": "https://a.example, https://b.example",
        "HITSTREAM_SITES_MY_SHOP_WRITE": KEY,
        "HITSTREAM_TRUSTED_PROXIES": "10.0.0.0/8,fd00::/8",
        "HITSTREAM_REDIS_URL": "",  # counts as not given
        "HITSTREAM_TEST_REDIS_URL": "redis://elsewhere",  # not a setting
        "OTHER_PORT": "1",
    }
    config = load(None, environ, {})
    assert config.trusted_proxies == ("10.0.0.0/8", "fd00::/8")
    assert config.sites["my-shop"].origins == ("https://a.example", "https://b.example")
    assert config.sites["my-shop"].keys("write") == (KEY,)
    assert config.sites["my-shop"].keys("read") == ()


WRONG: list[tuple[str, Mapping[str, str], str]] = [
    ("prot = 1", {}, r"^prot \(in .*\): there is no such setting; is it 'port'\?$"),
    ("", {"HITSTREAM_WORKER": "1"}, r"^worker \(from HITSTREAM_WORKER\): there is no such setting; is it 'workers'\?$"),
    ('port = "80"', {}, r"^port \(in .*\): Expected `int`, got `str`$"),
    ("", {"HITSTREAM_PORT": "http"}, r"^port \(from HITSTREAM_PORT\): Expected `int`"),
    ("", {"HITSTREAM_PORT": "70000"}, r"^port .*<= 65535$"),
    ("workers = 0", {}, r"^workers .*>= 1$"),
    ('role = "boss"', {}, r"^role .*: must be one of all, ingest, query, projector$"),
    ('secret = "xyz"', {}, r"^secret: must be 16 to 64 bytes in hex$"),
    ('secret = "00ff"', {}, r"^secret: "),
    ('trusted_proxies = ["10.0.0.1/8"]', {}, r"^trusted_proxies: .*host bits"),
    ("sites = 1", {}, r"^sites .*must be tables"),
    ('[sites.shop]\nzne = "UTC"', {}, r"^sites\.shop\.zne \(in .*\): there is no such setting; is it 'zone'\?$"),
    ('[sites.shop]\nzone = "Mars/Base"', {}, r"^sites\.shop\.zone: no time zone is called 'Mars/Base'$"),
    ('[sites.shop]\nzone = "Europe"', {}, r"^sites\.shop\.zone: "),
    ('[sites.shop]\nzone = "../UTC"', {}, r"^sites\.shop\.zone: "),
    ('[sites.shop]\ncurrency = "usd"', {}, r"^sites\.shop\.currency: "),
    ("[sites.shop]\nwrite = 1", {}, r"^sites\.shop\.write \(in .*\): Expected `str \| array`"),
    ('[sites.shop]\nwrite = "short"', {}, r"^sites\.shop\.write: must be 16 to 128"),
    (f'[sites.shop]\nwrite = "{KEY}"\nread = ["{KEY}"]', {}, r"^sites\.shop\.read: is the same key as sites\.shop\.w"),
    ("[sites.Shop]", {}, r"^sites\.Shop: a site's id"),
    ("port = ", {}, r"is not TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "environ", "want"), WRONG, ids=[want for _, _, want in WRONG])
def test_what_is_wrong_is_named_with_its_reason(
    tmp_path: Path, text: str, environ: Mapping[str, str], want: str
) -> None:
    file = tmp_path / "hitstream.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=want) as caught:
        load(file, environ, {})
    assert KEY not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*absent\.toml"):
        load(tmp_path / "absent.toml", {}, {})
