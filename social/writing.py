"""Writes what a batch of actions comes to, and how far the stream is done, so that both are there or neither.

Where the server has transactions, one holds all of it. Its first command moves the position of `progress` from where
it is meant to be: of two projectors that have the same batch, one fails there and looks anew. What MongoDB lost of its
tail when it was killed, or when an older backup was restored, takes the position back with it; the projector reads the
stream again from there. A transaction whose client was killed stays open, with all that it has written locked, until
the server loses its patience after a minute: so the session is named in `progress`, and the next projector ends it.

Where it has none, the batch is written twice, the first time as a plan beside the position:

    1. progress: position P, no plan          -> position P, plan up to Q      one document, one command
    2. edges and documents by their ids, counters of documents whose `applied` is below Q, with `applied` = Q
    3. progress: position P, plan up to Q     -> position Q, no plan

Killed before 1, nothing has happened. Killed after it, whoever comes next finds the plan and carries it out from the
start: an edge that is there already is replaced by itself, one that is gone stays gone, and a counter that has moved
stands in a document whose `applied` is Q, so it does not move again. After 3 nothing of it is done again. The plan was
made from what the database held at P, and until 3 nothing else is written, so carrying it out late is the same as in
time. That holds for one projector at a time; two can only be had where there are transactions.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import bson
from bson.binary import Binary
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError, DocumentTooLarge, OperationFailure

from store.consumer import Unavailable

from .database import Database, Handle
from .loading import COLLECTION_OF
from .model import Progress
from .schema import BY_ID, NOTIFICATIONS, PROGRESS
from .working_set import Change, Writes

log = logging.getLogger(__name__)

NAME: Final = "events"  # of this projector, among those that keep their progress

_WRITE_CONFLICT: Final = 112
_OPTIONS: Final[CodecOptions[dict[str, Any]]] = CodecOptions(tz_aware=True)

Plan = dict[str, Any]  # collection -> what to do in it
Operation = InsertOne[dict[str, Any]] | ReplaceOne[dict[str, Any]] | UpdateOne | UpdateMany | DeleteOne


class Unwritable(Exception):
    """The server refuses something of the batch, and always will; the text says what."""


class Writer:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session: AsyncClientSession | None = None

    async def position(self) -> int:
        """Up to where the stream is done; carries out a plan that was left.

        Raises `NetworkUnavailable`, and `Unavailable` where another transaction holds the position.
        """
        async with self._database.working() as handle:
            if self._session is None and (await self._database.capabilities()).transactions:
                self._session = await self._begin(handle)
            found = await self._database.find_one(Progress, PROGRESS, {"_id": NAME}, index=BY_ID)
            if found is None:
                await handle[PROGRESS.name].update_one({"_id": NAME}, {"$setOnInsert": {"position": 0}}, upsert=True)
                return 0
            if found.plan is None or found.until is None:
                return found.position
            log.warning("carrying out what was begun", extra={"until": found.until})
            await self._carry_out(handle, _decode(found.plan), found.until)
            return found.until

    async def _begin(self, handle: Handle) -> AsyncClientSession:
        """A session for all transactions to come, after the end of that which an earlier projector had."""
        found = await self._database.find_one(Progress, PROGRESS, {"_id": NAME}, index=BY_ID)
        if found is not None and found.session is not None:
            before = {"id": Binary.from_uuid(UUID(found.session))}
            try:
                await handle.client.admin.command("killSessions", [before])
            except OperationFailure as error:  # what it may have locked is free in a minute
                log.warning("an earlier projector's session was not ended", extra={"error": str(error)[:300]})
        session = self._database.session()
        named = {"$set": {"session": session.session_id["id"].as_uuid().hex}, "$setOnInsert": {"position": 0}}
        try:
            await handle[PROGRESS.name].update_one({"_id": NAME}, named, upsert=True)
        except OperationFailure as error:
            if error.code != _WRITE_CONFLICT:
                raise
            raise Unavailable(str(error)) from error
        return session

    async def write(self, writes: Writes, since: int, until: int) -> None:
        """Moves from one position to the other with all that happened between them.

        Raises `Unwritable`, `Unavailable` where another has moved it, and `NetworkUnavailable`.
        """
        plan = plan_of(writes)
        if self._session is None:
            await self._write_twice(plan, since, until)
            return
        try:
            async with self._database.transaction(self._session) as handle:
                moved = await handle[PROGRESS.name].update_one(
                    {"_id": NAME, "position": since, "plan": None}, {"$set": {"position": until}}, session=self._session
                )
                if not moved.matched_count:
                    raise Unavailable("another projector has moved on")
                for name, operations in _operations(plan, until, again=False).items():
                    await handle[name].bulk_write(operations, ordered=True, session=self._session)
        except (BSONError, OverflowError, DocumentTooLarge) as error:
            raise Unwritable(str(error)) from error
        except OperationFailure as error:
            codes = [one.get("code") for one in _write_errors(error)]
            if error.has_error_label("TransientTransactionError") or _WRITE_CONFLICT in (error.code, *codes):
                raise Unavailable(str(error)) from error
            if not codes:
                raise
            raise Unwritable(str(_write_errors(error)[0].get("errmsg", error))[:300]) from error

    async def _write_twice(self, plan: Plan, since: int, until: int) -> None:
        try:
            encoded = _encode(plan)
        except (BSONError, OverflowError) as error:
            raise Unwritable(str(error)) from error
        async with self._database.working() as handle:
            begun = await handle[PROGRESS.name].update_one(
                {"_id": NAME, "position": since, "plan": None}, {"$set": {"until": until, "plan": encoded}}
            )
            if not begun.matched_count:
                raise Unavailable("another projector has moved on")
            await self._carry_out(handle, plan, until)

    async def _carry_out(self, handle: Handle, plan: Plan, until: int) -> None:
        for name, operations in _operations(plan, until, again=True).items():
            try:
                await handle[name].bulk_write(operations, ordered=False)
            except BulkWriteError as error:
                # What can be written of it is; a counter that has moved without its edge is the recount's.
                log.error("the server refuses a write", extra={"collection": name, "error": str(error)[:500]})
        await handle[PROGRESS.name].update_one(
            {"_id": NAME, "until": until}, {"$set": {"position": until}, "$unset": {"until": "", "plan": ""}}
        )


def plan_of(writes: Writes) -> Plan:
    """The writes by collection, in what BSON can hold."""
    plan: Plan = {}

    def of(kind: type) -> dict[str, Any]:
        fresh: dict[str, Any] = {"insert": [], "change": [], "remove": []}
        found: dict[str, Any] = plan.setdefault(COLLECTION_OF[kind].name, fresh)
        return found

    if writes.read:  # first: what the same batch tells is inserted as it is meant to be
        of_notifications = [{"user_id": user_id, "up_to": up_to} for user_id, up_to in writes.read.items()]
        plan[NOTIFICATIONS.name] = {"read": of_notifications, "insert": [], "change": [], "remove": []}
    for (kind, id_), change in writes.changed.items():
        of(kind)["change"].append({"_id": id_, **_update(change)})
    for (kind, _), whole in writes.inserted.items():
        of(kind)["insert"].append(whole)
    for kind, id_ in writes.removed:
        of(kind)["remove"].append(id_)
    return plan


def _update(change: Change) -> dict[str, Any]:
    return {
        "set": {path: value for path, value in change.set.items() if value is not None},
        "unset": {path: "" for path, value in change.set.items() if value is None},
        "counts": dict(change.counts),
    }


def _operations(plan: Plan, until: int, *, again: bool) -> Mapping[str, list[Operation]]:
    """`again`: they may have been carried out before, wholly or in part."""
    found: dict[str, list[Operation]] = {}
    for name, writes in plan.items():
        stamped = name in _STAMPED
        operations: list[Operation] = [
            UpdateMany(
                {"user_id": one["user_id"], "read": False, "created_at": {"$lte": one["up_to"]}},
                {"$set": {"read": True}},
            )
            for one in writes.get("read", ())
        ]
        operations += [DeleteOne({"_id": id_}) for id_ in writes["remove"]]
        # Names that are given up before those that are taken: both are unique.
        for change in sorted(writes["change"], key=lambda change: not change["unset"]):
            filter_: dict[str, Any] = {"_id": change["_id"]}
            if stamped and again:
                filter_["applied"] = {"$not": {"$gte": until}}
            set_ = {**change["set"], **({"applied": until} if stamped else {})}
            update = {"$set": set_, "$unset": change["unset"], "$inc": change["counts"]}
            operations.append(UpdateOne(filter_, {operator: of for operator, of in update.items() if of}))
        for whole in writes["insert"]:
            document = {**whole, "applied": until} if stamped else whole
            operations.append(
                ReplaceOne({"_id": whole["_id"]}, document, upsert=True) if again else InsertOne(document)
            )
        found[name] = operations
    return found


_STAMPED: Final = frozenset({"users", "posts", "comments"})  # those with counters


def _write_errors(error: OperationFailure) -> list[Mapping[str, Any]]:
    """What a bulk of writes says of those that failed."""
    return list((error.details or {}).get("writeErrors", ()))


def _encode(plan: Plan) -> str:
    return base64.b64encode(bson.encode(plan)).decode()


def _decode(plan: str) -> Plan:
    return bson.decode(base64.b64decode(plan), _OPTIONS)
