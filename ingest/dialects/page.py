"""The address of a page among what other products' clients say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

_WEB: Final = ("http://", "https://")


def web_address(*candidates: object) -> str:
    """The first that is one of the web, or '': an app's screens have others, which are no pages."""
    for each in candidates:
        if isinstance(each, str) and each[:8].lower().startswith(_WEB):
            return each
    return ""


def tagged(url: str, campaign: Mapping[str, object]) -> str:
    """The address with the campaign in it, as the link has it that leads there. campaign: name, source, medium, ..."""
    names = {f"utm_{'campaign' if name == 'name' else name}": value for name, value in campaign.items()}
    query = urlencode({name: value for name, value in names.items() if isinstance(value, str) and value})
    address, mark, fragment = url.partition("#")
    return f"{address}{'&' if '?' in address else '?'}{query}{mark}{fragment}" if query else url
