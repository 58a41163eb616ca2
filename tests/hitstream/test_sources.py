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
    ('port = "80"', {}, r"^port \(in .*\): must be a whole number from 0 to 65535$"),
    ("", {"HITSTREAM_PORT": "http"}, r"^port \(from HITSTREAM_PORT\): must be a whole number from 0 to 65535$"),
    ("", {"HITSTREAM_PORT": "70000"}, r"^port .*: must be a whole number from 0 to 65535$"),
    ("workers = 0", {}, r"^workers .*: must be a whole number from 1 to 64$"),
    ("events_burst = 0", {}, r"^events_burst .*: must be a whole number of at least 1$"),
    ("demo_shop = 1", {}, r"^demo_shop .*: must be true or false$"),
    ("host = 1", {}, r"^host .*: must be text$"),
    ('trusted_proxies = "10.0.0.0/8"', {}, r'^trusted_proxies .*: must be a list of texts, such as \["a", "b"\]$'),
    ('role = "boss"', {}, r"^role .*: must be one of all, ingest, query, projector$"),
    ('secret = "xyz"', {}, r"^secret \(in .*\): must be 32 to 128 hex digits"),
    ("", {"HITSTREAM_SECRET": "00ff"}, r"^secret \(from HITSTREAM_SECRET\): "),
    ('redis_url = "localhost:6379"', {}, r"^redis_url \(in .*\): must begin with redis:// or "),
    ('redis_url = "redis+cluster://"', {}, r"^redis_url \(in .*\): "),
    ('postgres_url = "mysql://x"', {}, r"^postgres_url \(in .*\): must begin with postgresql:// or postgres://$"),
    ('mongo_url = "localhost"', {}, r"^mongo_url \(in .*\): must begin with mongodb://"),
    ('trusted_proxies = ["10.0.0.1/8"]', {}, r"^trusted_proxies \(in .*\): .*host bits"),
    ("sites = 1", {}, r"^sites .*must be tables"),
    ('[sites.shop]\nzne = "UTC"', {}, r"^sites\.shop\.zne \(in .*\): there is no such setting; is it 'zone'\?$"),
    ('[sites.shop]\nzone = "Mars/Base"', {}, r"^sites\.shop\.zone \(in .*\): no time zone is called 'Mars/Base'"),
    ('[sites.shop]\nzone = "Europe"', {}, r"^sites\.shop\.zone \(in .*\): "),
    ('[sites.shop]\nzone = "../UTC"', {}, r"^sites\.shop\.zone \(in .*\): "),
    ('[sites.shop]\ncurrency = "usd"', {}, r"^sites\.shop\.currency \(in .*\): "),
    ("", {"HITSTREAM_SITES_SHOP_CURRENCY": "EURO"}, r"^sites\.shop\.currency \(from HITSTREAM_SITES_SHOP_CURRENCY\): "),
    ('[sites.shop]\norigins = ["shop.example"]', {}, r"^sites\.shop\.origins \(in .*\): 'shop.example' must look like"),
    ('[sites.shop]\norigins = ["https://a.example/"]', {}, r"^sites\.shop\.origins \(in .*\): .* without a path$"),
    ("[sites.shop]\nwrite = 1", {}, r"^sites\.shop\.write \(in .*\): must be text or a list of texts$"),
    ('[sites.shop]\nwrite = "short"', {}, r"^sites\.shop\.write \(in .*\): must be 16 to 128"),
    (f'[sites.shop]\nwrite = "{KEY}"\nread = ["{KEY}"]', {}, r"^sites\.shop\.read \(in .*\): is the same key as "),
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
    with pytest.raises(ConfigError, match=r"^cannot read .*absent\.toml: No such file or directory$"):
        load(tmp_path / "absent.toml", {}, {})
    with pytest.raises(ConfigError, match=r": Is a directory$"):
        load(tmp_path, {}, {})
