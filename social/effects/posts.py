"""Posts and comments: published, changed, deleted, viewed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from ..actions import (
    Action,
    DeleteComment,
    DeletePost,
    EditPost,
    PollGiven,
    Publish,
    Refused,
    Reply,
    Sent,
    Spot,
    ViewPost,
)
from ..model import Comment, Content, Place, Point, Poll, PollOption, Post, path_below
from ..working_set import Account, Body, Head, Ignored, Named, Waits, WorkingSet
from .accounts import acting
from .telling import blocked, tell

MOST_TAGS: Final = 30  # of a post: more is no description
MOST_MENTIONS: Final = 50  # each notifies somebody
LONGEST_TAG: Final = 100

_HASHTAG: Final = re.compile(r"(?<![\w#&/])#(\w+)")
_MENTION: Final = re.compile(r"(?<![\w@/])@([\w.-]*\w)")


def hashtags(words: Iterable[str]) -> tuple[str, ...]:
    """In one case and one form, each once, in their order. What is only digits is a number, no tag."""
    folded = (unicodedata.normalize("NFKC", word.strip().lstrip("#")).casefold() for word in words)
    kept = [tag for tag in folded if 0 < len(tag) <= LONGEST_TAG and tag.isprintable() and not tag.isdigit()]
    return tuple(dict.fromkeys(kept))[:MOST_TAGS]


def post_of(network: WorkingSet, id_: str) -> Head:
    """Raises `Waits` where it is not known."""
    found = network.find(Head, id_)
    if found is None:
        raise Waits(f"post:{id_}")
    return found


def comment_of(network: WorkingSet, id_: str) -> Comment:
    found = network.find(Comment, id_)
    if found is None:
        raise Waits(f"comment:{id_}")
    return found


def _publish(network: WorkingSet, sent: Sent, action: Publish) -> None:
    acting(network, sent)
    there = network.find(Head, action.post_id)
    quoted = network.find(Head, action.quote_post_id) if action.quote_post_id else None
    mentioned = _mentioned(network, sent, action.text, action.mentions)
    if there:
        if there.user_id != sent.actor:
            raise Refused("post_id is that of another user's post")
        raise Ignored("gone" if there.status == "deleted" else "already")
    tags = hashtags(_HASHTAG.findall(action.text) if action.hashtags is None else action.hashtags)
    poll = _poll(action.poll)
    whole = Post(
        id=action.post_id, user_id=sent.actor, created_at=sent.at, updated_at=sent.at,
        content=Content(action.text, action.media, poll), hashtags=tags, mentions=mentioned,
        location=_place(action.location), visibility=action.visibility, quote_post=action.quote_post_id,
        content_warning=action.content_warning, is_pinned=action.is_pinned,
    )  # fmt: skip
    head = Head(whole.id, whole.user_id, visibility=whole.visibility, hashtags=tags, content=Body(poll))
    network.add(head, whole)
    network.count(Account, sent.actor, "stats.posts_count", 1)
    if action.visibility != "private":
        for user_id in mentioned:
            tell(network, user_id, "mention", sent.actor, ("post", action.post_id), sent.at)
        if quoted is not None and quoted.status == "published":
            tell(network, quoted.user_id, "quote", sent.actor, ("post", action.post_id), sent.at)


def _edit(network: WorkingSet, sent: Sent, action: EditPost) -> None:
    acting(network, sent)
    post = post_of(network, action.post_id)
    if post.status == "deleted":
        raise Ignored("gone")
    if post.user_id != sent.actor:
        raise Refused("post_id is that of another user's post")
    changed: dict[str, Any] = {"updated_at": sent.at}
    if action.text is not UNSET:
        changed |= {"content__text": action.text, "hashtags": list(hashtags(_HASHTAG.findall(action.text)))}
    if action.hashtags is not UNSET:
        changed["hashtags"] = list(hashtags(action.hashtags))
    for name in ("visibility", "content_warning", "is_pinned"):
        if (value := getattr(action, name)) is not UNSET:
            changed[name] = value
    post = replace(post, hashtags=tuple(changed.get("hashtags", post.hashtags)),
                   visibility=changed.get("visibility", post.visibility))  # fmt: skip
    network.edit(post, **changed)


def _delete(network: WorkingSet, sent: Sent, action: DeletePost) -> None:
    """It keeps its place, so that an event that comes late finds it gone; what it said is removed."""
    post = post_of(network, action.post_id)
    if post.status == "deleted":
        raise Ignored("already")
    if post.status == "published":
        network.count(Account, post.user_id, "stats.posts_count", -1)
    poll = post.content.poll
    if poll is not None:  # votes may yet be taken back: the places of their counts stay
        network.edit(post, content__poll__question="")
    network.edit(
        replace(post, status="deleted", hashtags=()),
        status="deleted", content__text="", content__media=[], hashtags=[], mentions=[], location=None,
        content_warning=None, updated_at=sent.at,
    )  # fmt: skip


def _comment(network: WorkingSet, sent: Sent, action: Reply) -> None:
    acting(network, sent)
    there = network.find(Comment, action.comment_id)
    post = post_of(network, action.post_id)
    parent = comment_of(network, action.parent_id) if action.parent_id else None
    apart = blocked(network, sent.actor, post.user_id)
    answered_apart = parent is not None and blocked(network, sent.actor, parent.user_id)
    mentioned = _mentioned(network, sent, action.text, None)
    if there:
        if there.user_id != sent.actor:
            raise Refused("comment_id is that of another user's comment")
        raise Ignored("gone" if there.status == "deleted" else "already")
    if post.status != "published" or (parent is not None and parent.status != "published"):
        raise Ignored("gone")
    if parent is not None and parent.post_id != post.id:
        raise Ignored("mismatched")
    if apart or answered_apart:
        raise Ignored("blocked")
    path, depth = path_below(parent, action.comment_id, sent.at)
    whole = Comment(
        id=action.comment_id, post_id=post.id, user_id=sent.actor, path=path,
        root_id=parent.root_id if parent else action.comment_id,
        created_at=sent.at, updated_at=sent.at, parent_id=action.parent_id, depth=depth, text=action.text,
    )  # fmt: skip
    network.add(whole, whole)
    network.count(Head, post.id, "stats.comments_count", 1)
    told = {sent.actor}
    if parent is not None:
        network.count(Comment, parent.id, "stats.replies_count", 1)
        tell(network, parent.user_id, "reply", sent.actor, ("comment", action.comment_id), sent.at)
        told.add(parent.user_id)
    if post.user_id not in told:
        tell(network, post.user_id, "comment", sent.actor, ("post", post.id), sent.at)
        told.add(post.user_id)
    for user_id in mentioned:
        if user_id not in told:
            tell(network, user_id, "mention", sent.actor, ("comment", action.comment_id), sent.at)


def _delete_comment(network: WorkingSet, sent: Sent, action: DeleteComment) -> None:
    comment = comment_of(network, action.comment_id)
    if comment.status == "deleted":
        raise Ignored("already")
    network.count(Head, comment.post_id, "stats.comments_count", -1)
    if comment.parent_id is not None:
        network.count(Comment, comment.parent_id, "stats.replies_count", -1)
    network.edit(replace(comment, status="deleted", text=""), status="deleted", text="", updated_at=sent.at)


def _view(network: WorkingSet, sent: Sent, action: ViewPost) -> None:
    post = post_of(network, action.post_id)
    if post.status != "published":
        raise Ignored("gone")
    network.count(Head, post.id, "stats.views_count", action.count)


def _mentioned(network: WorkingSet, sent: Sent, text: str, given: Iterable[str] | None) -> tuple[str, ...]:
    """Ids of those who are named and may be: known, active, willing, and not at odds with who names them."""
    if given is None:
        names = dict.fromkeys(name.casefold() for name in _MENTION.findall(text)[: 2 * MOST_MENTIONS])
        owners = [network.find(Named, ("username_key", name)) for name in names]
        ids = [owner.user_id for owner in owners if owner and owner.user_id]
    else:
        ids = list(given)
    kept = []
    for id_ in dict.fromkeys(ids[:MOST_MENTIONS]):
        account, apart = network.find(Account, id_), blocked(network, sent.actor, id_)
        if account and account.status == "active" and account.preferences.allow_mentions and not apart:
            kept.append(str(id_))
    return tuple(kept)


def _place(spot: Spot | None) -> Place | None:
    return None if spot is None else Place(Point((spot.lon, spot.lat)), spot.name)


def _poll(given: PollGiven | None) -> Poll | None:
    if given is None:
        return None
    options = [PollOption(text) for text in given.options]
    return Poll(given.question, options, expires_at=given.expires_at, multiple_choice=given.multiple_choice)


EFFECTS: Final[dict[type[Action], Any]] = {
    Publish: _publish, EditPost: _edit, DeletePost: _delete, Reply: _comment, DeleteComment: _delete_comment,
    ViewPost: _view,
}  # fmt: skip
