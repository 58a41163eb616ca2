"""One spelling for one page, and nothing in it that is not the page's."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.urls import MAX_CHARACTERS, MAX_UTM, TRACKING, InvalidUrl, Page, Referrer, page, referrer

STORED = [
    ("https://example.com/", "https://example.com/"),
    ("https://example.com", "https://example.com/"),
    ("HTTPS://WWW.Example.COM/Path?Q=A", "https://www.example.com/Path?Q=A"),
    ("https://example.com/a#section", "https://example.com/a"),
    ("https://example.com#/spa/route", "https://example.com/"),
    ("https://example.com/a?#", "https://example.com/a"),
    ("https://example.com/a?", "https://example.com/a"),
    ("https://example.com?q=1", "https://example.com/?q=1"),
    ("https://example.com/a/", "https://example.com/a/"),
    ("https://example.com//a", "https://example.com//a"),
    # the query: its order, its spelling, without what was appended
    ("https://example.com/?b=2&a=1", "https://example.com/?b=2&a=1"),
    ("https://example.com/?b=2&gclid=x&a=1", "https://example.com/?b=2&a=1"),
    ("https://example.com/?gclid=x&fbclid=y&_ga=z", "https://example.com/"),
    ("https://example.com/?GCLID=x&a=1", "https://example.com/?a=1"),
    ("https://example.com/?gclid", "https://example.com/"),
    ("https://example.com/?gclidx=1&xgclid=2", "https://example.com/?gclidx=1&xgclid=2"),
    ("https://example.com/?a=1&&b=2&", "https://example.com/?a=1&b=2"),
    ("https://example.com/?a=b=c&d", "https://example.com/?a=b=c&d"),
    ("https://example.com/?a=1?b=2", "https://example.com/?a=1?b=2"),
    ("https://example.com/?next=http://x.org/?gclid=1", "https://example.com/?next=http://x.org/?gclid=1"),
    ("https://example.com/?utm_source=a&q=1&utm_medium=b", "https://example.com/?q=1"),
    # ports
    ("http://example.com:80/", "http://example.com/"),
    ("https://example.com:443/", "https://example.com/"),
    ("http://example.com:443/", "http://example.com:443/"),
    ("https://example.com:8443/", "https://example.com:8443/"),
    ("https://example.com:/", "https://example.com/"),
    ("https://example.com:0443/", "https://example.com/"),
    ("https://example.com:08443/", "https://example.com:8443/"),
    # hosts
    ("https://example.com./", "https://example.com/"),
    ("http://localhost:3000/a", "http://localhost:3000/a"),
    ("http://127.0.0.1/", "http://127.0.0.1/"),
    ("http://[::1]:8080/", "http://[::1]:8080/"),
    ("http://[2001:DB8:0:0::1]/", "http://[2001:db8::1]/"),
    ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
    ("https://例え.jp/", "https://xn--r8jz45g.jp/"),
    ("https://a_b.example.com/", "https://a_b.example.com/"),
    # credentials are never stored
    ("https://user:secret@example.com/a", "https://example.com/a"),
    ("https://user@example.com:8443/", "https://example.com:8443/"),
    ("https://a@b@example.com/", "https://example.com/"),
    ("https://example.com/@user", "https://example.com/@user"),
    ("https://example.com/?mail=a@b.org", "https://example.com/?mail=a@b.org"),
    # characters
    ("  https://example.com/a \n", "https://example.com/a"),
    ("https://example.com/a\n\tb", "https://example.com/ab"),
    ("https://example.com/a b", "https://example.com/a%20b"),
    ("https://example.com/café?q=é", "https://example.com/caf%C3%A9?q=%C3%A9"),
    ("https://example.com/caf%C3%A9", "https://example.com/caf%C3%A9"),
    ('https://example.com/<script>"', "https://example.com/%3Cscript%3E%22"),
    ("https://example.com/\x01\x7f", "https://example.com/%01%7F"),
    ("https://example.com/%00%zz", "https://example.com/%00%zz"),
    ("https://example.com/😀", "https://example.com/%F0%9F%98%80"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "want"), STORED)
def test_how_an_address_is_stored(sent: str, want: str) -> None:
    assert page(sent).url == want
    assert page(want).url == want


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("example.com/a", "begin with http"),
        ("/a", "begin with http"),
        ("//example.com/a", "begin with http"),
        ("ftp://example.com/", "begin with http"),
        ("javascript:alert(1)", "begin with http"),
        ("data:text/html,x", "begin with http"),
        ("file:///etc/passwd", "begin with http"),
        ("chrome-extension://abc/", "begin with http"),
        ("android-app://com.example/", "begin with http"),
        ("https:example.com", "begin with http"),
        ("https:/example.com", "begin with http"),
        ("xhttps://example.com", "begin with http"),
        ("https://", "valid host"),
        ("https:///a", "valid host"),
        ("https://?q", "valid host"),
        ("https://user:secret@/", "valid host"),
        ("https://exa mple.com/", "valid host"),
        ("https://exa%6dple.com/", "valid host"),
        ("https://<b>/", "valid host"),
        ("https://.example.com/", "valid host"),
        ("https://-/", "valid host"),
        ("https://" + "a" * 254 + "/", "valid host"),
        ("https://" + "ü" * 64 + ".com/", "valid host"),
        ("https://[::1/", "valid host"),
        ("https://[::1]x/", "valid host"),
        ("https://[nonsense]/", "valid host"),
        ("https://[fe80::1%25eth0]/", "valid host"),
        ("https://\ud800/", "valid host"),
        ("https://example.com:x/", "valid port"),
        ("https://example.com:0/", "valid port"),
        ("https://example.com:65536/", "valid port"),
        ("https://example.com:٣/", "valid port"),
        ("https://example.com:-1/", "valid port"),
        ("https://a:b:c/", "valid port"),
        ("", "begin with http"),
    ],
)
def test_what_is_no_address(sent: str, reason: str) -> None:
    with pytest.raises(InvalidUrl, match=reason):
        page(sent)


def test_an_address_must_fit_when_it_is_encoded() -> None:
    stem = "https://example.com/"
    room = MAX_CHARACTERS - len(stem)
    assert len(page(stem + "a" * room).url) == MAX_CHARACTERS
    with pytest.raises(InvalidUrl, match="2,048"):
        page(stem + "a" * (room + 1))
    with pytest.raises(InvalidUrl, match="2,048"):
        page(stem + "é" * (room // 6 + 1))


@pytest.mark.parametrize(
    ("query", "want"),
    [
        ("utm_source=news&utm_medium=email", {"utm_source": "news", "utm_medium": "email"}),
        ("UTM_Source=News", {"utm_source": "News"}),
        ("utm_campaign=spring+sale%21", {"utm_campaign": "spring sale!"}),
        ("utm_source=a&utm_source=b", {"utm_source": "a"}),
        ("utm_source=", {"utm_source": ""}),
        ("utm_source", {"utm_source": ""}),
        ("utm_content=%00%ff", {"utm_content": "��"}),
        ("utmx=1&gclid=2", {}),
        ("&".join(f"utm_{n}=a" for n in range(99)), {f"utm_{n}": "a" for n in range(MAX_UTM)}),
        ("", {}),
    ],
)
def test_utm_is_kept_apart(query: str, want: dict[str, str]) -> None:
    assert page(f"https://example.com/?{query}").utm == want


@pytest.mark.parametrize(("parameter", "paid"), [("gclid", True), ("msclkid", True), ("fbclid", False), ("q", False)])
def test_some_click_ids_are_only_given_to_those_who_pay(parameter: str, paid: bool) -> None:
    assert page(f"https://example.com/?{parameter}=1") == Page(
        url=f"https://example.com/{'' if parameter in TRACKING else '?q=1'}", host="example.com", utm={}, paid=paid
    )


@pytest.mark.parametrize(
    ("sent", "want"),
    [
        ("https://www.Google.com/search?q=secret#x", Referrer("https://www.google.com/search", "www.google.com")),
        ("https://user:pw@example.com:8443", Referrer("https://example.com:8443/", "example.com")),
        ("https://example.com/" + "a" * 5_000, Referrer("https://example.com/", "example.com")),
        ("https://example.com/?q=" + "a" * 5_000, Referrer("https://example.com/", "example.com")),
        ("android-app://com.example.app", Referrer("android-app://com.example.app/", "com.example.app")),
        ("", Referrer("", "")),
        ("about:client", Referrer("", "")),
        ("javascript:alert(1)", Referrer("", "")),
        ("file:///home/me", Referrer("", "")),
        ("ftp://example.com/", Referrer("", "")),
        ("google", Referrer("", "")),
        ("https://", Referrer("", "")),
        ("https://exa mple/", Referrer("", "")),
        ("\ud800", Referrer("", "")),
    ],
)  # fmt: skip
def test_referrers(sent: str, want: Referrer) -> None:
    assert referrer(sent) == want


addresses = st.text(st.sampled_from("https://user:pw@[::1]?&#=utm_gclid%20éü\\\n\x00\ud800.-_:8"), max_size=60)


@given(st.text(st.characters(exclude_categories=[]), max_size=60) | addresses)
def test_whatever_is_sent_is_stored_once_and_for_all(rest: str) -> None:
    for text in (rest, "https://" + rest, "https://example.com/" + rest, "https://example.com/?" + rest):
        assert referrer(text).url.isascii()
        with suppress(InvalidUrl):
            stored = page(text)
            assert stored.url.isascii()
            assert stored.url.isprintable()
            assert "#" not in stored.url
            assert "@" not in stored.url.split("/")[2]
            assert page(stored.url).url == stored.url
            assert page(stored.url).utm == {}
