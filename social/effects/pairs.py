"""Pairs of users: follows and requests to follow, blocks, mutes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from ..actions import (
    AcceptFollow,
    Action,
    EndBlock,
    EndFollow,
    EndMute,
    RejectFollow,
    Sent,
    StartBlock,
    StartFollow,
    StartMute,
)
from ..model import Block, Follow, Mute
from ..working_set import Account, Ignored, WorkingSet, edge_id
from .accounts import account_of, acting
from .telling import blocked, tell, untell


def _follow(network: WorkingSet, sent: Sent, action: StartFollow) -> None:
    acting(network, sent)
    followed = account_of(network, action.target_id, sent.at)
    id_ = edge_id(sent.actor, action.target_id)
    there, apart = network.find(Follow, id_), blocked(network, sent.actor, action.target_id)
    if followed.status != "active":
        raise Ignored("gone")
    if there:
        raise Ignored("already")
    if apart:
        raise Ignored("blocked")
    asks = followed.preferences.private_account
    network.put(id_, Follow(
        follower_id=sent.actor, following_id=action.target_id, created_at=sent.at,
        status="pending" if asks else "accepted", accepted_at=None if asks else sent.at,
    ))  # fmt: skip
    if not asks:
        _count(network, sent.actor, action.target_id, 1)
    _tell(network, sent.actor, action.target_id, sent.at, asks=asks)


def _unfollow(network: WorkingSet, sent: Sent, action: EndFollow) -> None:
    if not _end(network, sent.actor, action.target_id):
        raise Ignored("absent")


def _accept(network: WorkingSet, sent: Sent, action: AcceptFollow) -> None:
    """It stays a request where the account that asked is not active now: it can be accepted later."""
    acting(network, sent)
    id_ = edge_id(action.target_id, sent.actor)
    follow = network.find(Follow, id_)
    if follow is None:
        raise Ignored("absent")
    if follow.status == "accepted":
        raise Ignored("already")
    network.put(id_, replace(follow, status="accepted", accepted_at=sent.at))
    _count(network, action.target_id, sent.actor, 1)
    untell(network, sent.actor, "follow_request", action.target_id, ("user", sent.actor))
    _tell(network, action.target_id, sent.actor, sent.at, asks=False)


def _reject(network: WorkingSet, sent: Sent, action: RejectFollow) -> None:
    if not _end(network, action.target_id, sent.actor):
        raise Ignored("absent")


def _block(network: WorkingSet, sent: Sent, action: StartBlock) -> None:
    account_of(network, sent.actor, sent.at)
    account_of(network, action.target_id, sent.at)
    id_ = edge_id(sent.actor, action.target_id)
    there = network.find(Block, id_)
    if there:
        raise Ignored("already")
    _end(network, sent.actor, action.target_id)
    _end(network, action.target_id, sent.actor)
    network.put(id_, Block(blocker_id=sent.actor, blocked_id=action.target_id, created_at=sent.at))


def _unblock(network: WorkingSet, sent: Sent, action: EndBlock) -> None:
    _remove(network, Block, sent.actor, action.target_id)


def _mute(network: WorkingSet, sent: Sent, action: StartMute) -> None:
    """A second one changes when it ends."""
    account_of(network, sent.actor, sent.at)
    account_of(network, action.target_id, sent.at)
    id_ = edge_id(sent.actor, action.target_id)
    there = network.find(Mute, id_)
    mute = Mute(muter_id=sent.actor, muted_id=action.target_id, created_at=there.created_at if there else sent.at,
                expires_at=action.expires_at)  # fmt: skip
    if mute == there:
        raise Ignored("already")
    network.put(id_, mute)


def _unmute(network: WorkingSet, sent: Sent, action: EndMute) -> None:
    _remove(network, Mute, sent.actor, action.target_id)


def _remove(network: WorkingSet, kind: type[Block] | type[Mute], one: str, other: str) -> None:
    id_ = edge_id(one, other)
    if network.find(kind, id_) is None:
        raise Ignored("absent")
    network.drop(kind, id_)


def _end(network: WorkingSet, follower: str, following: str) -> bool:
    """Ends a follow or takes back a request; whether there was one."""
    id_ = edge_id(follower, following)
    follow = network.find(Follow, id_)
    if follow is None:
        return False
    network.drop(Follow, id_)
    if follow.status == "accepted":
        _count(network, follower, following, -1)
    untell(network, following, "follow" if follow.status == "accepted" else "follow_request", follower,
           ("user", following))  # fmt: skip
    return True


def _count(network: WorkingSet, follower: str, following: str, by: int) -> None:
    network.count(Account, follower, "stats.following_count", by)
    network.count(Account, following, "stats.followers_count", by)


def _tell(network: WorkingSet, follower: str, following: str, at: datetime, *, asks: bool) -> None:
    tell(network, following, "follow_request" if asks else "follow", follower, ("user", following), at)


EFFECTS: Final[dict[type[Action], Any]] = {
    StartFollow: _follow, EndFollow: _unfollow, AcceptFollow: _accept, RejectFollow: _reject,
    StartBlock: _block, EndBlock: _unblock, StartMute: _mute, EndMute: _unmute,
}  # fmt: skip
