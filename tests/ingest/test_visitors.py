"""Cookieless ids: the same today, untraceable tomorrow."""

from __future__ import annotations

import multiprocessing
import os
import re
import stat
from pathlib import Path

import pytest

from ingest.visitors import SALT_BYTES, Salt, cookieless
from store.buckets import DAY_MS

TODAY = 20_780 * DAY_MS
SALT = b"s" * SALT_BYTES


def test_an_id_is_of_site_address_and_agent() -> None:
    same = cookieless(SALT, "demo", "203.0.113.9", "Firefox")
    assert re.fullmatch(r"c-[0-9a-f]{16}", same)
    assert cookieless(SALT, "demo", "203.0.113.9", "Firefox") == same
    others = {
        cookieless(b"t" * SALT_BYTES, "demo", "203.0.113.9", "Firefox"),
        cookieless(SALT, "shop", "203.0.113.9", "Firefox"),
        cookieless(SALT, "demo", "203.0.113.8", "Firefox"),
        cookieless(SALT, "demo", "203.0.113.9", "Chrome"),
    }
    assert len(others | {same}) == 5


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2:bbbb::9", True),  # a household's /64
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("2001:DB8:1:2::1", "2001:db8:1:2:0:0:0:1", True),
        ("fe80::1%eth0", "fe80::1", True),
        ("::ffff:203.0.113.9", "203.0.113.9", True),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.8", False),
        ("unix:", "", False),
        ("\ud800", "?", True),
    ],
)
def test_which_addresses_are_one_visitors(one: str, other: str, same: bool) -> None:
    assert (cookieless(SALT, "demo", one, "") == cookieless(SALT, "demo", other, "")) is same


def test_an_agent_of_any_size_is_taken() -> None:
    assert cookieless(SALT, "demo", "", "x" * 100_000) == cookieless(SALT, "demo", "", "x" * 200_000)


def test_a_day_has_one_salt(tmp_path: Path) -> None:
    salt = Salt(tmp_path)
    first = salt.of(TODAY)
    assert len(first) == SALT_BYTES
    assert salt.of(TODAY + DAY_MS - 1) == first
    assert Salt(tmp_path).of(TODAY + 5) == first  # another worker, or this one started again


def test_yesterdays_salt_is_forgotten(tmp_path: Path) -> None:
    early, late = Salt(tmp_path), Salt(tmp_path)
    yesterdays = early.of(TODAY)
    assert late.of(TODAY) == yesterdays
    todays = early.of(TODAY + DAY_MS)
    assert todays != yesterdays
    assert late.of(TODAY + DAY_MS) == todays
    assert all(yesterdays not in file.read_bytes() for file in tmp_path.iterdir())


def test_a_clock_set_back_over_midnight_makes_nobody_new(tmp_path: Path) -> None:
    salt = Salt(tmp_path)
    todays = salt.of(TODAY)
    assert salt.of(TODAY - 1) == todays
    assert salt.of(TODAY) == todays


def test_a_salt_from_a_clock_that_was_far_ahead_does_not_stay(tmp_path: Path) -> None:
    future = Salt(tmp_path).of(TODAY + 400 * DAY_MS)
    assert Salt(tmp_path).of(TODAY) != future


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Salt(tmp_path).of(TODAY)
    finally:
        os.umask(before)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {
        "salt": 0o600,
        "salt.lock": 0o600,
    }


@pytest.mark.parametrize("left", [b"", b"short", bytes(8 + SALT_BYTES - 1), bytes(8 + SALT_BYTES + 1)])
def test_a_damaged_file_is_replaced(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "salt").write_bytes(left)
    (tmp_path / "salt.new").write_bytes(b"left behind by a crash")
    salt = Salt(tmp_path).of(TODAY)
    assert (tmp_path / "salt").read_bytes() == (TODAY // DAY_MS).to_bytes(8, "little") + salt


def test_without_the_directory_a_worker_has_a_salt_of_its_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    salt = Salt(tmp_path / "missing")
    first = salt.of(TODAY)
    assert len(first) == SALT_BYTES
    assert salt.of(TODAY + 1) == first
    assert [record.message for record in caplog.records] == ["the day's salt cannot be shared"]


def test_workers_that_start_together_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        salts = pool.map(_salt_of_a_worker, [str(tmp_path)] * 16)
    assert len(set(salts)) == 1


def _salt_of_a_worker(data_dir: str) -> bytes:
    return Salt(Path(data_dir)).of(TODAY)
