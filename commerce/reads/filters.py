"""What a filter's slug or code stands for in the database."""

from __future__ import annotations

from msgspec import Struct

from store.errors import BadParameter

from ..database import Database


class _Ids(Struct, frozen=True):
    ids: list[int] | None


async def ids_of(database: Database, parameter: str, slug: str | None) -> list[int] | None:
    """The ids that a `category` (with all below it), `brand` or `location` stands for; None where none is asked for.

    A round trip of its own: an unknown name is told apart from one that nothing belongs to.
    """
    if slug is None:
        return None
    found = await database.read_one(_Ids, f"ids_of_{parameter}", {"slug": slug})
    if found is None or not found.ids:
        raise BadParameter(parameter, f"there is no {parameter} {slug[:64]!r}")
    return found.ids
