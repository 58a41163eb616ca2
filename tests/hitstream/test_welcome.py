"""What a person is told at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hitstream.config import SiteConfig
from hitstream.welcome import welcome
from tests.hitstream.deployments import deployment

URL = "http://127.0.0.1:8080"
REDIS = "unix:///nowhere/valkey.sock"


def test_the_link_to_the_live_page_brings_the_key_along(tmp_path: Path) -> None:
    deployed = deployment(tmp_path, REDIS)
    assert f"    {URL}/#key={deployed.keys['demo'].read[0]}" in welcome(URL, deployed).splitlines()


def test_there_is_something_to_read(tmp_path: Path) -> None:
    assert f"    {URL}/docs" in welcome(URL, deployment(tmp_path, REDIS)).splitlines()


def test_a_configured_key_is_not_shown(tmp_path: Path) -> None:
    keys: dict[str, Any] = {kind: f"a_configured_{kind}_key" for kind in ("write", "server", "read")}
    said = welcome(URL, deployment(tmp_path, REDIS, sites={"shop": SiteConfig(**keys)}))
    assert not any(key in said for key in keys.values())
    assert f"    {URL}/" in said.splitlines()


@pytest.mark.parametrize("role", ["ingest", "projector"])
def test_who_answers_no_questions_has_no_page(tmp_path: Path, role: str) -> None:
    assert "live" not in welcome(URL, deployment(tmp_path, REDIS, role=role))
