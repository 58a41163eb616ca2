"""A user's profile, as a viewer may see it.

Of an account that is private to the viewer there are its names, picture and counts. One that is not active, or that
blocks the viewer or is blocked, is not there.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from store.parameters import Asked

from ..database import Database
from ..errors import NotFound
from ..model import AccountStatus, UserStats
from ..parameters import VIEWER
from ..schema import BY_ID, USERS
from ..visibility import Account, Openness, sees_account, viewer_of

PARAMETERS: Final = (VIEWER,)


class User(Struct, frozen=True):
    """`limited`: the account is private and the viewer does not follow it; then only what is there for all is given.

    `birth_date`, `city` and `country` are None, too, where the user does not show them. `followed`: by the viewer.
    """

    as_of: datetime
    id: str
    username: str | None
    first_name: str | None
    last_name: str | None
    avatar_url: str | None
    is_verified: bool
    verification_type: str | None
    stats: UserStats
    private: bool
    limited: bool
    followed: bool
    bio: str | None = None
    cover_url: str | None = None
    website: str | None = None
    gender: str | None = None
    birth_date: date | None = None
    city: str | None = None
    country: str | None = None
    created_at: datetime | None = None


class _Profile(Struct, frozen=True):
    first_name: str | None = None
    last_name: str | None = None
    bio: str | None = None
    avatar_url: str | None = None
    cover_url: str | None = None
    website: str | None = None
    birth_date: datetime | None = None
    gender: str | None = None
    city: str | None = None
    country: str | None = None


class _Preferences(Struct, frozen=True):
    private_account: bool = False
    show_birth_date: bool = False
    show_location: bool = True


class _Verification(Struct, frozen=True):
    is_verified: bool = False
    verification_type: str | None = None


class _User(Struct, frozen=True):
    id: str = field(name="_id")
    created_at: datetime
    username: str | None = None
    profile: _Profile = _Profile()
    stats: UserStats = UserStats()
    preferences: _Preferences = _Preferences()
    verification: _Verification = _Verification()
    status: AccountStatus = "active"


async def user(database: Database, id_: str, asked: Asked, now: datetime) -> User:
    """Raises `NotFound`."""
    viewer = await viewer_of(database, asked["viewer"], now, towards=[id_])
    found = await database.find_one(_User, USERS, {"_id": id_}, index=BY_ID)
    itself = viewer.id == id_
    if found is None or found.status == "deleted" or id_ in viewer.blocked:
        raise NotFound("user", id_)
    if found.status != "active" and not itself:
        raise NotFound("user", id_)
    profile, preferences = found.profile, found.preferences
    account = Account(found.id, found.status, Openness(preferences.private_account))
    head = User(
        now, found.id, found.username, profile.first_name, profile.last_name, profile.avatar_url,
        found.verification.is_verified, found.verification.verification_type, found.stats,
        preferences.private_account, not sees_account(viewer, account), id_ in viewer.followees,
    )  # fmt: skip
    if head.limited:
        return head
    born = profile.birth_date if preferences.show_birth_date or itself else None
    located = preferences.show_location or itself
    return replace(
        head,
        bio=profile.bio,
        cover_url=profile.cover_url,
        website=profile.website,
        gender=profile.gender,
        birth_date=born and born.date(),
        city=profile.city if located else None,
        country=profile.country if located else None,
        created_at=found.created_at,
    )
