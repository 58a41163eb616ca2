"""User agents as they really are, and as they should not be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.agents import agent
from store.attributes import BROWSERS, DEVICES, SYSTEMS, code
from store.event import Agent

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"

KNOWN = [
    (f"{WINDOWS} {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "chrome/windows/desktop"),
    (f"{WINDOWS} {WEBKIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", "edge/windows/desktop"),
    (f"{WINDOWS} {WEBKIT} Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0", "opera/windows/desktop"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0", "firefox/windows/desktop"),
    ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "ie/windows/desktop"),
    ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Tablet PC 2.0)", "ie/windows/desktop"),
    ("Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18", "opera/windows/desktop"),
    (f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15", "safari/macos/desktop"),
    (f"{MAC} {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "chrome/macos/desktop"),
    ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "firefox/linux/desktop"),
    (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "chrome/chromeos/desktop"),
    (f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", "safari/ios/mobile"),
    (f"{IPHONE} CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1", "chrome/ios/mobile"),
    (f"{IPHONE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15", "firefox/ios/mobile"),
    (f"{IPHONE} EdgiOS/125.0 Version/17.0 Mobile/15E148 Safari/604.1", "edge/ios/mobile"),
    (f"{IPHONE} Mobile/15E148", "webview/ios/mobile"),
    (f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/465.0;FBDV/iPhone13,2]", "webview/ios/mobile"),
    (f"{IPHONE} Mobile/15E148 Instagram 334.0.0 (iPhone13,2; iOS 17_5)", "webview/ios/mobile"),
    (f"{IPAD} Version/16.6 Mobile/15E148 Safari/604.1", "safari/ios/tablet"),
    (f"{ANDROID} {WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36", "chrome/android/mobile"),
    (f"{ANDROID} {WEBKIT} Chrome/126.0.0.0 Safari/537.36", "chrome/android/tablet"),
    (f"Mozilla/5.0 (Linux; Android 13; SM-S911B) {WEBKIT} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
     "samsung/android/mobile"),
    (f"Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) {WEBKIT} Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36",
     "webview/android/mobile"),
    ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "firefox/android/mobile"),
    ("Mozilla/5.0 (Android 14; Tablet; rv:127.0) Gecko/127.0 Firefox/127.0", "firefox/android/tablet"),
    (f"Mozilla/5.0 (Linux; Android 9; CUBOT_X19) {WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36",
     "chrome/android/mobile"),
    (f"Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Lumia 950) {WEBKIT} Chrome/52.0 Mobile Safari/537.36 Edge/15.1",
     "edge/windows/mobile"),
    (f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) {WEBKIT} 76.0.3809.146/6.0 TV Safari/537.36", "other/tv/other"),
    (f"Mozilla/5.0 (Web0S; Linux/SmartTV) {WEBKIT} Chrome/94.0.4606.128 Safari/537.36", "chrome/tv/other"),
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) {WEBKIT} Chrome/121.0.0.0 Safari/537.36 Edg/121.0",
     "edge/console/other"),
    ("Mozilla/5.0 (PlayStation; PlayStation 5/6.50) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605",
     "safari/console/other"),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot/other/other"),
    (f"{ANDROID} {WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1)", "bot/android/other"),
    (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/126.0.0.0 Safari/537.36", "bot/linux/other"),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "bot/other/other"),
    (f"{WEBKIT}; compatible; GPTBot/1.1; +https://openai.com/gptbot", "bot/other/other"),
    ("curl/8.5.0", "library/other/other"),
    ("python-requests/2.32.3", "library/other/other"),
    ("Python/3.11 aiohttp/3.14.5", "library/other/other"),
    ("okhttp/4.12.0", "library/other/other"),
    ("MyApp/1 CFNetwork/1496.0.7 Darwin/23.5.0", "library/other/other"),
    ("", "other/other/other"),
    ("Mozilla/5.0", "other/other/other"),
    ("\x00\ud800", "other/other/other"),
]  # fmt: skip


@pytest.mark.parametrize(("user_agent", "want"), KNOWN)
def test_known_agents(user_agent: str, want: str) -> None:
    assert str(agent(user_agent)) == want


def test_only_the_beginning_is_read() -> None:
    chrome = f"{WINDOWS} {WEBKIT} Chrome/126.0.0.0 Safari/537.36"
    assert agent(chrome + " x" * 50_000 + " Googlebot") == agent(chrome)
    assert agent("x" * 100_000) == Agent()


words = st.sampled_from([word for text, _ in KNOWN for word in text.split()])


@given(st.text() | st.lists(words, max_size=12).map(" ".join))
def test_every_agent_is_of_the_closed_sets(user_agent: str) -> None:
    found = agent(user_agent)
    assert found.browser in BROWSERS
    assert found.os in SYSTEMS
    assert found.device in DEVICES
    assert 0 <= code(found.browser, found.os, found.device, "none") < 1 << 14
