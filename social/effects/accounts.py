"""Profiles. A user is known from the first action that names them; a profile says more about them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from ..actions import Action, DeleteProfile, EditProfile, ReadNotifications, Refused, Sent, Spot
from ..model import Point, User, document
from ..working_set import Account, Ignored, Named, WorkingSet

# Of an EditProfile: field -> its place in the document.
_PLACES: Final = {
    **{name: f"profile__{name}" for name in (
        "first_name", "last_name", "bio", "avatar_url", "cover_url", "website", "birth_date", "gender", "city",
        "country", "location",
    )},
    **{name: f"preferences__{name}" for name in (
        "private_account", "show_birth_date", "show_location", "allow_mentions", "allow_direct_messages", "language",
        "timezone",
    )},
    **{name: f"verification__{name}" for name in ("is_verified", "verification_type")},
    "email": "email",
    "status": "status",
}  # fmt: skip

# What only one may have.
_NAMES: Final = ("username_key", "email")

# What is known of a person: gone with the account.
_PERSONAL: Final = ("username", "username_key", "email", "password_hash", "last_active")


def account_of(network: WorkingSet, id_: str, at: datetime) -> Account:
    """The user; made where this is the first that is heard of them."""
    found = network.find(Account, id_)
    if found is None:
        found = Account(id_)
        network.add(found, User(id=id_, created_at=at, updated_at=at))
    return found


def acting(network: WorkingSet, sent: Sent) -> Account:
    """Who acts. Raises `Ignored` where that account may not."""
    found = account_of(network, sent.actor, sent.at)
    if found.status != "active":
        raise Ignored("gone")
    return found


def _edit(network: WorkingSet, sent: Sent, action: EditProfile) -> None:
    account = account_of(network, sent.actor, sent.at)
    if account.status == "deleted":
        raise Ignored("gone")
    changed = {name: value for name in _PLACES if (value := getattr(action, name)) is not UNSET}
    if changed.get("email"):
        changed["email"] = _email(changed["email"])
    names: dict[str, Any] = {}
    if action.username is not UNSET:
        username = action.username.strip()
        if not username.isprintable() or not username:
            raise Refused("username must be printable")
        names = {"username": username, "username_key": username.casefold()}
    _claim(network, account, {**names, **changed})
    preferences = replace(
        account.preferences,
        **{name: changed[name] for name in ("private_account", "allow_mentions") if name in changed},
    )
    account = replace(
        account,
        status=changed.get("status", account.status),
        username_key=names.get("username_key", account.username_key),
        email=changed.get("email", account.email),
        preferences=preferences,
    )
    stored = {_PLACES[name]: _stored(value) for name, value in changed.items()}
    if action.is_verified is True:
        stored["verification__verification_date"] = sent.at
    network.edit(account, **stored, **names, updated_at=sent.at)


def _delete(network: WorkingSet, sent: Sent, _: DeleteProfile) -> None:
    """Edges and posts stay where they are and are seen by nobody: counters go on agreeing with them."""
    account = account_of(network, sent.actor, sent.at)
    if account.status == "deleted":
        raise Ignored("already")
    _claim(network, account, dict.fromkeys(_NAMES))
    network.edit(
        replace(account, status="deleted", username_key=None, email=None),
        status="deleted", profile={}, updated_at=sent.at, **dict.fromkeys(_PERSONAL),
    )  # fmt: skip


def _read(network: WorkingSet, sent: Sent, action: ReadNotifications) -> None:
    network.mark_read(sent.actor, min(action.up_to or sent.at, sent.at))


def _claim(network: WorkingSet, account: Account, given: Mapping[str, Any]) -> None:
    """Gives up the account's old names for those among the given. Raises `Refused` where another has one of them."""
    claimed = [(kind, given[kind]) for kind in _NAMES if kind in given and given[kind] != getattr(account, kind)]
    for kind, name in claimed:
        owner = None if name is None else network.find(Named, (kind, name))
        if owner is not None and owner.user_id not in ("", account.id):
            raise Refused(f"{kind.removesuffix('_key')} belongs to another user")
    for kind, name in claimed:
        if name is not None:
            network.put((kind, name), Named(account.id))
        if (old := getattr(account, kind)) is not None:
            network.put((kind, old), Named(""))


def _email(given: str) -> str:
    email = given.strip().lower()
    if "@" not in email or not email.isprintable():
        raise Refused("email must be an address")
    return email


def _stored(value: Any) -> Any:
    if isinstance(value, Spot):
        return document(Point((value.lon, value.lat)))
    if value is not None and hasattr(value, "isoformat"):
        return datetime.combine(value, time(), UTC)  # MongoDB has no days
    return value


EFFECTS: Final[dict[type[Action], Any]] = {EditProfile: _edit, DeleteProfile: _delete, ReadNotifications: _read}
