"""Who may see what: the one rule that every read of the network goes by. Pure, but for the reading of a `Viewer`.

    the author                        sees all of their own, but what is deleted
    either side blocks the other      never
    an author who is not active       never
    a private account                 only who follows it, accepted
    a post: public                    everyone else
            followers_only            only who follows its author, accepted
            private                   nobody else
    a comment                         who may see its post and, as if it were a public post, its author's

A mute hides nothing that one asks for: it keeps someone out of what is offered unasked (`offered`): the feed and
notifications. A filter for MongoDB (`posts_for`) cannot know the state of each author, so it lets through more than
the rule does; whoever uses it asks `sees_post` of what comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field

from .database import Database
from .model import AccountStatus, PostStatus, Visibility
from .schema import BLOCKERS, BLOCKS, BLOCKS_EDGE, BY_ID, FOLLOWEES, FOLLOWS, MUTES, MUTES_EDGE, USERS


class Viewer(Struct, frozen=True):
    """Who asks. `id` is None for one who is nobody in particular.

    followees: accepted follows of the viewer. blocked: who blocks the viewer or is blocked. muted: by the viewer.
    """

    id: str | None = None
    followees: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    muted: frozenset[str] = frozenset()


ANYONE: Final = Viewer()


class Openness(Struct, frozen=True):
    private_account: bool = False


class Account(Struct, frozen=True):
    """What must be known of an author. It can be read as a row of `users`."""

    id: str = field(name="_id")
    status: AccountStatus = "active"
    preferences: Openness = Openness()

    @property
    def open(self) -> bool:
        """Whether its public posts are for everyone: what trends are made of."""
        return self.status == "active" and not self.preferences.private_account


def sees_account(viewer: Viewer, account: Account | None) -> bool:
    """Whether the viewer may see what this account publishes for everyone. An account that is gone is None."""
    if account is None:
        return False
    if viewer.id == account.id:
        return True
    if account.id in viewer.blocked or account.status != "active":
        return False
    return not account.preferences.private_account or account.id in viewer.followees


def sees_post(viewer: Viewer, author: Account | None, visibility: Visibility, status: PostStatus) -> bool:
    if author is None or status == "deleted":
        return False
    if viewer.id == author.id:
        return True
    if status != "published" or not sees_account(viewer, author):
        return False
    return visibility == "public" or (visibility == "followers_only" and author.id in viewer.followees)


def offered(viewer: Viewer, author_id: str) -> bool:
    """Whether a mute or block does not keep the author out of what the viewer is shown unasked."""
    return author_id not in viewer.muted and author_id not in viewer.blocked


def posts_for(viewer: Viewer) -> dict[str, Any]:
    """A filter that every post passes which the viewer may see, and few others; see the module.

    Own drafts do not pass: a list shows what is published.
    """
    passing: list[dict[str, Any]] = [{"visibility": "public"}]
    if viewer.followees:
        passing.append({"visibility": "followers_only", "user_id": {"$in": sorted(viewer.followees)}})
    if viewer.id is not None:
        passing.append({"user_id": viewer.id})
    found: dict[str, Any] = {"status": "published"}
    found |= passing[0] if len(passing) == 1 else {"$or": passing}
    if viewer.blocked:
        found["user_id"] = {"$nin": sorted(viewer.blocked)}
    return found


class _Followee(Struct, frozen=True):
    following_id: str


class _Block(Struct, frozen=True):
    blocker_id: str
    blocked_id: str


class _Mute(Struct, frozen=True):
    muted_id: str
    expires_at: datetime | None = None


async def viewer_of(database: Database, id_: str | None, now: datetime, towards: Iterable[str] | None = None) -> Viewer:
    """The viewer with all that ties them to others; where `towards` is given, only with what ties them to those."""
    if id_ is None:
        return ANYONE
    others = None if towards is None else {"$in": sorted(set(towards))}

    def ties(mine: str, other: str) -> dict[str, Any]:
        return {mine: id_} if others is None else {mine: id_, other: others}

    followees, blocked, blockers, muted = await asyncio.gather(
        database.find(_Followee, FOLLOWS, {**ties("follower_id", "following_id"), "status": "accepted"},
                      index=FOLLOWEES),
        database.find(_Block, BLOCKS, ties("blocker_id", "blocked_id"), index=BLOCKS_EDGE),
        database.find(_Block, BLOCKS, ties("blocked_id", "blocker_id"), index=BLOCKERS),
        database.find(_Mute, MUTES, ties("muter_id", "muted_id"), index=MUTES_EDGE),
    )  # fmt: skip
    return Viewer(
        id_,
        frozenset(row.following_id for row in followees),
        frozenset([row.blocked_id for row in blocked] + [row.blocker_id for row in blockers]),
        # The server takes a minute to remove one that has expired.
        frozenset(row.muted_id for row in muted if row.expires_at is None or row.expires_at > now),
    )


async def accounts_of(database: Database, ids: Iterable[str]) -> Mapping[str, Account]:
    """The accounts with these ids, by id; those that are gone are missing."""
    rows = await database.find(Account, USERS, {"_id": {"$in": sorted(set(ids))}}, index=BY_ID)
    return {row.id: row for row in rows}
