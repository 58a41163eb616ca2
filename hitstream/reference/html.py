"""Markup that cannot be broken by what is put into it: text becomes text, and only an `Html` stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Final

_VOID: Final = frozenset({"link", "meta", "br"})
_CODE: Final = re.compile(r"`([^`]+)`")


class Html(str):
    """Markup that was made here."""

    __slots__ = ()


Content = str | Iterable[str]


def element(tag: str, *content: Content, **attributes: str) -> Html:
    """`class_` and `for_` are written with the `_`, as Python's own words end; `aria_label` becomes `aria-label`."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items() if value
    )
    if tag in _VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{joined(*content)}</{tag}>")


def joined(*content: Content) -> Html:
    parts = (part for each in content for part in ([each] if isinstance(each, str) else each))
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def prose(text: str) -> Html:
    """A sentence, with what stands in backticks as code."""
    pieces = _CODE.split(text)
    return joined(element("code", piece) if number % 2 else piece for number, piece in enumerate(pieces))
