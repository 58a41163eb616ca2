"""The tables of hostile input for readers: `docs/hostile-input.md`, which a test holds to them.

python -m tests.hostile.document    writes it anew
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Final

from tests.hostile.bodies import BODIES, GOOD, JSON, Body, Reply
from tests.hostile.framing import FRAMING, SLOW, Framing
from tests.hostile.injection import FIELDS, INJECTIONS, MARK, REFUSED
from tests.hostile.questions import QUESTIONS, Question

PAGE: Final = Path(__file__).parents[2] / "docs" / "hostile-input.md"

_SHOWN: Final = 56  # characters of what is sent

_HEAD: Final = """\
# Hostile input

What the server answers to input that is broken, oversized, slow or meant to harm. The tests send every row of these
tables to a real server and compare the reply; this page is written from the same tables. A code in brackets is that of
the problem document, an index counts the events of a request from 0, and `{good}` stands for an event that is right.
Random input is tested besides: the calls of the OpenAPI document with made-up values, and the decoder with damaged and
random bytes. No input gets a 500.
"""
_FRAMING: Final = """\
Where a reply has no code it comes from the HTTP parser, which then closes the connection. A URL and each header may
have 16 KiB, a request 128 headers.
"""
_SLOW: Final = """\
What the server says before it hangs up on a sender that says no more. A head may take 120 seconds, a body 10; a body
that comes byte by byte has no longer. Of a refused body two more seconds are read, so that its sender sees the reply.
"""
_INJECTION: Final = """\
Each of these texts is sent in {fields}. A field that takes text takes it as text ({taken} events of a request are
taken); {refused} refuse it. Nothing of it becomes a key's name, a metric's label or a line of the log, and what is
stored or answered holds no control character: U+FFFD stands for each.
"""


def page() -> str:
    refused = ", ".join(f"`{field}` ({code})" for field, code in REFUSED.items())
    injection = _INJECTION.format(
        fields=", ".join(FIELDS), taken=f"{len(FIELDS) - len(REFUSED)} of the {len(FIELDS)}", refused=refused
    )
    parts = [
        _HEAD,
        *_section("Connections and HTTP", _FRAMING, ("sent", "reply"), map(_framing, FRAMING)),
        *_section("Slow and half requests", _SLOW, ("sent", "reply"), map(_framing, SLOW)),
    ]
    for group, rows in BODIES.items():
        parts += _section(group, "", ("sent", "", "reply"), map(_body, rows))
    texts = ((name, _code(text.removesuffix(MARK))) for name, text in INJECTIONS.items())
    parts += _section("Injection in every field", injection, ("text", ""), texts)
    parts += _section("Questions", "With a read key.\n", ("asked", "", "reply"), map(_question, QUESTIONS))
    return "\n".join(parts)


def _section(title: str, text: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"## {title}\n"
    if text:
        yield text
    lines = [head, ("---",) * len(head), *rows]
    yield "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _framing(row: Framing) -> tuple[str, str]:
    statuses = ", ".join(f"{status} {HTTPStatus(status).phrase}" for status in row.replies)
    return row.name, (statuses or "hung up on, without a word") + (f" (`{row.code}`)" if row.code else "")


def _body(row: Body) -> tuple[str, str, str]:
    shown = row.body.replace(GOOD, b"{good}")
    compressed = not shown.isascii() and (row.encoding or shown.startswith(b"\x1f\x8b"))
    labels = [f"as `{label[:40]}`" for label in (row.type, row.encoding) if label not in ("", JSON)]
    return row.name, " ".join([*([] if compressed else [_bytes(shown)]), *labels]), _reply(row.reply)


def _question(row: Question) -> tuple[str, str, str]:
    sent = _code(row.target) if row.body is None else f"{_code(f'POST {row.target}')} {_bytes(row.body)}"
    code = f" (`{row.code}`)" if row.code else ""
    return row.name, sent, f"{row.status}{code}" + (f" {_code(row.parameter)}" if row.parameter else "")


def _reply(reply: Reply) -> str:
    parts = [f"{reply.status}" + (f" (`{reply.code}`)" if reply.code else "")]
    if reply.accepted:
        parts.append(f"{reply.accepted:,} taken")
    parts += [f"{index}: `{code}`" for index, code in reply.rejected]
    return ", ".join(parts)


def _bytes(sent: bytes) -> str:
    try:
        return _code(sent.decode())
    except UnicodeDecodeError:
        return _code("".join(map(chr, sent)))


def _code(text: str) -> str:
    """As code, cut, with what is not printable ASCII escaped."""
    shown = "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text[:_SHOWN])
    shown = shown.replace("|", "\\|")
    tick = "``" if "`" in shown else "`"
    return f"{tick}{shown}{'…' * (len(text) > _SHOWN)}{tick}" if shown else ""


if __name__ == "__main__":
    PAGE.write_text(page())
