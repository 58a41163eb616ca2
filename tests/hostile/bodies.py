"""Hostile bodies: what is POSTed to the collector, and the exact reply it gets."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any, Final

import brotli
import zstandard
from msgspec import Struct

MIB: Final = 1 << 20
JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"

GOOD: Final = b'{"type":"event","name":"good"}'
VIEW: Final[dict[str, Any]] = {"type": "page_view", "page_url": "https://shop.example/"}
SALE: Final[dict[str, Any]] = {"type": "conversion", "conversion_type": "purchase"}
FAIL: Final[dict[str, Any]] = {"type": "error", "error_type": "TypeError"}
NAMED: Final[dict[str, Any]] = {"type": "event", "name": "good"}


class Reply(Struct, frozen=True):
    """`code`: of a problem. `rejected`: the index and code of each event that was not taken."""

    status: int
    code: str = ""
    accepted: int | None = None
    rejected: tuple[tuple[int, str], ...] = ()


class Body(Struct, frozen=True):
    name: str
    body: bytes
    reply: Reply
    type: str = JSON
    encoding: str = ""


def taken(accepted: int = 1, *rejected: tuple[int, str]) -> Reply:
    return Reply(202, accepted=accepted, rejected=rejected)


def refused(*codes: str) -> Reply:
    """None of its events was taken."""
    return Reply(400, "nothing_accepted", 0, tuple(enumerate(codes)))


def event(name: str, base: dict[str, Any], fields: dict[str, Any], *codes: str) -> Body:
    """One event, refused with the code or, where there is none, taken."""
    return Body(name, json.dumps({**base, **fields}).encode(), refused(*codes) if codes else taken())


def between(name: str, bad: bytes, code: str) -> Body:
    """A bad event between two good ones."""
    return Body(name, b"[" + GOOD + b"," + bad + b"," + GOOD + b"]", taken(2, (1, code)))


NOT_JSON: Final = Reply(400, "not_json")
CORRUPT: Final = Reply(400, "corrupt_body")
TOO_LARGE: Final = Reply(413, "body_too_large")
TOO_MANY: Final = Reply(413, "too_many_events")
OTHER_TYPE: Final = Reply(415, "unsupported_type")
OTHER_ENCODING: Final = Reply(415, "unsupported_encoding")

SPACES: Final = b" " * (9 * MIB)
EMPTY_OBJECTS: Final = b"[" + b"{}," * (8 * MIB // 3 - 2) + b"{}]"
ONE_BIG_EVENT: Final = b'{"type":"event","name":"good","properties":{"a":[' + b"{}," * (2 * MIB) + b"{}]}}"
LONG_TEXTS: Final = json.dumps([{**FAIL, "error_message": "x" * 2_000}] * 4_000).encode()
SQUEEZED: Final = gzip.compress(GOOD)

ENCODINGS: Final = (
    Body("gzip that inflates to 9 MiB", gzip.compress(SPACES), TOO_LARGE, encoding="gzip"),
    Body("deflate that does", zlib.compress(SPACES), TOO_LARGE, encoding="deflate"),
    Body("brotli that does", brotli.compress(SPACES, quality=5), TOO_LARGE, encoding="br"),
    Body("zstd that does", zstandard.compress(SPACES), TOO_LARGE, encoding="zstd"),
    Body("gzip of 2.8 million empty objects", gzip.compress(EMPTY_OBJECTS), TOO_LARGE, encoding="gzip"),
    Body("gzip of one event with as many", gzip.compress(ONE_BIG_EVENT), TOO_LARGE, encoding="gzip"),
    Body("8 MiB of honest events", gzip.compress(LONG_TEXTS), taken(4_000), encoding="gzip"),
    Body("10,000 empty gzip members", gzip.compress(b"") * 10_000, NOT_JSON, encoding="gzip"),
    Body("a zstd frame that says it holds an exabyte",
         bytes.fromhex("28b52ffde0") + (1 << 60).to_bytes(8, "little") + b"\x01\x00\x00", CORRUPT, encoding="zstd"),
    Body("a zstd frame that wants a window of 2 GiB", bytes.fromhex("28b52ffd00a8010000"), CORRUPT, encoding="zstd"),
    Body("gzip in gzip", gzip.compress(SQUEEZED), OTHER_ENCODING, encoding="gzip, gzip"),
    Body("gzip that is cut off", SQUEEZED[:-9], CORRUPT, encoding="gzip"),
    Body("gzip with a wrong checksum", SQUEEZED[:-8] + bytes(8), CORRUPT, encoding="gzip"),
    Body("gzip with something behind it", SQUEEZED + b"more", CORRUPT, encoding="gzip"),
    Body("gzip padded with zeros", SQUEEZED + bytes(512), taken(), encoding="gzip"),
    Body("called gzip and plain", GOOD, CORRUPT, encoding="gzip"),
    Body("gzip and not called so", SQUEEZED, NOT_JSON),
    Body("called zstd and empty", b"", CORRUPT, encoding="zstd"),
    Body("called identity", GOOD, taken(), encoding="identity"),
    Body("an unknown encoding", GOOD, OTHER_ENCODING, encoding="compress"),
    Body("an encoding of 5,000 letters", GOOD, OTHER_ENCODING, encoding="g" * 5_000),
    Body("a form", b"type=event&name=good", OTHER_TYPE, type="application/x-www-form-urlencoded"),
    Body("a file", b"--x--", OTHER_TYPE, type="multipart/form-data; boundary=x"),
    Body("XML with an entity", b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>', OTHER_TYPE, type="text/xml"),
    Body("a type that is none", GOOD, OTHER_TYPE, type="/"),
    Body("no type and a parameter", GOOD, taken(), type=";;,="),
    Body("another character set's name", GOOD, taken(), type="application/json; charset=utf-16"),
)  # fmt: skip

TRAPS: Final = (
    Body("nothing", b"", NOT_JSON),
    Body("only white space", b" \r\n\t ", NOT_JSON),
    Body("only a byte order mark", b"\xef\xbb\xbf", NOT_JSON),
    Body("a byte order mark first", b"\xef\xbb\xbf" + GOOD, taken()),
    Body("words", b"page_view", NOT_JSON),
    Body("null", b"null", refused("invalid_type")),
    Body("a number", b"7", refused("invalid_type")),
    Body("a text", b'"event"', refused("invalid_type")),
    Body("an empty object", b"{}", refused("missing_field")),
    Body("an empty array", b"[]", refused()),
    Body("an empty batch", b'{"batch":[]}', refused()),
    Body("a batch that is no array", b'{"batch":{"type":"event"}}', refused("missing_field")),
    Body("a batch in a batch", b'{"batch":[{"batch":[' + GOOD + b"]}]}", refused("missing_field")),
    Body("an array in an array", b"[[" + GOOD + b"]]", refused("invalid_type")),
    Body("two batches", b'{"batch":[7],"batch":[' + GOOD + b"]}", taken()),
    Body("two documents", GOOD + GOOD, NOT_JSON),
    Body("an array that does not close", b"[" + GOOD, NOT_JSON),
    Body("a text that does not close", b'[{"type":"event","name":"good}]', NOT_JSON),
    Body("100,000 opening brackets", b"[" * 100_000, NOT_JSON),
    Body("100,000 nested arrays", b"[" * 100_000 + b"]" * 100_000, refused("invalid_json")),
    Body("100,000 nested objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, refused("invalid_json")),
    between("2,000 arrays in an event", b'{"a":' + b"[" * 2_000 + b"]" * 2_000 + b"}", "invalid_json"),
    Body("a comma too many", b"[" + GOOD + b",]", taken(1, (1, "invalid_json"))),
    Body("the last of duplicate keys", b'{"type":"error","type":"event","name":7,"name":"good"}', taken()),
    between("single quotes", b"{'type':'event'}", "invalid_json"),
    between("a comment", b'{"type":"event"/*,*/}', "invalid_json"),
    between("a key without quotes", b'{type:"event"}', "invalid_json"),
    between("undefined", b'{"type":undefined}', "invalid_json"),
    between("a raw line break", b'{"type":"event","name":"a\nb"}', "invalid_json"),
    between("a raw null byte", b'{"type":"event","name":"a\x00b"}', "invalid_json"),
    between("a wrong escape", rb'{"type":"event","name":"\x41"}', "invalid_json"),
    Body("names of a prototype",
         b'{"type":"event","name":"good","__proto__":{"admin":1},"constructor":{"prototype":{}}}', taken()),
    Body("lines, one of them broken", GOOD + b"\n{nonsense\n" + GOOD, taken(2, (1, "invalid_json")), type=LINES),
    Body("lines sent as JSON", GOOD + b"\r\n\r\n" + GOOD, taken(2)),
    Body("lines that are blank", b"\n \n\t\r\n", NOT_JSON, type=LINES),
)  # fmt: skip

UNICODE: Final = (
    between("a byte that is no UTF-8", b'{"type":"event","name":"\xff"}', "invalid_utf8"),
    between("an overlong slash", b'{"type":"event","name":"\xc0\xaf"}', "invalid_utf8"),
    between("half a surrogate pair in UTF-8", b'{"type":"event","name":"\xed\xa0\x80"}', "invalid_utf8"),
    between("a character that is cut off", b'{"type":"event","name":"\xf0\x9f\x98"}', "invalid_utf8"),
    between("beyond the last character", b'{"type":"event","name":"\xf4\x90\x80\x80"}', "invalid_utf8"),
    Body("Latin-1", '{"type":"event","name":"é"}'.encode("latin-1"), refused("invalid_utf8")),
    Body("UTF-16", GOOD.decode().encode("utf-16"), NOT_JSON),
    Body("UTF-32", GOOD.decode().encode("utf-32"), NOT_JSON),
    Body("half a surrogate pair, escaped", rb'{"type":"event","name":"\ud800"}', taken()),
    Body("50,000 halves", rb'{"type":"event","name":"good","a":"' + rb"\ud800" * 50_000 + b'"}', taken()),
    Body("one more", rb'{"type":"event","name":"good","a":"' + rb"\ud800" * 50_001 + b'"}', TOO_LARGE),
    Body("a pair the wrong way round", rb'{"type":"event","name":"\udc00\ud800"}', taken()),
    Body("an escaped null character", rb'{"type":"event","name":"a\u0000b"}', taken()),
    Body("an escaped line break", rb'{"type":"event","name":"a\r\nHTTP/1.1 200 OK"}', taken()),
    event("text that runs backwards", NAMED, {"name": "\u202egnp.exe\u202c"}),
    event("nothing to be seen", NAMED, {"name": "\u200b\u2060\ufeff"}),
    event("only an unusual space", NAMED, {"name": "\u3000"}, "missing_field"),
    event("a tower of accents", NAMED, {"name": "e" + "\u0301" * 63}),
    event("noncharacters", NAMED, {"name": "\ufffe\uffff\U0010ffff"}),
    event("64 emoji", NAMED, {"name": "😀" * 64}),
    event("65 emoji", NAMED, {"name": "😀" * 65}, "too_long"),
    event("a host in Cyrillic letters", VIEW, {"page_url": "https://аррӏе.example/"}),
    event("a host with a full stop that is none", VIEW, {"page_url": "https://a。b/"}),
    event("a host that grows when encoded", VIEW, {"page_url": f"https://{'ﷺ' * 60}.example/"}, "invalid_url"),
    event("a host of 64 Cyrillic letters", VIEW, {"page_url": f"https://{'я' * 32}.{'ж' * 31}/"}),
    event("a host of 65", VIEW, {"page_url": f"https://{'я' * 32}.{'ж' * 32}/"}, "invalid_url"),
    event("a host of one joiner", VIEW, {"page_url": "https://\u200d/"}, "invalid_url"),
    event("a path that grows when encoded", VIEW, {"page_url": f"https://a.example/{'😀' * 200}"}, "invalid_url"),
    event("a currency in wide letters", SALE, {"currency": "ＵＳＤ"}, "unknown_currency"),
    event("a currency with a dotless i", SALE, {"currency": "ıdr"}),
)  # fmt: skip

NUMBERS: Final = (
    between("NaN", b'{"type":"conversion","value":NaN}', "invalid_number"),
    between("Infinity", b'{"type":"conversion","value":Infinity}', "invalid_number"),
    between("-Infinity", b'{"type":"conversion","value":-Infinity}', "invalid_number"),
    between("1e999", b'{"type":"conversion","value":1e999}', "invalid_number"),
    between("2**64", b'{"type":"conversion","value":18446744073709551616}', "invalid_number"),
    between("-2**63-1", b'{"type":"conversion","value":-9223372036854775809}', "invalid_number"),
    between("100,000 digits", b'{"type":"conversion","value":' + b"9" * 100_000 + b"}", "invalid_number"),
    between("a leading zero", b'{"type":"conversion","value":01}', "invalid_number"),
    between("a sign", b'{"type":"conversion","value":+1}', "invalid_json"),
    between("hex", b'{"type":"conversion","value":0x1F}', "invalid_json"),
    event("2**64-1 as a user", NAMED, {"user_id": 2**64 - 1}),
    event("a fraction as a user", NAMED, {"user_id": 1.5}, "invalid_type"),
    event("true as a user", NAMED, {"user_id": True}, "invalid_type"),
    event("a value of 1e308", SALE, {"value": 1e308}, "invalid_value"),
    event("the least value there is", SALE, {"value": 5e-324}),
    event("minus nothing", SALE, {"value": -0.0}),
    event("0.1 + 0.2", SALE, {"value": 0.1 + 0.2}),
    event("a negative value", SALE, {"value": -1}, "invalid_value"),
    event("a negative refund", SALE, {"conversion_type": "refund", "value": -1}),
    event("a value just too large", SALE, {"value": "5497558138.88"}, "invalid_value"),
    event("a tenth of a cent", SALE, {"value": "0.001"}, "invalid_value"),
    event("half a yen", SALE, {"value": "0.5", "currency": "JPY"}, "invalid_value"),
    event("NaN in quotes", SALE, {"value": "NaN"}, "invalid_value"),
    event("an exponent in quotes", SALE, {"value": "1e3"}, "invalid_value"),
    event("an underscore", SALE, {"value": "1_000"}, "invalid_value"),
    event("a comma", SALE, {"value": "1,50"}, "invalid_value"),
    event("Arabic digits", SALE, {"value": "١٢"}, "invalid_value"),
    event("a superscript", SALE, {"value": "²"}, "invalid_value"),
    event("100,000 digits in quotes", SALE, {"value": "9" * 100_000}, "invalid_value"),
    event("true as a value", SALE, {"value": True}, "invalid_type"),
    event("a list as a value", SALE, {"value": [1]}, "invalid_type"),
)  # fmt: skip

TIMES: Final = (
    event("a year from now", VIEW, {"timestamp": "2999-01-01T00:00:00Z"}, "in_future"),
    event("1970", VIEW, {"timestamp": 0}, "too_old"),
    event("before 1970", VIEW, {"timestamp": -1}, "too_old"),
    event("the year 1", VIEW, {"timestamp": "0001-01-01T00:00:00+23:59"}, "too_old"),
    event("the last minute of the calendar", VIEW, {"timestamp": "9999-12-31T23:59:59-23:59"}, "in_future"),
    event("2**64-1", VIEW, {"timestamp": 2**64 - 1}, "in_future"),
    event("1e308", VIEW, {"timestamp": 1e308}, "in_future"),
    event("seconds instead of milliseconds", VIEW, {"timestamp": 1_795_435_200}, "too_old"),
    event("the 30th of February", VIEW, {"timestamp": "2026-02-30T00:00:00Z"}, "invalid_timestamp"),
    event("a leap second", VIEW, {"timestamp": "2016-12-31T23:59:60Z"}, "invalid_timestamp"),
    event("an offset of a day", VIEW, {"timestamp": "2026-01-01T00:00:00+24:00"}, "invalid_timestamp"),
    event("American order", VIEW, {"timestamp": "11/23/2026"}, "invalid_timestamp"),
    event("yesterday", VIEW, {"timestamp": "yesterday"}, "invalid_timestamp"),
    event("wide digits", VIEW, {"timestamp": "２０２６-01-01T00:00:00Z"}, "invalid_timestamp"),
    event("a surrogate for a T", VIEW, {"timestamp": "2026-01-01\ud80000:00:00"}, "too_old"),
    event("40 digits", VIEW, {"timestamp": "9" * 40}, "in_future"),
    event("a megabyte of digits", VIEW, {"timestamp": "9" * 1_000_000}, "invalid_timestamp"),
    event("true", VIEW, {"timestamp": True}, "invalid_type"),
    event("an object", VIEW, {"timestamp": {"$date": 0}}, "invalid_type"),
    Body("sent_at is nonsense", b'{"batch":[' + GOOD + b'],"sent_at":"nonsense"}', taken()),
    Body("sent_at is an object", b'{"batch":[' + GOOD + b'],"sent_at":{}}', taken()),
    Body("sent_at is 1e308", b'{"batch":[' + GOOD + b'],"sent_at":1e308}', taken()),
    Body("sent_at is the year 1", b'{"batch":[' + GOOD + b'],"sent_at":"0001-01-01T00:00:00+23:59"}', taken()),
)  # fmt: skip

SIZES: Final = (
    Body("exactly 1 MiB", GOOD.ljust(MIB), taken()),
    Body("one byte more", GOOD.ljust(MIB + 1), TOO_LARGE),
    Body("5,000 events", b"[" + b",".join([GOOD] * 5_000) + b"]", taken(5_000)),
    Body("5,001 events", b"[" + b",".join([GOOD] * 5_001) + b"]", TOO_MANY),
    Body("5,001 events, the first of them broken", b"[{NaN}," + b",".join([GOOD] * 5_000) + b"]", TOO_MANY),
    Body("5,001 lines", b"\n".join([GOOD] * 5_001), TOO_MANY, type=LINES),
    Body("a million commas", b"[" + b"," * (MIB - 2) + b"]", TOO_LARGE),
    Body("300,000 numbers in an event", b'{"type":"event","name":"good","a":[' + b"1," * 300_000 + b"1]}", TOO_LARGE),
    Body("10,000 fields that nobody knows",
         json.dumps({**NAMED, **{f"field {n}": n for n in range(10_000)}}).encode(), taken()),
    Body("as many, and one broken",
         json.dumps({**NAMED, **{f"field {n}": n for n in range(10_000)}, "x": float("nan")}).encode(), NOT_JSON),
    event("700 properties", NAMED, {"properties": {f"{n:06}": 1 for n in range(700)}}),
    event("10,000 properties", NAMED, {"properties": {f"{n:06}": 1 for n in range(10_000)}}, "too_large"),
    event("8 KiB of properties", NAMED, {"properties": {"a": "x" * 8_184}}),
    event("one byte more of them", NAMED, {"properties": {"a": "x" * 8_185}}, "too_large"),
    event("properties 8 levels deep", NAMED, {"properties": {"a": [[[[[[[1]]]]]]]}}),
    event("one level more", NAMED, {"properties": {"a": [[[[[[[[1]]]]]]]]}}, "too_deep"),
    event("a key of 9,000 characters", NAMED, {"properties": {"k" * 9_000: 1}}, "too_large"),
    event("properties that are an array", NAMED, {"properties": [1]}, "invalid_type"),
    event("an id of 64 characters", NAMED, {"event_id": "x" * 64}),
    event("an id of 65", NAMED, {"event_id": "x" * 65}, "too_long"),
    event("a user of 129 characters", NAMED, {"user_id": "x" * 129}, "too_long"),
    event("a name of 65", NAMED, {"name": "x" * 65}, "too_long"),
    event("a message of 500,000 characters", FAIL, {"error_message": "x" * 500_000}),
    event("a title of 500,000", VIEW, {"title": "x" * 500_000}),
    event("a user agent of 65,537", VIEW, {"user_agent": "x" * 65_537}, "too_long"),
    event("an address of 2,049", VIEW, {"page_url": "https://shop.example/".ljust(2_049, "x")}, "too_long"),
    event("250 campaign parameters", VIEW, {"page_url": "https://a.b/?" + "&".join(f"utm_{n}" for n in range(250))}),
)  # fmt: skip

TWICE: Final = (
    Body("one id twice in a request", json.dumps([{**NAMED, "event_id": "twice"}] * 2).encode(), taken(2)),
    Body("one id 5,000 times", json.dumps([{**NAMED, "event_id": "often"}] * 5_000).encode(), taken(5_000)),
    Body("one id in two requests", json.dumps({**NAMED, "event_id": "often"}).encode(), taken()),
    Body("one id on events of four types",
         json.dumps([{**each, "event_id": "four"} for each in (VIEW, SALE, FAIL, NAMED)]).encode(), taken(4)),
    Body("a number and the same digits", json.dumps([{**NAMED, "event_id": n} for n in (7, "7")]).encode(), taken(2)),
)  # fmt: skip

BODIES: Final[dict[str, tuple[Body, ...]]] = {
    "Encodings and bombs": ENCODINGS,
    "JSON traps": TRAPS,
    "Unicode traps": UNICODE,
    "Numbers": NUMBERS,
    "Times": TIMES,
    "Sizes": SIZES,
    "The same id again": TWICE,
}
COUNTED_TWICE: Final = 4_999 + 1 + 1 + 3 + 1  # events of `TWICE` that are acknowledged and not counted
