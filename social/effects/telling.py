"""The notifications that follow from what happens: told once for each edge, and taken back with it."""

from __future__ import annotations

from datetime import datetime

from ..model import Block, Mute, Notification, NotificationTarget, NotificationType
from ..working_set import WorkingSet, edge_id
from .accounts import account_of


def tell(
    network: WorkingSet,
    user_id: str,
    kind: NotificationType,
    actor_id: str,
    target: tuple[NotificationTarget, str],
    at: datetime,
) -> None:
    """Notifies a user of what `actor_id` did; not of their own deeds, nor of those of whom they block or mute."""
    if user_id == actor_id:
        return
    told = network.find(Notification, _name(user_id, kind, actor_id, target))
    apart = blocked(network, user_id, actor_id)
    mute = network.find(Mute, edge_id(user_id, actor_id))
    if told or apart or (mute and (mute.expires_at is None or mute.expires_at > at)):
        return
    if account_of(network, user_id, at).status == "deleted":
        return
    name = _name(user_id, kind, actor_id, target)
    network.put(name, Notification(
        id=name, user_id=user_id, type=kind, actor_id=actor_id, target_type=target[0], target_id=target[1],
        created_at=at,
    ))  # fmt: skip


def untell(
    network: WorkingSet, user_id: str, kind: NotificationType, actor_id: str, target: tuple[NotificationTarget, str]
) -> None:
    """Takes back what was told of an edge that is no more."""
    name = _name(user_id, kind, actor_id, target)
    if network.find(Notification, name):
        network.drop(Notification, name)


def blocked(network: WorkingSet, one: str, other: str) -> bool:
    """Whether either blocks the other."""
    found = [network.find(Block, edge_id(one, other)), network.find(Block, edge_id(other, one))]
    return any(found)


def _name(user_id: str, kind: NotificationType, actor_id: str, target: tuple[NotificationTarget, str]) -> str:
    return f"{kind}-{edge_id(user_id, kind, actor_id, *target)}"
