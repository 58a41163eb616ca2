"""What each action does, told in short stories that begin with an empty network."""

from __future__ import annotations

from typing import Any

import pytest

from social.model import Comment, Notification, Waiting
from social.working_set import Account, Head
from tests.social.acting import BEGIN, Fields, act, after, documents, time_of

HOUR_MS = 3_600_000


def told(*entries: Fields) -> list[tuple[str, str, str, str]]:
    """Who is told what, by whom, about what."""
    writes, _, _ = after(*entries)
    return sorted((one["user_id"], one["type"], one["actor_id"], one["target_id"])
                  for one in documents(writes, Notification))  # fmt: skip


def one(kind: type, id_: str, *entries: Fields) -> dict[str, Any]:
    writes, _, _ = after(*entries)
    (found,) = (whole for whole in documents(writes, kind) if whole["_id"] == id_)
    return found


def stats(id_: str, *entries: Fields) -> dict[str, int]:
    """Of a user, post or comment; only those that are not 0."""
    for kind in (Account, Head, Comment):
        for whole in documents(after(*entries)[0], kind):
            if whole["_id"] == id_:
                return {name: value for name, value in whole["stats"].items() if value}
    raise KeyError(id_)


def ignored(*entries: Fields) -> dict[str, int]:
    return dict(after(*entries)[1].ignored)


P = act("ada", "post", post_id="p")
C = act("bob", "comment", comment_id="c", post_id="p")
PRIVATE = act("ada", "profile", private_account=True)
FOLLOW, UNFOLLOW = act("bob", "follow", target_id="ada"), act("bob", "unfollow", target_id="ada")
POLL = act("ada", "post", post_id="p", poll={"question": "?", "options": ["a", "b", "c"],
                                             "expires_at": "2026-09-21T15:00:00Z"})  # fmt: skip
MANY = act("ada", "post", post_id="p", poll={"question": "?", "options": ["a", "b", "c"], "multiple_choice": True})


def vote(*options: int, at: int = BEGIN) -> Fields:
    return act("bob", "poll_vote", at=at, post_id="p", options=list(options))


LIKE, UNLIKE = act("bob", "like", post_id="p"), act("bob", "unlike", post_id="p")

COUNTED: list[tuple[str, list[Fields], dict[str, int]]] = [
    ("ada", [FOLLOW], {"followers_count": 1}),
    ("bob", [FOLLOW], {"following_count": 1}),
    ("ada", [FOLLOW, FOLLOW], {"followers_count": 1}),
    ("ada", [FOLLOW, UNFOLLOW, FOLLOW], {"followers_count": 1}),
    ("ada", [FOLLOW, UNFOLLOW, UNFOLLOW], {}),
    ("ada", [PRIVATE, FOLLOW], {}),
    ("ada", [PRIVATE, FOLLOW, act("ada", "follow_accept", target_id="bob")], {"followers_count": 1}),
    ("ada", [PRIVATE, FOLLOW, act("ada", "follow_reject", target_id="bob")], {}),
    ("ada", [FOLLOW, act("ada", "follow_reject", target_id="bob")], {}),
    ("ada", [FOLLOW, act("ada", "block", target_id="bob")], {}),
    ("ada", [FOLLOW, act("bob", "block", target_id="ada")], {}),
    ("ada", [P, P], {"posts_count": 1}),
    ("ada", [P, act("ada", "delete_post", post_id="p"), act("ada", "delete_post", post_id="p")], {}),
    ("p", [P, LIKE, LIKE], {"likes_count": 1}),
    ("ada", [P, LIKE], {"posts_count": 1, "likes_count": 1}),
    ("p", [P, LIKE, UNLIKE, UNLIKE], {}),
    ("p", [P, C, act("ada", "comment", comment_id="d", post_id="p", parent_id="c")], {"comments_count": 2}),
    ("c", [P, C, act("ada", "comment", comment_id="d", post_id="p", parent_id="c")], {"replies_count": 1}),
    ("p", [P, C, act("x", "delete_comment", comment_id="c")], {}),
    ("c", [P, C, act("ada", "like", comment_id="c")], {"likes_count": 1}),
    ("p", [P, *[act(who, "share", post_id="p") for who in ("bob", "bob", "cyd")]], {"shares_count": 2}),
    ("p", [P, act("bob", "share", post_id="p"), act("bob", "unshare", post_id="p")], {}),
    ("p", [P, act("bob", "post_view", post_id="p"), act("x", "post_view", post_id="p", count=9)], {"views_count": 10}),
]

IGNORED: list[tuple[str, list[Fields]]] = [
    ("absent", [UNFOLLOW]),
    ("absent", [P, UNLIKE]),
    ("absent", [act("ada", "unblock", target_id="bob")]),
    ("absent", [act("ada", "unmute", target_id="bob")]),
    ("absent", [act("ada", "follow_accept", target_id="bob")]),
    ("already", [P, LIKE, LIKE]),
    ("gone", [P, act("ada", "delete_post", post_id="p"), LIKE]),
    ("gone", [P, act("ada", "delete_post", post_id="p"), P]),
    ("gone", [act("bob", "profile", status="suspended"), FOLLOW]),
    ("gone", [act("ada", "profile", status="suspended"), FOLLOW]),
    ("gone", [act("ada", "delete_profile"), act("ada", "profile", username="ada")]),
    ("blocked", [act("ada", "block", target_id="bob"), FOLLOW]),
    ("blocked", [P, act("ada", "block", target_id="bob"), LIKE]),
    ("blocked", [P, act("bob", "block", target_id="ada"), C]),
    ("closed", [POLL, vote(1, at=BEGIN + HOUR_MS * 24 * 365)]),
    ("mismatched", [P, vote(0)]),
    ("mismatched", [P, C, act("ada", "post", post_id="q"),
                    act("ada", "comment", comment_id="d", post_id="q", parent_id="c")]),
    ("waiting", [LIKE]),
    ("waiting", [P, act("ada", "comment", comment_id="d", post_id="p", parent_id="c")]),
]  # fmt: skip

TOLD: list[tuple[list[Fields], list[tuple[str, str, str, str]]]] = [
    ([FOLLOW], [("ada", "follow", "bob", "ada")]),
    ([PRIVATE, FOLLOW], [("ada", "follow_request", "bob", "ada")]),
    ([PRIVATE, FOLLOW, act("ada", "follow_accept", target_id="bob")], [("ada", "follow", "bob", "ada")]),
    ([FOLLOW, UNFOLLOW], []),
    ([P, LIKE], [("ada", "like", "bob", "p")]),
    ([P, LIKE, UNLIKE], []),
    ([P, act("ada", "like", post_id="p")], []),
    ([P, act("bob", "share", post_id="p")], [("ada", "share", "bob", "p")]),
    ([P, C], [("ada", "comment", "bob", "p")]),
    ([P, C, act("cyd", "comment", comment_id="d", post_id="p", parent_id="c")],
     [("ada", "comment", "bob", "p"), ("ada", "comment", "cyd", "p"), ("bob", "reply", "cyd", "d")]),
    ([act("bob", "profile", username="Bob"), act("ada", "post", post_id="p", text="hi @BOB, @nobody, x@bob.org")],
     [("bob", "mention", "ada", "p")]),
    ([act("bob", "profile"), act("ada", "post", post_id="p", mentions=["bob", "ada"])],
     [("bob", "mention", "ada", "p")]),
    ([act("bob", "profile", allow_mentions=False), act("ada", "post", post_id="p", mentions=["bob"])], []),
    ([act("bob", "profile"), act("ada", "post", post_id="p", mentions=["bob"], visibility="private")], []),
    ([act("ada", "mute", target_id="bob"), FOLLOW], []),
    ([act("ada", "mute", target_id="bob", expires_at="2020-01-01T00:00:00Z"), FOLLOW],
     [("ada", "follow", "bob", "ada")]),
    ([P, act("bob", "post", post_id="q", quote_post_id="p")], [("ada", "quote", "bob", "q")]),
]  # fmt: skip


@pytest.mark.parametrize(("id_", "entries", "expected"), COUNTED)
def test_counters(id_: str, entries: list[Fields], expected: dict[str, int]) -> None:
    assert stats(id_, *entries) == expected


@pytest.mark.parametrize(("reason", "entries"), IGNORED)
def test_what_has_no_effect(reason: str, entries: list[Fields]) -> None:
    assert ignored(*entries) == {reason: 1}


@pytest.mark.parametrize(("entries", "expected"), TOLD)
def test_notifications(entries: list[Fields], expected: list[tuple[str, str, str, str]]) -> None:
    assert told(*entries) == expected


@pytest.mark.parametrize(
    ("entries", "votes"),
    [
        ([POLL, vote(1)], [0, 1, 0, 1]),
        ([POLL, vote(1), vote(2)], [0, 1, 0, 1]),  # the first holds
        ([POLL, vote(1), act("bob", "poll_unvote", post_id="p"), vote(2)], [0, 0, 1, 1]),
        ([MANY, vote(0, 1), vote(1, 2)], [1, 1, 1, 1]),
        ([MANY, vote(0, 1), act("bob", "poll_unvote", post_id="p")], [0, 0, 0, 0]),
    ],
)
def test_votes(entries: list[Fields], votes: list[int]) -> None:
    poll = one(Head, "p", *entries)["content"]["poll"]
    assert [option["votes"] for option in poll["options"]] + [poll.get("total_votes", 0)] == votes


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([POLL, vote(3)], "poll_vote: options: the poll has 3, numbered from 0"),
        ([POLL, vote(0, 1)], "poll_vote: options: the poll allows one"),
        ([P, act("bob", "post", post_id="p")], "post: post_id is that of another user's post"),
        ([P, act("bob", "edit_post", post_id="p")], "edit_post: post_id is that of another user's post"),
        ([P, C, act("ada", "comment", comment_id="c", post_id="p")],
         "comment: comment_id is that of another user's comment"),
        ([act("ada", "profile", username="Ada"), act("bob", "profile", username="ADA")],
         "profile: username belongs to another user"),
        ([act("ada", "profile", email="a@b.org"), act("bob", "profile", email="A@b.org ")],
         "profile: email belongs to another user"),
        ([act("ada", "profile", email="nowhere")], "profile: email must be an address"),
    ],
)  # fmt: skip
def test_what_only_the_network_refuses(entries: list[Fields], reason: str) -> None:
    assert after(*entries)[2] == [reason]


def test_a_name_that_was_given_up_may_be_taken() -> None:
    renamed = act("ada", "profile", username="Countess")
    _, network, refused = after(act("ada", "profile", username="Ada"), renamed, act("bob", "profile", username="ada"))
    assert not refused
    account = network.find(Account, "bob")
    assert account
    assert account.username_key == "ada"


def test_a_deleted_profile_leaves_nothing_of_the_person() -> None:
    ada = one(Account, "ada", act("ada", "profile", username="Ada", email="a@b.org", bio="x"),
              act("ada", "delete_profile"))  # fmt: skip
    assert ada["status"] == "deleted"
    assert ada["profile"] == {}
    assert not {"username", "username_key", "email"} & ada.keys()


def test_a_profile_says_where_somebody_lives() -> None:
    ada = one(Account, "ada", act("ada", "profile", location={"lat": 52.5, "lon": 13.4}, city="Berlin"),
              act("ada", "profile", city=None))  # fmt: skip
    assert ada["profile"] == {"location": {"type": "Point", "coordinates": (13.4, 52.5)}}


def test_hashtags_are_folded_and_found_in_the_text() -> None:
    text = "#Go #go #\uff32ust #1 a#b https://x.org/#frag &#39; #stra\u00dfe"
    assert one(Head, "p", act("ada", "post", post_id="p", text=text))["hashtags"] == ("go", "rust", "strasse")
    edited = one(Head, "p", act("ada", "post", post_id="p", text="#a"),
                 act("ada", "edit_post", post_id="p", text="#b"))  # fmt: skip
    assert edited["hashtags"] == ["b"]


def test_a_deleted_post_says_nothing_any_more() -> None:
    gone = one(Head, "p", act("ada", "post", post_id="p", text="#a", location={"lat": 1, "lon": 2}),
               act("mod", "delete_post", post_id="p"))  # fmt: skip
    assert gone["status"] == "deleted"
    assert gone["content"]["text"] == ""
    assert gone["hashtags"] == []
    assert "location" not in gone


def test_what_comes_too_early_happens_in_its_order_when_it_can() -> None:
    reply = act("ada", "comment", comment_id="d", post_id="p", parent_id="c")
    writes, network, _ = after(act("bob", "like", comment_id="d"), act("bob", "unlike", comment_id="d"),
                               act("cyd", "like", comment_id="d"), reply, C, P)  # fmt: skip
    assert not documents(writes, Waiting)
    assert network.applied == {"post": 1, "comment": 2, "like": 2, "unlike": 1}
    (first, second) = sorted(documents(writes, Comment), key=lambda whole: str(whole["_id"]))
    assert (first["stats"], second["stats"]) == (
        {"likes_count": 0, "replies_count": 1}, {"likes_count": 1, "replies_count": 0},
    )  # fmt: skip


def test_notifications_are_read_up_to_a_time() -> None:
    writes, _, _ = after(act("ada", "notifications_read", at=BEGIN + HOUR_MS),
                         act("ada", "notifications_read", up_to="2020-01-01T00:00:00Z"))  # fmt: skip
    assert writes.read == {"ada": time_of(BEGIN + HOUR_MS)}


def test_what_the_same_batch_told_is_read_where_it_came_before() -> None:
    read = act("ada", "notifications_read", at=BEGIN + HOUR_MS)
    writes, _, _ = after(P, LIKE, read, act("bob", "share", post_id="p"))
    assert {one["type"]: one["read"] for one in documents(writes, Notification)} == {"like": True, "share": False}


def test_a_profile_that_is_refused_takes_no_name() -> None:
    wanted = act("bob", "profile", username="Bob", email="ada@b.org")
    _, _, refused = after(act("ada", "profile", email="ada@b.org"), wanted, act("cyd", "profile", username="Bob"))
    assert refused == ["profile: email belongs to another user"]


def test_edges_that_came_and_went_are_not_written() -> None:
    writes, _, _ = after(FOLLOW, UNFOLLOW)
    assert {kind for kind, _ in writes.inserted} == {Account}
    assert not writes.removed
