"""Where a page view came from."""

from __future__ import annotations

import pytest

from ingest.sources import MEDIUMS, SITES, Visit, visit
from ingest.urls import InvalidUrl
from store.attributes import CHANNELS

HERE = "https://www.example.com/"

CAME = [
    # query of the page, referrer, source, channel
    ("", "", "", "direct"),
    ("", "https://www.example.com/other?q=1", "", "internal"),
    ("", "https://example.com/", "", "internal"),
    ("", "https://EXAMPLE.com:8443/", "", "internal"),
    ("", "https://shop.example.com/", "shop.example.com", "referral"),
    ("", "https://www.google.com/search?q=secret", "google.com", "search"),
    ("", "https://google.co.uk/", "google.co.uk", "search"),
    ("", "https://www.google.de/", "google.de", "search"),
    ("", "https://news.google.com/", "news.google.com", "search"),
    ("", "https://google.example.org/", "google.example.org", "referral"),
    ("", "https://notgoogle.com/", "notgoogle.com", "referral"),
    ("", "https://duckduckgo.com/", "duckduckgo.com", "search"),
    ("", "https://search.yahoo.co.jp/", "search.yahoo.co.jp", "search"),
    ("", "https://mail.google.com/mail/u/0/", "mail.google.com", "email"),
    ("", "https://gemini.google.com/", "gemini.google.com", "assistant"),
    ("", "https://chatgpt.com/", "chatgpt.com", "assistant"),
    ("", "https://t.co/abc", "t.co", "social"),
    ("", "https://l.facebook.com/l.php?u=x", "l.facebook.com", "social"),
    ("", "https://www.reddit.com/r/x/", "reddit.com", "social"),
    ("", "https://www.pinterest.co.uk/", "pinterest.co.uk", "social"),
    ("", "https://m.youtube.com/watch?v=x", "m.youtube.com", "video"),
    ("", "https://blog.example.org/post", "blog.example.org", "referral"),
    ("", "http://localhost:3000/", "localhost", "referral"),
    ("", "http://[::1]/", "[::1]", "referral"),
    ("", "android-app://com.google.android.gm/", "com.google.android.gm", "email"),
    ("", "not an address", "", "direct"),
    # what the link says of itself comes first
    ("?utm_medium=cpc&utm_source=google", "https://www.google.com/", "google.com", "paid"),
    ("?utm_medium=CPC", "", "", "paid"),
    ("?gclid=x", "https://www.google.com/", "google.com", "paid"),
    ("?fbclid=x", "https://www.facebook.com/", "facebook.com", "social"),
    ("?utm_medium=email&utm_source=spring", "https://www.example.org/", "example.org", "email"),
    ("?utm_source=newsletter", "", "", "email"),
    ("?utm_source=Facebook", "", "", "social"),
    ("?utm_source=facebook.com", "", "", "social"),
    ("?utm_source=m.facebook.com", "", "", "social"),
    ("?utm_source=google", "", "", "search"),
    ("?utm_source=chatgpt.com", "", "", "assistant"),
    ("?utm_medium=bio&utm_source=instagram", "", "", "social"),
    ("?utm_medium=referral&utm_source=partner", "", "", "referral"),
    ("?utm_source=partner", "https://www.google.com/", "google.com", "campaign"),
    ("?utm_campaign=spring", "https://www.example.com/", "", "campaign"),
    ("?utm_source=", "", "", "campaign"),
]


@pytest.mark.parametrize(("query", "referrer", "source", "channel"), CAME)
def test_source_and_channel(query: str, referrer: str, source: str, channel: str) -> None:
    found = visit(HERE + query, referrer)
    assert (found.source, found.channel) == (source, channel)


def test_a_visit_is_its_two_addresses_normalised() -> None:
    found = visit("HTTPS://Shop.example.com?utm_source=x&gclid=1&a=1#top", "https://user@www.Example.org/p?q=secret")
    assert found == Visit(
        url="https://shop.example.com/?a=1",
        referrer="https://www.example.org/p",
        source="example.org",
        channel="paid",
        utm={"utm_source": "x"},
    )


def test_addresses_too_long_to_be_cached_are_read_the_same() -> None:
    long = "a" * 1_500
    assert visit(HERE + long, "https://t.co/") == Visit(HERE + long, "https://t.co/", "t.co", "social", {})
    with pytest.raises(InvalidUrl):
        visit(long, "")


def test_every_channel_is_of_the_closed_set() -> None:
    assert {*SITES.values(), *MEDIUMS.values()} <= set(CHANNELS)
    assert {"direct", "internal", "referral", "campaign", "none"} <= set(CHANNELS)
