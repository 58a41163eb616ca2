"""The projector of product views: page views of a product's page, and `product_view` events, per product and day.

Two streams, the same effect: each entry counts once. A count has no name of its own that would make it idempotent, so
the entries of each consumer's last batch are remembered in the transaction that counts them (`applied_batches`): the
only ones that Redis may give out again. The table holds one row a consumer.

    page_views   page_url's path is `product_path` with a product's handle in it: /products/{handle}
    user_events  name is product_view; properties hold `sku` (a product's or a variant's) or `handle`
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct
from psycopg import OperationalError

from store.consumer import Poison, StreamEntry, Unavailable

from .database import Database, columns, rows
from .metrics import Metrics

ViewStream = Literal["page_views", "user_events"]

STREAMS: Final[tuple[ViewStream, ...]] = ("page_views", "user_events")
PRODUCT_PATH: Final = "/products/{handle}"
MAX_NAME: Final = 255


class View(Struct, frozen=True):
    """One look at a product: by its handle, or by a SKU."""

    id: str
    day: date
    handle: str | None = None
    sku: str | None = None


class _Properties(Struct, frozen=True):
    sku: str | None = None
    handle: str | None = None


class _Counted(Struct, frozen=True):
    views: int


_decoder = msgspec.json.Decoder(_Properties)


def path_pattern(product_path: str) -> re.Pattern[str]:
    """What a product's path looks like. ValueError where the template does not hold {handle} once."""
    before, found, after = product_path.partition("{handle}")
    if not found or "{handle}" in after or not before.startswith("/"):
        raise ValueError("must be a path with {handle} in it, such as /products/{handle}")
    return re.compile(f"{re.escape(before)}([^/]+){re.escape(after)}/?")


def read(fields: Mapping[str, str], stream: ViewStream, pattern: re.Pattern[str]) -> tuple[str | None, str | None]:
    """(handle, SKU) of the product that was looked at; (None, None) where it was none."""
    if stream == "page_views":
        match = pattern.fullmatch(urlsplit(fields.get("page_url", "")).path)
        return (_name(unquote(match[1])), None) if match else (None, None)
    if fields.get("name") != "product_view":
        return None, None
    try:
        properties = _decoder.decode(fields.get("properties") or "{}")
    except msgspec.DecodeError:
        return None, None
    return _name(properties.handle), _name(properties.sku)


def _name(text: str | None) -> str | None:
    return text if text and len(text) <= MAX_NAME and text.isprintable() else None


class Views:
    """`apply` is what `store.consumer.Consumer` is run with; `consumer` is that consumer's own name."""

    def __init__(
        self,
        database: Database,
        site: str,
        stream: ViewStream,
        consumer: str,
        metrics: Metrics,
        *,
        product_path: str = PRODUCT_PATH,
    ) -> None:
        self._database = database
        self._site = site
        self._stream = stream
        self._consumer = consumer
        self._metrics = metrics
        self._pattern = path_pattern(product_path)

    async def apply(self, entries: Sequence[StreamEntry]) -> Sequence[Poison]:
        """Counts the views among them; none is ever refused. Raises `Unavailable`."""
        views = []
        for entry in entries:
            if entry.fields.get("site") == self._site:
                handle, sku = read(entry.fields, self._stream, self._pattern)
                if handle or sku:
                    views.append(View(entry.id, date.fromisoformat(entry.fields["date"]), handle, sku))
        if views:
            try:
                async with self._database.transaction() as connection:
                    (counted,) = await rows(connection, _Counted, "views", {
                        "stream": self._stream, "consumer": self._consumer,
                        **columns(views, ids="id", days="day", handles="handle", skus="sku"),
                    })  # fmt: skip
            except OperationalError as error:
                raise Unavailable(str(error)) from error
            self._metrics.views.inc(counted.views)
        return ()
