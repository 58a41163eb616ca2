"""Likes, shares and votes: one user, one post or comment, once."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from ..actions import Action, CastVote, GiveLike, Refused, Sent, SharePost, TakeLike, TakeVote, UnsharePost
from ..model import Comment, Like, Poll, PollVote, Share, TargetType
from ..working_set import Account, Head, Ignored, Tagged, WorkingSet, edge_id
from .accounts import acting
from .posts import comment_of, post_of
from .telling import blocked, tell, untell


def _target(network: WorkingSet, target: tuple[TargetType, str]) -> Head | Comment:
    kind, id_ = target
    return post_of(network, id_) if kind == "post" else comment_of(network, id_)


def _like(network: WorkingSet, sent: Sent, action: GiveLike) -> None:
    acting(network, sent)
    found = _target(network, action.target)
    kind, target_id = action.target
    id_ = edge_id(sent.actor, kind, target_id)
    there, apart = network.find(Like, id_), blocked(network, sent.actor, found.user_id)
    if there:
        raise Ignored("already")
    if found.status != "published":
        raise Ignored("gone")
    if apart:
        raise Ignored("blocked")
    network.put(id_, Like(user_id=sent.actor, target_type=kind, target_id=str(target_id), created_at=sent.at))
    _count_like(network, found, 1)
    if isinstance(found, Head) and found.hashtags:
        network.liked.append(Tagged(sent.actor, found.hashtags, sent.at))
    tell(network, found.user_id, "like", sent.actor, (kind, target_id), sent.at)


def _unlike(network: WorkingSet, sent: Sent, action: TakeLike) -> None:
    found = _target(network, action.target)
    kind, target_id = action.target
    id_ = edge_id(sent.actor, kind, target_id)
    if network.find(Like, id_) is None:
        raise Ignored("absent")
    network.drop(Like, id_)
    _count_like(network, found, -1)
    untell(network, found.user_id, "like", sent.actor, (kind, target_id))


def _count_like(network: WorkingSet, target: Head | Comment, by: int) -> None:
    network.count(type(target), target.id, "stats.likes_count", by)
    network.count(Account, target.user_id, "stats.likes_count", by)


def _share(network: WorkingSet, sent: Sent, action: SharePost) -> None:
    acting(network, sent)
    post = post_of(network, action.post_id)
    id_ = edge_id(sent.actor, post.id)
    there, apart = network.find(Share, id_), blocked(network, sent.actor, post.user_id)
    if there:
        raise Ignored("already")
    if post.status != "published":
        raise Ignored("gone")
    if apart:
        raise Ignored("blocked")
    network.put(id_, Share(user_id=sent.actor, post_id=post.id, created_at=sent.at))
    network.count(Head, post.id, "stats.shares_count", 1)
    tell(network, post.user_id, "share", sent.actor, ("post", post.id), sent.at)


def _unshare(network: WorkingSet, sent: Sent, action: UnsharePost) -> None:
    post = post_of(network, action.post_id)
    id_ = edge_id(sent.actor, post.id)
    if network.find(Share, id_) is None:
        raise Ignored("absent")
    network.drop(Share, id_)
    network.count(Head, post.id, "stats.shares_count", -1)
    untell(network, post.user_id, "share", sent.actor, ("post", post.id))


def _vote(network: WorkingSet, sent: Sent, action: CastVote) -> None:
    acting(network, sent)
    post = post_of(network, action.post_id)
    id_ = edge_id(sent.actor, post.id)
    before, apart = network.find(PollVote, id_), blocked(network, sent.actor, post.user_id)
    if post.status != "published":
        raise Ignored("gone")
    if apart:
        raise Ignored("blocked")
    poll = _poll(post)
    chosen = sorted(set(action.options))
    if chosen[-1] >= len(poll.options):
        raise Refused(f"options: the poll has {len(poll.options)}, numbered from 0")
    if len(chosen) > 1 and not poll.multiple_choice:
        raise Refused("options: the poll allows one")
    if poll.expires_at is not None and sent.at >= poll.expires_at:
        raise Ignored("closed")
    held = set(before.options) if before else set()
    new = [option for option in chosen if option not in held]
    if not new or (before and not poll.multiple_choice):
        raise Ignored("already")
    vote = before or PollVote(user_id=sent.actor, post_id=post.id, options=(), created_at=sent.at)
    network.put(id_, replace(vote, options=tuple(sorted(held.union(new)))))
    _count_votes(network, post.id, new, 0 if before else 1, 1)


def _unvote(network: WorkingSet, sent: Sent, action: TakeVote) -> None:
    post = post_of(network, action.post_id)
    id_ = edge_id(sent.actor, post.id)
    vote = network.find(PollVote, id_)
    if vote is None:
        raise Ignored("absent")
    network.drop(PollVote, id_)
    _count_votes(network, post.id, list(vote.options), 1, -1)


def _poll(post: Head) -> Poll:
    if post.content.poll is None:
        raise Ignored("mismatched")
    return post.content.poll


def _count_votes(network: WorkingSet, post_id: str, options: list[int], voters: int, by: int) -> None:
    for option in options:
        network.count(Head, post_id, f"content.poll.options.{option}.votes", by)
    network.count(Head, post_id, "content.poll.total_votes", voters * by)


EFFECTS: Final[dict[type[Action], Any]] = {
    GiveLike: _like, TakeLike: _unlike, SharePost: _share, UnsharePost: _unshare, CastVote: _vote, TakeVote: _unvote,
}  # fmt: skip
