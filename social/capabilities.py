"""What the server can do, found out by trying: the embedded one lacks some of what MongoDB has.

Every server that speaks MongoDB's protocol names a version of MongoDB that it resembles, so the version says nothing.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import Struct
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, WriteError

Handle = AsyncDatabase[dict[str, Any]]


class Capabilities(Struct, frozen=True):
    """Each is what `social` does otherwise, or not at all, without it.

    transactions: an edge and its counter move together; without, through a plan that outlives a crash.
    text_index: search by words and their weight. geo_index: 2dsphere and `$geoNear`. json_schema: documents are
    checked when they are written. expiry: what is old goes by itself. explain: plans can be looked at.
    """

    transactions: bool = False
    text_index: bool = False
    geo_index: bool = False
    json_schema: bool = False
    expiry: bool = False
    explain: bool = False


async def probe(handle: Handle) -> Capabilities:
    """Tries each in a collection of its own, which is then dropped. Raises what pymongo raises of a server away."""
    scratch = f"probe_{os.urandom(6).hex()}"
    try:
        await handle[scratch].insert_one({"_id": 0, "text": "word", "at": _POINT})
        return Capabilities(**{name: await _works(handle, scratch, attempt) for name, attempt in _ATTEMPTS.items()})
    finally:
        await handle.drop_collection(scratch)


async def _works(handle: Handle, scratch: str, attempt: Callable[[Handle, str], Awaitable[bool]]) -> bool:
    try:
        return await attempt(handle, scratch)
    except OperationFailure as error:
        if error.timeout:
            raise
        return False


_POINT: Final = {"type": "Point", "coordinates": [0.0, 0.0]}


async def _transactions(handle: Handle, scratch: str) -> bool:
    """Whether what was aborted is not there."""
    async with handle.client.start_session() as session:
        await session.start_transaction()
        await handle[scratch].insert_one({"_id": 1}, session=session)
        await session.abort_transaction()
    return await handle[scratch].find_one({"_id": 1}) is None


async def _text_index(handle: Handle, scratch: str) -> bool:
    await handle[scratch].create_index([("text", "text")])
    return await handle[scratch].find_one({"$text": {"$search": "word"}}) is not None


async def _geo_index(handle: Handle, scratch: str) -> bool:
    await handle[scratch].create_index([("at", "2dsphere")])
    near = {"near": _POINT, "distanceField": "far", "key": "at", "maxDistance": 1, "spherical": True}
    return bool(await (await handle[scratch].aggregate([{"$geoNear": near}])).to_list())


async def _json_schema(handle: Handle, scratch: str) -> bool:
    """Whether a document that does not fit is refused."""
    await handle.command("collMod", scratch, validator={"$jsonSchema": {"required": ["text"]}})
    try:
        await handle[scratch].insert_one({"_id": 2})
    except WriteError:
        return True
    return False


async def _expiry(handle: Handle, scratch: str) -> bool:
    await handle[scratch].create_index([("until", 1)], expireAfterSeconds=0, name="expiry")
    indexes = await (await handle[scratch].list_indexes()).to_list()
    return any("expireAfterSeconds" in index for index in indexes)


async def _explain(handle: Handle, scratch: str) -> bool:
    plan = await handle.command("explain", {"find": scratch, "filter": {"_id": 0}}, verbosity="queryPlanner")
    return "queryPlanner" in plan


_ATTEMPTS: Final = {
    "transactions": _transactions,
    "text_index": _text_index,
    "geo_index": _geo_index,
    "json_schema": _json_schema,
    "expiry": _expiry,
    "explain": _explain,
}
