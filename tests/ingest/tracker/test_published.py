"""What was published stays as it was, is small, and is what its source builds to."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from ingest.tracker.files import Script, published

ROOT: Final = Path(__file__).parents[3]
SOURCE: Final = ROOT / "ingest" / "tracker" / "source"
DOCUMENT: Final = ROOT / "docs" / "tracker.md"

# Pages refer to a release by its name and its digest: no line of this table may ever change or go.
RELEASES: Final = {
    1: "21a61094d4f70fa40eaa062261147c030890b612885018cd8e767e58e57d0afe",
}
GZIPPED_BYTES: Final = 2_200


def test_no_release_changes() -> None:
    assert {script.version: sha256(script.encoded["identity"]).hexdigest() for script in published()} == RELEASES


@pytest.mark.parametrize("script", published(), ids=lambda script: script.name)
def test_a_release_is_small(script: Script) -> None:
    assert len(gzip.compress(script.encoded["identity"], 9, mtime=0)) <= GZIPPED_BYTES


def test_the_documentation_names_every_release() -> None:
    rows = re.findall(r"^\| (\d+) \| `(t\.[^`]+)` \| `(sha384-[^`]+)` \|$", DOCUMENT.read_text(), re.MULTILINE)
    assert rows == [(str(script.version), script.name, script.integrity) for script in reversed(published())]


def test_the_newest_release_is_what_the_source_builds_to(tmp_path: Path) -> None:
    """Skipped where the minifier cannot be had."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("there is no npm")
    built, directory = tmp_path / "source", tmp_path / "published"
    shutil.copytree(SOURCE, built)
    directory.mkdir()
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    if subprocess.run(install, cwd=built, capture_output=True).returncode:
        pytest.skip("npm cannot get the minifier")
    subprocess.run([node, "build.mjs", str(directory)], cwd=built, check=True, capture_output=True)
    assert {file.name: file.read_bytes() for file in directory.iterdir()} == {
        published()[-1].name: published()[-1].encoded["identity"]
    }
