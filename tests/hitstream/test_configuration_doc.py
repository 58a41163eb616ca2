"""docs/configuration.md lists every setting, with its variable, its default, and the words that the code has for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from msgspec import Meta, Struct

from hitstream.config import Config, SiteConfig
from hitstream.sources import load

DOC = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()


def shown(default: Any) -> str:
    if default == "" or default == () or default == {}:
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"  # as TOML has it
    return f"`{default}`"


def rows(struct: type[Struct], prefix: str) -> list[str]:
    found = []
    for field in msgspec.structs.fields(struct):
        [meta] = [note for note in get_args(field.type) if isinstance(note, Meta)]
        default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        variable = "" if field.name == "sites" else f"`{prefix}{field.name.upper()}`"
        found.append(f"| `{field.name}` | {variable} | {shown(default)} | {meta.description} |")
    return found


@pytest.mark.parametrize(
    ("struct", "prefix"), [(Config, "HITSTREAM_"), (SiteConfig, "HITSTREAM_SITES_<ID>_")], ids=["server", "site"]
)
def test_every_setting_has_its_row(struct: type[Struct], prefix: str) -> None:
    assert "\n".join(rows(struct, prefix)) in DOC


def test_the_example_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "hitstream.toml"
    file.write_text(DOC.partition("```toml\n")[2].partition("```")[0])
    assert load(file, {}, {}).sites["shop"].currency == "EUR"
