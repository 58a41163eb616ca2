"""The shop's pages as HTML: each text of `pages` within the frame that all share."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from msgspec import Struct

from .catalogue import CURRENCY, PRODUCTS, Product

PREFIX: Final = "/demo"

# Path below the prefix: title and text. The journal is one page whose script makes three of it.
_PAGES: Final = {
    "/": ("Things for tea", "home"),
    "/basket": ("Your basket", "basket"),
    "/checkout": ("Checkout", "checkout"),
    "/thanks": ("Thank you", "thanks"),
    "/journal": ("Journal", "journal"),
    "/journal/water": ("Journal", "journal"),
    "/journal/clay": ("Journal", "journal"),
    "404": ("Nothing here", "missing"),
}


class Links(Struct, frozen=True):
    """What the pages are told of the world outside."""

    write_key: str
    collector: str
    live: str


def rendered(links: Links) -> dict[str, str]:
    """HTML by the path below the prefix; that of a path that does not exist under `404`."""
    frame, product = _template("frame"), _template("product")
    shared = {
        "prefix": PREFIX,
        "key": escape(links.write_key),
        "collector": escape(links.collector),
        "live": escape(links.live),
        "currency": CURRENCY,
        "cards": "\n".join(map(_card, PRODUCTS)),
    }

    def framed(title: str, content: str) -> str:
        return frame.substitute(shared, title=escape(title), content=content)

    pages = {path: framed(title, _template(name).substitute(shared)) for path, (title, name) in _PAGES.items()}
    for each in PRODUCTS:
        others = [other for other in PRODUCTS if other is not each][:3]
        content = product.substitute(shared | _fields(each), others="\n".join(map(_card, others)))
        pages[f"/products/{each.handle}"] = framed(each.name, content)
    return pages


def _template(name: str) -> Template:
    return Template((files(__package__) / "pages" / f"{name}.html").read_text())


def _card(product: Product) -> str:
    return _template("card").substitute(_fields(product), prefix=PREFIX).strip()


def _fields(product: Product) -> dict[str, str]:
    fields: Iterable[str] = product.__struct_fields__
    return {field: escape(getattr(product, field)) for field in fields}
