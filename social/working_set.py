"""What a batch of actions touches, held in memory while they take effect one after the other; then what to write. Pure.

The effects (`social.effects`) run before it is known what they will ask for. A document that is asked for and was not
loaded counts as absent and is noted in `missed`; whoever runs them loads what was missed and runs them again from the
start, until nothing is. Two or three rounds do, each with one query a collection, however large the batch.

    loaded ──> find ──> effects ──> put, drop, edit, count, notify, wait ──> writes
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, Literal, TypeVar

import msgspec
from bson import ObjectId
from msgspec import Struct, field
from msgspec.structs import replace

from .model import AccountStatus, Comment, Notification, Poll, Post, PostStatus, User, Visibility, Waiting, document

EDGE_BYTES: Final = 12  # an ObjectId: of 10^9 edges, two have the same with probability 10^-11


class Settings(Struct, frozen=True):
    private_account: bool = False
    allow_mentions: bool = True


class Account(Struct, frozen=True):
    """What must be known of a user for anything to happen to them; a row of `users`."""

    id: str = field(name="_id")
    status: AccountStatus = "active"
    username_key: str | None = None
    email: str | None = None
    preferences: Settings = Settings()


class Body(Struct, frozen=True):
    poll: Poll | None = None


class Head(Struct, frozen=True):
    """The same of a post."""

    id: str = field(name="_id")
    user_id: str
    status: PostStatus = "published"
    visibility: Visibility = "public"
    hashtags: tuple[str, ...] = ()
    content: Body = Body()


class Named(Struct, frozen=True):
    """Who has a name that only one may have: of `kind` username_key or email."""

    user_id: str


class Queue(Struct, frozen=True):
    """All that waits for one thing, in the order of the stream."""

    waiting: tuple[Waiting, ...] = ()


Kind = type[Struct]
Key = tuple[Kind, Any]
T = TypeVar("T", bound=Struct)
Reason = Literal["already", "absent", "gone", "blocked", "closed", "mismatched"]


class Ignored(Exception):
    """The action has no effect, and rightly so. `reason` is of a closed set."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Waits(Exception):
    """What the action is about is not known yet; it is kept until it is."""

    def __init__(self, needs: str) -> None:
        super().__init__(needs)
        self.needs = needs


class Tagged(Struct, frozen=True):
    """An account that liked a post with hashtags."""

    user_id: str
    tags: tuple[str, ...]
    at: datetime


class Change(Struct, frozen=True):
    """`set`: path -> value, None removes. `counts`: path -> by how much."""

    set: dict[str, Any]
    counts: dict[str, int]


class Writes(Struct, frozen=True):
    """inserted: whole documents. changed: those that are there already. removed: ids. read: user -> up to when."""

    inserted: dict[Key, dict[str, Any]]
    changed: dict[Key, Change]
    removed: list[Key]
    read: dict[str, datetime]


def edge_id(*ends: str) -> ObjectId:
    """The id of an edge: of the same ends, in the same collection, always the same."""
    return ObjectId(blake2b("\0".join(ends).encode(), digest_size=EDGE_BYTES).digest())


class WorkingSet:
    """See the module. Keys are (struct, id); what is absent is None."""

    def __init__(self, loaded: Mapping[Key, Struct | None]) -> None:
        self.missed: set[Key] = set()
        self.applied: Counter[str] = Counter()  # by the event's name
        self.ignored: Counter[str] = Counter()  # by reason; "waiting" is one
        self.liked: list[Tagged] = []
        self.read: dict[str, datetime] = {}
        self._loaded = loaded
        self._now: dict[Key, Struct | None] = {}
        self._documents: dict[Key, dict[str, Any]] = {}  # of accounts, posts and comments that are new
        self._set: dict[Key, dict[str, Any]] = {}
        self._counts: dict[Key, Counter[str]] = {}

    def find(self, kind: type[T], id_: object) -> T | None:
        key = (kind, id_)
        if key in self._now:
            found = self._now[key]
        else:
            if key not in self._loaded:
                self.missed.add(key)
            found = self._loaded.get(key)
        assert found is None or isinstance(found, kind)
        return found

    def put(self, id_: object, value: Struct) -> None:
        """An edge, new or in place of another with the same ends."""
        self._now[type(value), id_] = value

    def drop(self, kind: Kind, id_: object) -> None:
        self._now[kind, id_] = None

    def add(self, view: Account | Head | Comment, whole: User | Post | Comment) -> None:
        """A new account, post or comment: what effects see of it, and all of it."""
        self._now[type(view), view.id] = view
        self._documents[type(view), view.id] = document(whole)

    def edit(self, view: Account | Head | Comment, **set_: Any) -> None:
        """Changes one: what effects see of it from now on, and the fields; `__` in a name is a dot, None removes."""
        key = (type(view), view.id)
        self._now[key] = view
        self._set.setdefault(key, {}).update({name.replace("__", "."): value for name, value in set_.items()})

    def count(self, kind: Kind, id_: str, path: str, by: int) -> None:
        self._counts.setdefault((kind, id_), Counter())[path] += by

    def mark_read(self, user_id: str, up_to: datetime) -> None:
        """What a user was told up to then: by this batch so far, and before it."""
        self.read[user_id] = max(up_to, self.read.get(user_id, up_to))
        for key, told in list(self._now.items()):
            if isinstance(told, Notification) and told.user_id == user_id and told.created_at <= up_to:
                self._now[key] = replace(told, read=True)

    def writes(self) -> Writes:
        """What differs from what was loaded. Edges that came and went again are not in it."""
        inserted: dict[Key, dict[str, Any]] = {}
        changed: dict[Key, Change] = {}
        removed: list[Key] = []
        for key in dict.fromkeys([*self._now, *self._counts]):
            change = Change(self._set.get(key, {}), {path: by for path, by in self._counts.get(key, {}).items() if by})
            if key in self._documents:
                inserted[key] = _changed(self._documents[key], change)
            elif key[0] in (Account, Head, Comment):
                if change.set or change.counts:
                    changed[key] = change
            elif key[0] not in (Named, Queue):
                now, before = self._now[key], self._loaded.get(key)
                if now == before:
                    continue
                if now is None:
                    removed.append(key)
                elif before is None:
                    inserted[key] = {**document(now), "_id": key[1]}
                else:
                    changed[key] = Change(_difference(document(before), document(now)), {})
        return Writes(inserted, changed, removed, self.read)


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    return {name: now.get(name) for name in {**before, **now} if before.get(name) != now.get(name)}


def _changed(whole: dict[str, Any], change: Change) -> dict[str, Any]:
    """A new document with what has happened to it since."""
    found: dict[str, Any] = msgspec.to_builtins(whole, builtin_types=(datetime, ObjectId))
    for path, value in change.set.items():
        holder, name = _place(found, path)
        if value is None:
            holder.pop(name, None)
        else:
            holder[name] = value
    for path, by in change.counts.items():
        holder, name = _place(found, path)
        holder[name] = holder.get(name, 0) + by  # a default may have been left out
    return found


def _place(found: Any, path: str) -> tuple[Any, Any]:
    *above, name = path.split(".")
    for step in above:
        found = found[int(step)] if isinstance(found, list) else found.setdefault(step, {})
    return found, int(name) if isinstance(found, list) else name
