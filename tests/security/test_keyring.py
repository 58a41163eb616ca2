"""Keys: how they are looked up, and that they are told to nobody."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from hitstream.access import LONGEST, Keyring, Unauthorized
from hitstream.keyfile import PREFIX_OF, SiteKeys, new_key
from store.site import KeyKind, Site

WRITE = "hw_a-write-key-of-the-demo"
KEYS = {"demo": SiteKeys(write=(WRITE,), server=("hs_a-server-key",), read=("hr_a-read-key",))}


def keyring() -> Keyring:
    return Keyring([Site("demo")], KEYS)


def test_a_key_is_found_by_a_digest_that_nobody_can_foresee() -> None:
    """No stored key is compared with a presented one, so no time tells how much of a guess is right.

    What is compared are digests, keyed with bytes made at the start: a guess cannot be made to begin like any of them.
    """
    one, other = keyring(), keyring()
    assert len(one._grants) == 3
    for digest, grant in one._grants.items():
        assert type(digest) is bytes
        assert len(digest) == 16
        assert all(key not in repr((digest, grant)) for keys in KEYS.values() for key in (*keys.write, *keys.read))
    assert not one._grants.keys() & other._grants.keys()
    assert one._digest_of(WRITE) in one._grants
    assert one._digest_of(WRITE[:-1]) not in one._grants


@pytest.mark.parametrize("key", ["x" * (LONGEST + 1), WRITE + "\0", " " + WRITE + "x", WRITE.upper(), WRITE[:-1]])
def test_what_only_resembles_a_key_is_none(key: str) -> None:
    request = make_mocked_request("GET", "/", headers={"X-Write-Key": key.replace("\0", "%00")})
    with pytest.raises(Unauthorized, match="the key is not known") as refused:
        keyring().authorize(request, frozenset({"write"}))
    assert WRITE not in refused.value.message


def test_made_keys_cannot_be_guessed() -> None:
    kinds: tuple[KeyKind, ...] = ("write", "server", "read")
    made = {new_key(kind) for kind in kinds for _ in range(1_000)}
    assert len(made) == 3_000
    for key in made:
        prefix, _, secret = key.partition("_")
        assert f"{prefix}_" in PREFIX_OF.values()
        assert len(secret) == 32
        assert len(set(secret)) > 8
