"""What to do about stock: all variants with advice, or only those that are out or running out."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from store.parameters import CURSOR, LIMIT, Asked, Parameter

from ..database import Database
from .asof import as_of
from .filters import ids_of

LABEL_OF: Final = {
    "out_of_stock": "OUT OF STOCK - URGENT",
    "low_stock": "LOW STOCK - REORDER SOON",
    "overstocked": "OVERSTOCKED - CONSIDER PROMOTION",
    "slow_moving": "SLOW MOVING - CONSIDER DISCOUNT",
    "ok": "STOCK LEVEL OK",
}
_LOCATION: Final = Parameter("location", "Code of a location.")
PARAMETERS: Final = (
    Parameter("status", "Only variants of this status.", "choice", tuple(LABEL_OF)),
    _LOCATION,
    LIMIT,
    CURSOR,
)
LOW_STOCK_PARAMETERS: Final = (_LOCATION, LIMIT, CURSOR)


class Advice(Struct, frozen=True):
    """`days_of_cover` is null where nothing sells; `urgency` is how many units will be missing when what is ordered now
    arrives, below zero how many are to spare. `available_now` is live, everything else as of the snapshot."""

    sku: str
    product: str
    variant: str
    location: str
    status: str
    label: str
    available: int
    available_now: int
    committed: int
    incoming: int
    sold_30_days: int
    sold_90_days: int
    days_in_stock_30: float
    days_in_stock_90: float
    daily_demand: float
    demand_deviation: float
    days_of_cover: float | None
    safety_stock: int
    reorder_point: int
    suggested_quantity: int
    confidence: str
    urgency: float


class Inventory(Struct, frozen=True):
    as_of: datetime
    variants: list[Advice]
    next_cursor: str | None


class _Row(Struct, frozen=True):
    variant_id: int
    location_id: int
    sku: str
    product: str
    variant: str
    location: str
    status: str
    available: int
    available_now: int
    committed: int
    incoming: int
    units_30: int
    units_90: int
    stocked_days_30: float
    stocked_days_90: float
    daily_demand: float
    demand_sd: float
    days_of_cover: float | None
    safety_stock: int
    reorder_point: int
    suggested: int
    confidence: str
    urgency: float


async def recommendations(database: Database, asked: Asked) -> Inventory:
    """The most urgent first."""
    return await _listed(database, asked, "inventory", {"status": asked["status"]})


async def low_stock(database: Database, asked: Asked) -> Inventory:
    """Those that are out of stock or will be before a delivery, the most urgent first.

    One that was restocked since the snapshot is left out: what is available and what is coming is read live.
    """
    return await _listed(database, asked, "low_stock", {})


async def _listed(database: Database, asked: Asked, name: str, filters: dict[str, object]) -> Inventory:
    limit = asked["limit"]
    after = asked.after(float, int, int) or (None, None, None)
    locations = await ids_of(database, "location", asked["location"])
    at = await as_of(database, "inventory_advice")
    found = await database.read(_Row, name, {
        **filters, "location": locations[0] if locations else None, "limit": limit + 1,
        "after": after[0], "after_variant": after[1], "after_location": after[2],
    })  # fmt: skip
    page = found[:limit]
    last = page[-1] if len(found) > limit else None
    more = asked.cursor(last.urgency, last.variant_id, last.location_id) if last else None
    return Inventory(at, [_advice(row) for row in page], more)


def _advice(row: _Row) -> Advice:
    return Advice(
        sku=row.sku,
        product=row.product,
        variant=row.variant,
        location=row.location,
        status=row.status,
        label=LABEL_OF[row.status],
        available=row.available,
        available_now=row.available_now,
        committed=row.committed,
        incoming=row.incoming,
        sold_30_days=row.units_30,
        sold_90_days=row.units_90,
        days_in_stock_30=round(row.stocked_days_30, 2),
        days_in_stock_90=round(row.stocked_days_90, 2),
        daily_demand=round(row.daily_demand, 4),
        demand_deviation=round(row.demand_sd, 4),
        days_of_cover=None if row.days_of_cover is None else round(row.days_of_cover, 1),
        safety_stock=row.safety_stock,
        reorder_point=row.reorder_point,
        suggested_quantity=row.suggested,
        confidence=row.confidence,
        urgency=round(row.urgency, 2),
    )
