"""The page's files: none is missing, none says more than it may, and their version changes with them."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest

from query.dashboard.files import TYPES, VENDOR, load

ROOT: Final = Path(str(files("query.dashboard")))
PAGE: Final = sorted((ROOT / "page").iterdir())
SCRIPTS: Final = [path for path in PAGE if path.suffix == ".js"]
MARKUP: Final = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser|setHTML"
)


def test_every_reference_leads_to_a_file() -> None:
    parts = load().parts
    version = load().version
    index = load().index.encoded["identity"].decode()
    linked = re.findall(r'(?:href|src)="dashboard/([^"/]+)/([^"]+)"', index)
    assert {name for folder, name in linked if folder == version} >= {path.name for path in SCRIPTS}
    assert all(target in parts for target in linked)
    for (folder, name), file in parts.items():
        text = file.encoded["identity"].decode(errors="replace")
        if folder == version and name.endswith(".js"):
            for target in re.findall(r'from "([^"]+)"', text):
                found = (VENDOR, target.removeprefix("../vendor/")) if "vendor" in target else (version, target[2:])
                assert found in parts, (name, target)
        for target in re.findall(r'url\("\.\./vendor/([^"]+)"\)', text):
            assert (VENDOR, target) in parts, (name, target)


def test_what_others_wrote_names_its_version_and_has_its_licence_beside_it() -> None:
    names = {name for folder, name in load().parts if folder == VENDOR}
    products = {re.match(r"[a-z]+-\d+\.\d+\.\d+", name) for name in names}
    assert None not in products
    for product in products:
        assert product
        assert f"{product[0]}.LICENSE.txt" in names


@pytest.mark.parametrize("path", PAGE, ids=lambda path: path.name)
def test_no_text_becomes_markup_and_nothing_is_inline(path: Path) -> None:
    text = path.read_text()
    assert not MARKUP.search(text)
    if path.suffix == ".html":
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script>|javascript:", text)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg|shop\.example)", text.replace("^https?://", ""))


def test_every_file_has_a_type() -> None:
    assert {path.suffix for folder in ("page", "vendor") for path in (ROOT / folder).iterdir()} <= TYPES.keys()
