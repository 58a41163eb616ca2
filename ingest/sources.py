"""Where a page view came from: its channel, judged by what the link says of itself and by whose page it was on.

    a paid click id             paid
    utm_medium, else utm_source what the word stands for (`MEDIUMS`), else the kind of site named, else campaign
    no referrer                 direct
    a referrer on the same host internal
    any other referrer          the kind of site it is (`SITES`), else referral

The words are members of `store.attributes.CHANNELS`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from msgspec import Struct

from .urls import Page, page, referrer

_CACHED: Final = 500  # characters of an address; longer ones are not kept, which bounds the caches to a few MiB
_PLACES: Final = 4096  # of pages, and of referrers: each is looked for on its own, for their pairs hardly come again

MEDIUMS: Final = {
    **dict.fromkeys(
        ("cpc", "ppc", "cpm", "cpv", "cpa", "cpp", "paid", "paidsearch", "paid-search", "paid_search", "paidsocial",
         "paid-social", "paid_social", "display", "banner", "retargeting", "ads", "ad"),
        "paid",
    ),
    **dict.fromkeys(("email", "e-mail", "e_mail", "mail", "newsletter"), "email"),
    **dict.fromkeys(("social", "social-media", "social_media", "social-network", "sm"), "social"),
    **dict.fromkeys(("organic", "search"), "search"),
    **dict.fromkeys(("video",), "video"),
    **dict.fromkeys(("referral", "link"), "referral"),
}  # fmt: skip

# By domain, which stands for its subdomains too where these are not named; without a dot, by name in every country.
SITES: Final = {
    **dict.fromkeys(
        ("google", "bing.com", "duckduckgo.com", "yahoo", "yandex", "baidu.com", "ecosia.org", "qwant.com",
         "startpage.com", "search.brave.com", "naver.com", "seznam.cz", "kagi.com", "sogou.com", "so.com", "ask.com",
         "search.aol.com", "mojeek.com", "swisscows.com", "com.google.android.googlequicksearchbox"),
        "search",
    ),
    **dict.fromkeys(
        ("facebook.com", "fb.com", "fb.me", "messenger.com", "instagram.com", "threads.net", "threads.com",
         "twitter.com", "x.com", "t.co", "linkedin.com", "lnkd.in", "reddit.com", "pinterest", "tumblr.com", "vk.com",
         "ok.ru", "weibo.com", "mastodon.social", "bsky.app", "snapchat.com", "discord.com", "t.me", "telegram.org",
         "whatsapp.com", "wa.me", "news.ycombinator.com", "xing.com", "quora.com", "slack.com", "com.slack"),
        "social",
    ),
    **dict.fromkeys(
        ("mail.google.com", "outlook.live.com", "outlook.office.com", "outlook.office365.com", "mail.yahoo.com",
         "mail.proton.me", "mail.aol.com", "mail.yandex.ru", "mail.ru", "com.google.android.gm"),
        "email",
    ),
    **dict.fromkeys(
        ("youtube.com", "youtu.be", "vimeo.com", "dailymotion.com", "twitch.tv", "tiktok.com", "bilibili.com"), "video"
    ),
    **dict.fromkeys(
        ("chatgpt.com", "chat.openai.com", "perplexity.ai", "claude.ai", "gemini.google.com", "copilot.microsoft.com",
         "chat.mistral.ai", "chat.deepseek.com", "you.com", "poe.com", "meta.ai", "grok.com"),
        "assistant",
    ),
}  # fmt: skip

# What a utm_source is likely to say: facebook for facebook.com.
_NAMES: Final = {domain.split(".")[0]: channel for domain, channel in SITES.items() if domain.count(".") < 2}


class Visit(Struct, frozen=True):
    """What a page view keeps of its two addresses. `source`: the referring host without www., '' where none counts."""

    url: str
    referrer: str
    source: str
    channel: str
    utm: dict[str, str]


def visit(page_url: str, referrer_url: str) -> Visit:
    """Raises `ingest.urls.InvalidUrl` where the page's address is none."""
    to = _page(page_url) if len(page_url) <= _CACHED else page(page_url)
    came = _referrer(referrer_url) if len(referrer_url) <= _CACHED else referrer(referrer_url)
    source = came.host.removeprefix("www.")
    internal = bool(source) and source == to.host.removeprefix("www.")
    if internal:
        source = ""
    return Visit(to.url, came.url, source, _tagged(to) or ("internal" if internal else _linked(source)), to.utm)


_page = lru_cache(_PLACES)(page)
_referrer = lru_cache(_PLACES)(referrer)


def _tagged(to: Page) -> str:
    """The channel that the link itself names, or ''."""
    if not to.utm and not to.paid:
        return ""
    if to.paid:
        return "paid"
    medium = to.utm.get("utm_medium", "").lower()
    source = to.utm.get("utm_source", "").lower()
    if channel := MEDIUMS.get(medium) or MEDIUMS.get(source) or _NAMES.get(source) or (source and _site(source)):
        return channel
    return "campaign"


@lru_cache(_PLACES)
def _linked(source: str) -> str:
    return _site(source) or "referral" if source else "direct"


def _site(host: str) -> str:
    """The channel of the host or of the nearest domain above it that is known, or ''."""
    labels = host.split(".")
    for start in range(len(labels) - 1):
        if channel := SITES.get(".".join(labels[start:])):
            return channel
    # A name that is registered everywhere stands before the country: google.de, google.co.uk.
    name = labels[-3:-2] if len(labels) > 2 and len(labels[-2]) <= 3 else labels[-2:-1]
    return SITES.get("".join(name), "")
