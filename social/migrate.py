"""Bringing a database to the table of `social.schema`; may be run at every start, and by several at once.

It makes what is missing, changes a validator that has changed, and makes an index anew whose definition has changed.
What it does not know it leaves alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from .capabilities import Capabilities
from .database import Database
from .schema import COLLECTIONS, Collection, Index
from .validators import validator

BUILD_S: Final = 3_600.0  # of an index over all posts there are: one that is cut short would begin anew for ever
_NAMESPACE_EXISTS: Final = 48


async def ensure(database: Database) -> None:
    """Brings the database to the table. Raises `NetworkUnavailable`."""
    capabilities = await database.capabilities()
    async with database.working(BUILD_S) as handle:
        existing = {found["name"]: found for found in await (await handle.list_collections()).to_list()}
        for collection in COLLECTIONS:
            await _ensure_validator(handle, collection, existing.get(collection.name), capabilities)
            await _ensure_indexes(handle, collection, capabilities)


async def _ensure_validator(
    handle: AsyncDatabase[dict[str, Any]],
    collection: Collection,
    existing: Mapping[str, Any] | None,
    capabilities: Capabilities,
) -> None:
    wanted = validator(collection.document) if capabilities.json_schema else {}
    if existing is None:
        try:
            await handle.command({"create": collection.name, **({"validator": wanted} if wanted else {})})
            return
        except OperationFailure as error:
            if error.code != _NAMESPACE_EXISTS:  # another has just made it
                raise
            existing = {}
    if wanted and existing.get("options", {}).get("validator") != wanted:
        await handle.command("collMod", collection.name, validator=wanted)


async def _ensure_indexes(
    handle: AsyncDatabase[dict[str, Any]], collection: Collection, capabilities: Capabilities
) -> None:
    held = handle[collection.name]
    existing = {found["name"]: dict(found) for found in await (await held.list_indexes()).to_list()}
    for index in collection.indexes:
        if index.needs and not getattr(capabilities, index.needs):
            continue
        found = existing.get(index.name)
        if found is not None and _differs(index, found):
            await held.drop_index(index.name)
            found = None
        if found is None:
            await held.create_index(list(index.keys), **index.options())


def _differs(index: Index, found: Mapping[str, Any]) -> bool:
    """Whether the server's index of that name is another. It holds a text index's fields as weights alone."""
    if index.weights:
        return dict(index.weights) != dict(found.get("weights", {}))
    if list(index.keys) != list(found["key"].items()):
        return True
    wanted = {name: value for name, value in index.options().items() if name != "name"}
    return any(found.get(name) != wanted.get(name) for name in ("unique", "sparse", "expireAfterSeconds"))
