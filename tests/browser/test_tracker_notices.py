"""What the tracker notices by itself, what a page's scripts may tell it, and what keeps it silent."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.chromium import Complaints
from tests.browser.shop import Shop
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def told(page: Page, shop: Shop) -> None:
    """Returns when all that happened so far was sent: what is told last comes last."""
    await page.evaluate("hitstream.event('last')")
    await until(lambda: shop.gate.sent(name="last"))


def views(shop: Shop) -> list[str]:
    return [event["page_url"].removeprefix(shop.origin) for event in shop.gate.sent(type="page_view")]


async def test_routes_of_one_page_are_views(shop: Shop, page: Page) -> None:
    await page.goto(f"{shop.origin}/demo/journal")
    await page.click("text=On water")
    await page.click("text=On clay")
    await page.go_back()
    await told(page, shop)
    assert views(shop) == ["/demo/journal", "/demo/journal/water", "/demo/journal/clay", "/demo/journal/water"]
    assert shop.gate.sent(type="page_view")[1]["referrer"] == f"{shop.origin}/demo/journal"


ROUTES = """
  history.replaceState({}, "");                                   // says nothing new
  history.pushState({}, "", "/own/a"); history.replaceState({}, "", "/own/a/");  // redirected at once
  setTimeout(() => { document.title = "B"; history.pushState({}, "", "/own/b?x=1#top"); });
  setTimeout(() => { location.hash = "bottom"; hitstream.event("last") }, 1);
"""


async def test_an_address_is_viewed_once(shop: Shop, page: Page) -> None:
    await page.goto(shop.put("/own", ROUTES))
    await until(lambda: shop.gate.sent(name="last"))
    assert views(shop) == ["/own", "/own/a/", "/own/b?x=1"]
    assert shop.gate.sent(type="page_view")[2]["title"] == "B"


async def test_routes_in_the_fragment(shop: Shop, page: Page) -> None:
    await page.goto(shop.put("/own", tag=shop.tag("data-hash")) + "#/a")
    for fragment in ("/b?c=1", "!/d", "/b?c=1"):
        await page.evaluate("fragment => { location.hash = fragment }", fragment)
        await page.evaluate("new Promise(resolve => setTimeout(resolve, 1))")
    await told(page, shop)
    assert views(shop) == ["/own/a", "/own/b?c=1", "/own/d", "/own/b?c=1"]


async def test_views_by_hand(shop: Shop, page: Page) -> None:
    script = (
        """history.pushState({}, "", "/own/a"); hitstream.pageView({title: "By hand", page_url: location + "?b"})"""
    )
    await page.goto(shop.put("/own", script, tag=shop.tag("data-manual")))
    await told(page, shop)
    assert views(shop) == ["/own/a?b"]
    assert shop.gate.sent(type="page_view")[0]["title"] == "By hand"


CALLS = """
  hitstream.conversion("signup", {value: "9.90", currency: "EUR", properties: {plan: "pro"}, event_id: "order-1"});
  hitstream.identify("ann");
  hitstream.event("searched", {text: "x".repeat(5000), none: null, nested: {list: [1, "2"]}});
  hitstream.error(new RangeError("too far"), "", {step: 2});
  hitstream.error("out_of_stock", "no cups left");
  const circular = {}; circular.self = circular;
  hitstream.event("circular", circular);
  hitstream.event("huge", {list: Array(2000).fill("0123456789")});
  hitstream.error(Symbol("odd")); hitstream.event(); hitstream.conversion(); hitstream.event({}, 1n); hitstream.error();
"""


async def test_what_scripts_tell(shop: Shop, page: Page) -> None:
    """And whatever they tell, nothing is thrown at them."""
    await page.goto(shop.put("/own", CALLS))
    await told(page, shop)
    conversion = shop.gate.sent(type="conversion", conversion_type="signup")[0]
    assert {**conversion, "properties": 0} == {
        "type": "conversion", "event_id": "order-1", "conversion_type": "signup", "value": "9.90", "currency": "EUR",
        "properties": 0,
    }  # fmt: skip
    assert (await shop.numbers())["conversions"]["value"] == {"EUR": "9.90"}
    searched = shop.gate.sent(name="searched")[0]
    assert searched["user_id"] == "ann"
    assert searched["properties"] == {"text": "x" * 2048, "none": None, "nested": {"list": [1, "2"]}}
    errors = {event.get("error_type"): event for event in shop.gate.sent(type="error")}
    assert errors["RangeError"]["error_message"] == "RangeError: too far"
    assert errors["RangeError"]["context"]["step"] == 2
    assert errors["RangeError"]["context"]["page"] == "/own"
    assert "own.js" in errors["RangeError"]["context"]["stack"]
    assert errors["out_of_stock"]["error_message"] == "no cups left"
    assert not shop.gate.sent(name="circular")
    assert not shop.gate.sent(name="huge")
    assert (await shop.top("events"))["searched"] == 1


async def test_calls_before_it_has_loaded(shop: Shop, page: Page) -> None:
    """They wait in a stub, a proxy or a plain array, and come behind the view of their page."""
    stub = '<script src="/demo/assets/stub.js"></script><script src="/early.js"></script>'
    shop.pages["/early.js"] = (
        "hitstream.identify('ann'); hitstream.conversion('early', {value: 1}); hitstream.unknown(1)"
    )
    await page.goto(shop.put("/own", tag=stub + shop.tag("defer")))
    await told(page, shop)
    shop.pages["/early.js"] = "window.hitstream = [['event', 'array', {a: 1}]]"
    await page.goto(shop.put("/next", tag='<script src="/early.js"></script>' + shop.tag("defer")))
    await until(lambda: shop.gate.sent(name="array", properties={"a": 1}))
    told_first = [event.get("conversion_type", event["type"]) for event in shop.gate.sent()][:2]
    assert told_first == ["page_view", "early"]
    assert [event["user_id"] for event in shop.gate.sent()[:2]] == ["ann", "ann"]


async def test_it_is_there_once_however_often_it_is_loaded(shop: Shop, page: Page) -> None:
    await page.goto(shop.put("/own", "hitstream.identify('ann')", tag=shop.tag() * 2))
    await told(page, shop)
    assert [event.get("user_id") for event in shop.gate.sent()] == [None, "ann"]


ERRORS = """
  const again = () => { throw new TypeError("again") };
  for (let i = 0; i < 50; i++) setTimeout(again);
  setTimeout(() => { throw "a text" });
  Promise.reject(new SyntaxError("rejected")); Promise.reject("no error"); Promise.reject();
  document.head.append(Object.assign(new Image(), {src: "/missing.png"}));
  setTimeout(() => { for (let i = 0; i < 30; i++) Promise.reject(Error("error " + i)) }, 20);
  setTimeout(() => hitstream.event("last"), 40);
"""


async def test_errors_are_told_once_and_ten_at_most(shop: Shop, page: Page, complaints: Complaints) -> None:
    complaints.allow("thrown|Failed to load|Content Security Policy")
    await page.goto(shop.put("/own", ERRORS))
    await until(lambda: shop.gate.sent(name="last"))
    errors = [(event["error_type"], event["error_message"]) for event in shop.gate.sent(type="error")]
    assert sorted(errors)[:4] == [("Error", "Error: error 0"), *(("Error", f"Error: error {i}") for i in (1, 2, 3))]
    assert {("TypeError", "Uncaught TypeError: again"), ("SyntaxError", "SyntaxError: rejected")} <= set(errors)
    assert {("Error", "Uncaught a text"), ("Error", "no error")} <= set(errors)
    assert len(errors) == 10
    assert sum((await shop.top("error_types")).values()) == 10


LINKS = """
<a href="https://elsewhere.example/page?token=1">out</a> <a href="/files/list.pdf?x">file</a>
<a href="/own" download="own.csv">own</a>
<a href="/own#part">part</a> <a href="mailto:ann@shop.example">mail</a> <svg><a href="https://elsewhere.example/drawn">
<text y="20">drawn</text></a></svg> <button>button</button> <my-links></my-links>
"""
CLICKS = """
addEventListener("click", (event) => event.preventDefault());
addEventListener("auxclick", (event) => event.preventDefault());
const shadow = document.createElement("div"); document.documentElement.append(shadow);
shadow.attachShadow({mode: "open"}).innerHTML = '<a href="https://shadow.example/"><b>shadow</b></a>';
"""


async def test_links_out_and_downloads(shop: Shop, page: Page) -> None:
    await page.goto(shop.put("/own", CLICKS, body=LINKS))
    for text in ("out", "file", "own", "part", "mail", "drawn", "button", "shadow"):
        await page.click(f"text={text} >> nth=0")
    await page.click("text=out >> nth=0", button="right")
    await told(page, shop)
    found = [(event["name"], event["properties"]["url"]) for event in shop.gate.sent(type="event")[:-1]]
    assert found == [
        ("outbound", "https://elsewhere.example/page"),
        ("download", f"{shop.origin}/files/list.pdf"),
        ("download", f"{shop.origin}/own"),
        ("outbound", "https://shadow.example/"),
    ]


async def test_a_page_that_does_not_exist(shop: Shop, page: Page, complaints: Complaints) -> None:
    complaints.allow("404")
    await page.goto(f"{shop.origin}/demo/cellar")
    await told(page, shop)
    assert [event["properties"] for event in shop.gate.sent(name="not_found")] == [{"page": "/demo/cellar"}]


async def test_attention_and_vitals(shop: Shop, page: Page) -> None:
    """Time counts while the page is seen, half a minute at most after the last sign of somebody."""
    await page.clock.install()
    await page.goto(shop.put("/own", body="<h1>Text</h1>" + "<p>more</p>" * 200))
    await page.clock.run_for(12_000)
    await page.mouse.move(9, 9)
    await page.clock.run_for(3_600_000)
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    await page.wait_for_function("scrollY > 0")
    await page.evaluate("new Promise(resolve => requestAnimationFrame(() => queueMicrotask(resolve)))")
    await page.goto("about:blank")
    await until(lambda: shop.gate.sent(name="engagement"))
    attention = shop.gate.sent(name="engagement")[0]["properties"]
    assert attention["page"] == "/own"
    assert attention["seconds"] in (42, 43)
    assert 50 < attention["scroll"] < 100
    vitals: dict[str, Any] = shop.gate.sent(name="web_vitals")[0]["properties"]
    assert vitals.keys() == {"page", "ttfb", "cls", "inp", "lcp"}
    assert vitals["lcp"] >= vitals["ttfb"] >= 0
    assert vitals["cls"] == 0


REFUSALS = {
    "Do Not Track": "Object.defineProperty(navigator, 'doNotTrack', {get: () => '1'})",
    "Global Privacy Control": "Object.defineProperty(navigator, 'globalPrivacyControl', {get: () => true})",
    "opted out before": "localStorage.hitstream = 1",
}


@pytest.mark.parametrize("script", REFUSALS.values(), ids=REFUSALS)
async def test_who_does_not_want_it_is_not_counted(shop: Shop, page: Page, script: str) -> None:
    await page.add_init_script(f"if (location.protocol == 'http:') {script}")
    await page.goto(f"{shop.origin}/demo/products/fog-bowl")
    await page.click("text=Add to basket")
    await page.evaluate("hitstream.conversion('signup')")
    await page.goto(shop.url)
    await page.evaluate("new Promise(resolve => requestIdleCallback(resolve))")
    await page.goto("about:blank")
    assert shop.gate.received == []


async def test_opting_out_holds_for_all_pages_until_it_is_taken_back(shop: Shop, page: Page) -> None:
    await page.goto(shop.url)
    await until(lambda: shop.gate.sent(type="page_view"))
    requests = len(shop.gate.received)
    await page.evaluate("hitstream.event('forgotten'); hitstream.optOut()")
    await page.goto(f"{shop.origin}/demo/thanks")
    await page.evaluate("new Promise(resolve => requestIdleCallback(resolve))")
    assert len(shop.gate.received) == requests
    assert await page.evaluate("Object.keys(localStorage)") == ["hitstream"]
    await page.evaluate("hitstream.optOut(false)")
    await told(page, shop)
    assert not shop.gate.sent(name="forgotten")
    assert len(shop.gate.sent(type="page_view")) == 1
