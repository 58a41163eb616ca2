"""Hostile questions: what is asked with a read key, and the exact reply it gets."""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Question(Struct, frozen=True):
    """`parameter`: the one that a `bad_parameter` names. A question with a `body` is a POST."""

    name: str
    target: str
    status: int
    code: str = ""
    parameter: str = ""
    body: bytes | None = None


def bad(name: str, target: str, parameter: str) -> Question:
    return Question(name, target, 400, "bad_parameter", parameter)


def series(name: str, query: str, parameter: str) -> Question:
    return bad(name, f"/v1/metrics/timeseries?metric=errors&{query}", parameter)


def funnel(name: str, body: bytes, code: str = "bad_parameter", parameter: str = "steps") -> Question:
    return Question(name, "/v1/funnels", 400, code, parameter if code == "bad_parameter" else "", body)


LONG: Final = "9" * 5_000

QUESTIONS: Final = (
    # Parameters
    bad("another site", "/v1/metrics/realtime?site=blog", "site"),
    bad("a parameter without a name", "/v1/metrics/realtime?=x", ""),
    bad("a null byte for a parameter", "/v1/metrics/realtime?%00=x", "\x00"),
    bad("a parameter of 5,000 letters", f"/v1/metrics/realtime?{'a' * 5_000}=x", "a" * 64),
    bad("a parameter in markup", "/v1/metrics/realtime?%3Cscript%3E=x", "<script>"),
    bad("a metric given twice", "/v1/metrics/timeseries?metric=errors&metric=errors", "metric"),
    bad("no metric", "/v1/metrics/timeseries", "metric"),
    bad("a metric that is a key's name", "/v1/metrics/timeseries?metric=%7Bp0%7D:shop:count", "metric"),
    bad("a metric that is no UTF-8", "/v1/metrics/timeseries?metric=%ff%ed%a0%80%00", "metric"),
    bad("a metric that is a list", "/v1/metrics/timeseries?metric[]=errors", "metric[]"),
    bad("a dimension with a line break", "/v1/metrics/top?dimension=pages%0d%0aSet-Cookie:%20a=b", "dimension"),
    bad("SQL", "/v1/metrics/top?dimension=pages'%20OR%201=1--", "dimension"),
    bad("a parameter of an activity", "/v1/users/ann/activity?limit=1", "limit"),
    bad("a parameter of the live page's stream", "/v1/live?last=1", "last"),
    # Numbers
    series("no hours", "hours=0", "hours"),
    series("hours before today", "hours=-1", "hours"),
    series("more hours than are kept", "hours=19201", "hours"),
    series("5,000 digits", f"hours={LONG}", "hours"),
    series("an exponent", "hours=1e3", "hours"),
    series("a fraction", "hours=1.0", "hours"),
    series("hex", "hours=0x10", "hours"),
    series("an underscore", "hours=1_0", "hours"),
    series("Arabic digits", "hours=%D9%A1", "hours"),
    series("a space", "hours=%201", "hours"),
    series("a line break", "hours=1%0a", "hours"),
    series("nothing", "hours=", "hours"),
    bad("a limit of none", "/v1/metrics/top?dimension=pages&limit=0", "limit"),
    bad("a limit of too many", "/v1/metrics/top?dimension=pages&limit=1001", "limit"),
    bad("a limit that is not a number", "/v1/metrics/top?dimension=pages&limit=NaN", "limit"),
    bad("hours of activity", "/v1/users/ann/activity?hours=169", "hours"),
    # Times
    series("hours and days", "hours=1&days=1", "hours"),
    series("a beginning that is no time", "from=yesterday", "from"),
    series("a beginning without an offset", "from=2026-11-23T00:00:00", "from"),
    series("a beginning without a time", "from=2026-11-23", "from"),
    series("the year 1", "from=0001-01-01T00:00:00%2B23:59", "from"),
    series("the end of the calendar", "from=2026-01-01T00:00Z&to=9999-12-31T23:59:59-23:59", "to"),
    series("the future", "from=2999-01-01T00:00:00Z", "from"),
    series("backwards", "from=2026-02-01T00:00Z&to=2026-01-01T00:00Z", "from"),
    series("nothing between", "from=2026-01-01T00:00Z&to=2026-01-01T00:00Z", "from"),
    series("an end alone", "to=2026-01-01T00:00Z", "from"),
    series("the 30th of February", "from=2026-02-30T00:00:00Z", "from"),
    series("5,000 digits for a time", f"from={LONG}", "from"),
    series("an empty beginning", "from=", "from"),
    series("800 days by the minute", "interval=minute&days=800", "interval"),
    series("an unknown interval", "interval=second", "interval"),
    bad("leaders of the year 1", "/v1/metrics/top?dimension=pages&from=0001-01-01T00:00:00Z", "from"),
    # Money
    series("money of what has none", "currency=USD", "currency"),
    bad("money in small letters", "/v1/metrics/timeseries?metric=revenue&currency=usd", "currency"),
    bad("money in wide letters", "/v1/metrics/timeseries?metric=revenue&currency=%EF%BC%B5SD", "currency"),
    bad("money that is a key's name", "/v1/metrics/top?dimension=users&currency=*", "currency"),
    # Users
    bad("a user of 129 characters", f"/v1/users/{'x' * 129}/activity", "user_id"),
    Question("a user of 128 emoji", f"/v1/users/{'%F0%9F%98%80' * 128}/activity", 200),
    Question("a null byte for a user", "/v1/users/%00/activity", 200),
    Question("a user that is no UTF-8", "/v1/users/%ff%C0%AF/activity", 200),
    Question("a user with a slash", "/v1/users/..%2F..%2Fetc/activity", 200),
    Question("a user that is a pattern", "/v1/users/*/activity", 200),
    Question("no user", "/v1/users//activity", 404, "not_found"),
    # Funnels
    bad("no steps", "/v1/funnels", "steps"),
    bad("empty steps", "/v1/funnels?steps=,,", "steps"),
    bad("1,000 steps", f"/v1/funnels?steps={','.join(['a'] * 1_000)}", "steps"),
    bad("a step of an unknown kind", "/v1/funnels?steps=cookie:a", "steps"),
    bad("a page that is no path", "/v1/funnels?steps=page:a", "steps"),
    bad("a window of none", "/v1/funnels?steps=a&window=0s", "window"),
    bad("a window of a billion days", "/v1/funnels?steps=a&window=999999999d", "window"),
    bad("a window of 5,000 digits", f"/v1/funnels?steps=a&window={LONG}d", "window"),
    bad("a window that runs backwards", "/v1/funnels?steps=a&window=-1d", "window"),
    bad("an unknown order", "/v1/funnels?steps=a&order=random", "order"),
    bad("an unknown breakdown", "/v1/funnels?steps=a&breakdown=__class__", "breakdown"),
    Question("only asterisks", "/v1/funnels?steps=page:/*,page:/**,page:/*/*", 200),
    Question("a step twice", "/v1/funnels?steps=a,a,a,a", 200),
    funnel("a body that is no JSON", b"{", "bad_body"),
    funnel("no body", b"", "bad_body"),
    funnel("a body that is an array", b"[]", "bad_body"),
    funnel("100,000 brackets", b"[" * 100_000, "bad_body"),
    funnel("half a surrogate pair", rb'{"steps":["\ud800"]}', "bad_body"),
    funnel("invalid UTF-8", b'{"steps":["\xff"]}', "bad_body"),
    funnel("steps in a text", b'{"steps":"a,b"}'),
    funnel("steps that are numbers", b'{"steps":[1]}'),
    funnel("steps in steps", b'{"steps":[["a"]]}'),
    funnel("days with a fraction", b'{"steps":["a"],"days":1.5}', parameter="days"),
    funnel("days beyond 64 bits", b'{"steps":["a"],"days":18446744073709551616}', parameter="days"),
    funnel("days that are true", b'{"steps":["a"],"days":true}', parameter="days"),
    funnel("a member that nobody knows", b'{"steps":["a"],"__proto__":"x"}', parameter="__proto__"),
    Question("a body of a megabyte", "/v1/funnels", 413, "body_too_large", "", b" " * 1_000_000),
    # Elsewhere
    Question("another's HTTP method", "/v1/metrics/realtime", 405, "method_not_allowed", "", b"{}"),
    Question("a path up and down", "/v1/metrics/%2E%2E/metrics/realtime", 404, "not_found"),
    Question("a file", "/etc/passwd", 404, "not_found"),
    Question("a path in markup", "/%3Cscript%3Ealert(1)%3C/script%3E", 404, "not_found"),
)  # fmt: skip
