"""Entries of the stream become actions, or are refused with a reason that names the field."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from social import actions
from social.actions import ACTIONS, Refused, Sent, entry_id, position, read
from tests.social.acting import SITE, act

POLL = {"question": "?", "options": ["a", "b"]}

REFUSED = [
    ("post", {}, "post: Object missing required field `post_id`"),
    ("post", {"post_id": ""}, "post: Expected `str` of length >= 1 - at `$.post_id`"),
    ("post", {"post_id": "x" * 129}, "post: Expected `str` of length <= 128 - at `$.post_id`"),
    ("post", {"post_id": "a\nb"}, "post: post_id must be printable characters"),
    ("post", {"post_id": "p", "mentions": ["a\x00"]}, "post: mentions must be printable characters"),
    ("post", {"post_id": True}, "post: Expected `str`, got `bool` - at `$.post_id`"),
    ("post", {"post_id": "p", "visibility": "friends"}, "post: Invalid enum value 'friends' - at `$.visibility`"),
    ("post", {"post_id": "p", "poll": {**POLL, "options": ["a"]}},
     "post: Expected `array` of length >= 2 - at `$.poll.options`"),
    ("post", {"post_id": "p", "poll": {**POLL, "expires_at": "2026-01-01T00:00:00"}},
     "post: poll.expires_at must say its offset from UTC"),
    ("post", {"post_id": "p", "location": {"lat": 91, "lon": 0}},
     "post: Expected `float` <= 90.0 - at `$.location.lat`"),
    ("comment", {"comment_id": "c"}, "comment: Object missing required field `post_id`"),
    ("like", {}, "like: must have one of post_id, comment_id, and target_type with target_id"),
    ("unlike", {"post_id": "p", "comment_id": "c"},
     "unlike: must have one of post_id, comment_id, and target_type with target_id"),
    ("follow", {"target_id": "ada"}, "follow: target_id must be another user than user_id"),
    ("block", {"target_id": None}, "block: Expected `str`, got `null` - at `$.target_id`"),
    ("poll_vote", {"post_id": "p", "options": []}, "poll_vote: Expected `array` of length >= 1 - at `$.options`"),
    ("poll_vote", {"post_id": "p", "options": [-1]}, "poll_vote: Expected `int` >= 0 - at `$.options[0]`"),
    ("post_view", {"post_id": "p", "count": 0}, "post_view: Expected `int` >= 1 - at `$.count`"),
    ("profile", {"birth_date": "yesterday"}, "profile: Invalid RFC3339 encoded date - at `$.birth_date`"),
    ("profile", {"status": "deleted"}, "profile: Invalid enum value 'deleted' - at `$.status`"),
    ("mute", {"target_id": "bob", "expires_at": "2026-01-01T00:00:00"},
     "mute: expires_at must say its offset from UTC"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "properties", "reason"), REFUSED, ids=lambda value: str(value)[:40])
def test_refusals(name: str, properties: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read(act("ada", name, **properties), SITE, 1)
    assert str(refused.value).split(" - at `$`")[0] == reason


@pytest.mark.parametrize("properties", ["[]", "null", "{", '"x"', ""])
def test_properties_that_are_no_object(properties: str) -> None:
    with pytest.raises(Refused):
        read(act("ada", "like") | {"properties": properties}, SITE, 1)


@pytest.mark.parametrize("timestamp", ["", "soon", "9" * 30])
def test_a_time_that_is_none(timestamp: str) -> None:
    with pytest.raises(Refused, match="timestamp: must be epoch milliseconds"):
        read(act("ada", "like", post_id="p") | {"timestamp": timestamp}, SITE, 1)


@pytest.mark.parametrize("properties", [{"comment_id": "c"}, {"target_type": "comment", "target_id": "c"}])
def test_both_ways_to_name_a_target(properties: dict[str, Any]) -> None:
    found = read(act("ada", "like", **properties), SITE, 1)
    assert found
    assert isinstance(found.action, actions.GiveLike)
    assert found.action.target == ("comment", "c")


def test_numbers_are_ids_as_their_text() -> None:
    found = read(act("7", "post", post_id=12, mentions=[8, "bob"]), SITE, 1)
    assert isinstance(found, Sent)
    assert found.action == actions.Publish(post_id="12", mentions=["8", "bob"])


def test_what_is_left_out_and_what_is_null() -> None:
    found = read(act("ada", "profile", bio=None, birth_date="1990-05-15", private_account=True), SITE, 1)
    assert found
    assert found.action == actions.EditProfile(bio=None, birth_date=date(1990, 5, 15), private_account=True)


@pytest.mark.parametrize("change", [{"site": "other"}, {"trusted": "0"}, {"name": "signup"}, {"name": ""}])
def test_what_is_none_of_the_networks_business(change: dict[str, str]) -> None:
    assert read(act("ada", "like") | change, SITE, 1) is None


def test_an_entry_that_was_trimmed_is_nothing() -> None:
    assert read({}, SITE, 1) is None


def test_positions_are_in_the_order_of_the_stream() -> None:
    ids = ["0-0", "0-1", "5-0", "1795439000000-0", "1795439000000-2", "1795439000001-0"]
    assert [entry_id(position(id_)) for id_ in ids] == ids
    assert sorted(position(id_) for id_ in ids) == [position(id_) for id_ in ids]
    assert position("8700000000000-1048575") < 2**63


def test_the_time_is_that_of_the_event() -> None:
    found = read(act("ada", "like", at=1_700_000_000_000, post_id="p"), SITE, 1)
    assert found
    assert found.at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_each_action_has_an_effect() -> None:
    from social.effects import EFFECTS

    assert set(EFFECTS) == set(ACTIONS.values())
