"""Hostile HTTP: bytes on a connection, and the replies that come back before it is closed.

Where a reply has no code the HTTP parser gave it, before there was a request to answer: its text is for people.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

KEY: Final = b"{key}"  # stands for a write key


class Framing(Struct, frozen=True):
    """`replies`: their statuses in turn; none where the connection is closed without a word.

    code: of the last reply, where it is a problem; a pixel's outcome. ends: the sender says no more, and never will.
    lingers: the server goes on reading for a while, so that a sender that is still sending gets to see the reply.
    """

    name: str
    sent: bytes
    replies: tuple[int, ...]
    code: str = ""
    ends: bool = False
    lingers: bool = False


EVENT: Final = b'{"type":"event","name":"framed"}'
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
GZIP_FIRST: Final = b"Transfer-Encoding: gzip, chunked\r\n"
THEN_GZIP: Final = b"Transfer-Encoding: chunked, gzip\r\n"
CHUNKS: Final = b"20\r\n" + EVENT + b"\r\n0\r\n\r\n"
NAMED: Final = b"&type=event&name=framed"
HOST: Final = b"Host: collector.example\r\n"
EXTENSION: Final = b";" + b"a" * 2_000_000
MALFORMED: Final = (400,)


def post(
    headers: bytes = b"",
    body: bytes = EVENT,
    *,
    target: bytes = b"/v1/events",
    version: bytes = b"1.1",
    method: bytes = b"POST",
    host: bytes = HOST,
    sized: bool = True,
    close: bool = True,
) -> bytes:
    """A request that is right but for what the arguments do to it."""
    head = method + b" " + target + b" HTTP/" + version + b"\r\n" + host + b"X-Write-Key: " + KEY + b"\r\n" + headers
    if close:
        head += b"Connection: close\r\n"
    if sized:
        head += b"Content-Length: %d\r\n" % len(body)
    return head + b"\r\n" + body


def chunked(chunks: bytes, headers: bytes = CHUNKED) -> bytes:
    return post(headers, chunks, sized=False)


def pixel(query: bytes) -> bytes:
    target = b"/v1/pixel.gif?" + query
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


FRAMING: Final = (
    Framing("a request that is right", post(), (202,)),
    # Not HTTP, or not of this kind
    Framing("bytes that are no HTTP", b"\x00\xff\xfe nonsense\r\n\r\n", MALFORMED),
    Framing("a TLS handshake", bytes.fromhex("16030100f1010000ed0303"), MALFORMED),
    Framing("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", MALFORMED),
    Framing("HTTP/1.0", post(version=b"1.0", close=False), (202,)),
    Framing("HTTP/3.7", post(version=b"3.7"), MALFORMED),
    Framing("a method in small letters", post(method=b"post"), MALFORMED),
    Framing("a method of 5,000 letters", post(method=b"A" * 5_000), MALFORMED),
    Framing("TRACE", post(method=b"TRACE"), (405,), "method_not_allowed"),
    Framing("CONNECT", post(method=b"CONNECT", target=b"evil.example:443"), (404,), "not_found"),
    Framing("an unwanted upgrade", post(b"Upgrade: websocket\r\n"), (202,)),
    Framing("another method in a header", post(b"X-HTTP-Method-Override: DELETE\r\n"), (202,)),
    Framing("nothing but half a request line", b"POST /v1/events HT", (), ends=True),
    Framing("half a body", post(b"Content-Length: 1000\r\n", sized=False), (), ends=True),
    Framing("lines that end without a carriage return", post().replace(b"\r\n", b"\n"), MALFORMED),
    Framing("a megabyte of empty lines first", b"\r\n" * 500_000 + post(), (202,)),
    # Lengths
    Framing("two lengths that agree", post(b"Content-Length: 32\r\n"), MALFORMED),
    Framing("two lengths that differ", post(b"Content-Length: 3\r\n"), MALFORMED),
    Framing("a list of lengths", post(b"Content-Length: 32, 32\r\n", sized=False), MALFORMED),
    Framing("a negative length", post(b"Content-Length: -1\r\n", sized=False), MALFORMED),
    Framing("a length with a sign", post(b"Content-Length: +32\r\n", sized=False), MALFORMED),
    Framing("a length in hex", post(b"Content-Length: 0x20\r\n", sized=False), MALFORMED),
    Framing("a length with an underscore", post(b"Content-Length: 3_2\r\n", sized=False), MALFORMED),
    Framing("a length in wide digits", post("Content-Length: ３２\r\n".encode(), sized=False), MALFORMED),
    Framing("a length of thirty digits", post(b"Content-Length: " + b"9" * 30 + b"\r\n", sized=False), MALFORMED),
    Framing(
        "a length of ten gigabytes",
        post(b"Content-Length: 10000000000\r\n", sized=False),
        (413,),
        "body_too_large",
        lingers=True,
    ),
    Framing("no length and no body", post(sized=False, body=b""), (400,), "not_json"),
    Framing("more body than its length", post(b"Content-Length: 30\r\n", sized=False), MALFORMED),
    # Chunks
    Framing("chunks", chunked(CHUNKS), (202,)),
    Framing("a length and chunks", post(CHUNKED, CHUNKS), MALFORMED),
    Framing("chunks announced twice", chunked(CHUNKS, CHUNKED * 2), MALFORMED),
    Framing("chunks announced before another coding", chunked(CHUNKS, THEN_GZIP), MALFORMED),
    Framing("chunks announced behind another coding", chunked(CHUNKS, GZIP_FIRST), (202,)),
    Framing("a coding that only looks like chunks", chunked(CHUNKS, b"Transfer-Encoding: xchunked\r\n"), MALFORMED),
    Framing("chunks announced behind a tab", chunked(CHUNKS, b"Transfer-Encoding: \x0bchunked\r\n"), MALFORMED),
    Framing("a space before the colon", chunked(CHUNKS, b"Transfer-Encoding : chunked\r\n"), MALFORMED),
    Framing("a chunk with an extension", chunked(CHUNKS.replace(b"20\r", b"20;a=b\r")), (202,)),
    Framing("an extension of two megabytes", chunked(CHUNKS.replace(b"20", b"20" + EXTENSION, 1)), (202,)),
    Framing("a negative chunk", chunked(b"-1\r\n" + EVENT), MALFORMED),
    Framing("a chunk's size with 0x", chunked(b"0x20\r\n" + EVENT), MALFORMED),
    Framing("a chunk's size beyond 64 bits", chunked(b"F" * 17 + b"\r\n" + EVENT), MALFORMED),
    Framing("a chunk longer than its size", chunked(b"1\r\n" + EVENT + b"\r\n0\r\n\r\n"), MALFORMED),
    Framing("chunk lines without a carriage return", chunked(CHUNKS.replace(b"\r\n", b"\n")), MALFORMED),
    Framing("a key in a trailer", chunked(CHUNKS[:-2] + b"X-Write-Key: nobody\r\n\r\n"), (202,)),
    Framing("100,000 trailers", chunked(CHUNKS[:-2] + b"A: b\r\n" * 100_000 + b"\r\n"), MALFORMED),
    Framing("chunks of one byte", chunked(b"".join(b"1\r\n%c\r\n" % byte for byte in EVENT) + b"0\r\n\r\n"), (202,)),
    Framing(
        "more than a megabyte in chunks of one byte",
        chunked(b"1\r\n \r\n" * 1_100_000 + b"0\r\n\r\n"),
        (413,),
        "body_too_large",
        lingers=True,
    ),
    # Headers
    Framing("no host", post(host=b""), MALFORMED),
    Framing("two hosts", post(b"Host: evil.example\r\n"), MALFORMED),
    Framing("a folded header", post(b"X-A: a\r\n b\r\n"), MALFORMED),
    Framing("a key on a folded line", post().replace(b"Key: ", b"Key:\r\n "), MALFORMED),
    Framing("a space before the first header", post(host=b" " + HOST), MALFORMED),
    Framing("a header without a colon", post(b"nonsense\r\n"), MALFORMED),
    Framing("a header without a name", post(b": x\r\n"), MALFORMED),
    Framing("a header's name beyond ASCII", post(b"X-\xff: x\r\n"), MALFORMED),
    Framing("a null byte in a header", post(b"X-A: a\x00b\r\n"), MALFORMED),
    Framing("a bare carriage return in a header", post(b"X-A: a\rX-B: b\r\n"), MALFORMED),
    Framing("a user agent that is no UTF-8", post(b"User-Agent: \xe9\xff\r\n"), (202,)),
    Framing("a header of a megabyte", post(b"X-A: " + b"a" * 1_000_000 + b"\r\n"), MALFORMED),
    Framing("100,000 headers", post(b"".join(b"X-%d: a\r\n" % n for n in range(100_000))), MALFORMED),
    Framing("two content types", post(b"Content-Type: application/json\r\nContent-Type: text/xml\r\n"), MALFORMED),
    Framing("two keys, the first of them right", post(b"X-Write-Key: nobody\r\n"), (202,)),
    Framing("Expect: 100-continue", post(b"Expect: 100-continue\r\n"), (100, 202)),
    Framing("another expectation", post(b"Expect: a-pony\r\n"), (417,)),
    # Targets
    Framing("a URL of a megabyte", post(target=b"/v1/events?" + b"a" * 1_000_000), MALFORMED),
    Framing("dots in the path", post(target=b"/v1/../v1/events"), (404,), "not_found"),
    Framing("two slashes", post(target=b"//v1/events"), (404,), "not_found"),
    Framing("an encoded slash", post(target=b"/v1%2Fevents"), (404,), "not_found"),
    Framing("an encoded letter", post(target=b"/v1/%65vents"), (202,)),
    Framing("an encoded null byte", post(target=b"/v1/events%00"), (404,), "not_found"),
    Framing("a null byte in the path", post(target=b"/v1/ev\x00ents"), MALFORMED),
    Framing("a path beyond ASCII", post(target="/v1/évents".encode()), MALFORMED),
    Framing("a space in the path", post(target=b"/v1/events x"), MALFORMED),
    Framing("a path without its slash", post(target=b"v1/events"), MALFORMED),
    Framing("another server's URL", post(target=b"http://evil.example/v1/events"), (202,)),
    Framing("a URL that is none", post(target=b"http://[::1/v1/events"), MALFORMED),
    Framing("an asterisk", post(target=b"*", method=b"OPTIONS"), (404,), "not_found"),
    Framing("a key given twice, the first of them wrong", pixel(b"key=nobody&key=" + KEY + NAMED), (200,),
            "unauthorized"),
    Framing("a null byte behind the key", pixel(b"key=" + KEY + b"%00" + NAMED), (200,), "unauthorized"),
    Framing("escapes that are none", pixel(b"%zz=%&key=" + KEY + NAMED + b"%C0%80%ed%a0%80%00%"), (200,), "accepted"),
    Framing("4,000 parameters", pixel(b"a=b&" * 4_000 + b"key=" + KEY + NAMED), (200,), "accepted"),
    # One behind the other
    Framing("three requests at once", post(close=False) * 2 + post(), (202, 202, 202)),
    Framing("a request, and nonsense", post(close=False) + b"NONSENSE\r\n\r\n", MALFORMED),
    Framing("a request behind the last", post() + post(), MALFORMED),
)  # fmt: skip

UNFINISHED: Final = post(b"Content-Length: 100\r\n", b"", sized=False)
SLOW: Final = (
    Framing("not a byte", b"", ()),
    Framing("half a request line", b"POST /v1/ev", ()),
    Framing("half a head", b"POST /v1/events HTTP/1.1\r\n" + HOST + b"X-A: ", ()),
    Framing("a head and no body", UNFINISHED, (408,), "body_timeout"),
    Framing("half a body", UNFINISHED + EVENT, (408,), "body_timeout"),
    Framing("a chunk that never ends", chunked(b"7fffffff\r\n" + EVENT), (408,), "body_timeout"),
    Framing("chunks that never end", chunked(b"20\r\n" + EVENT + b"\r\n"), (408,), "body_timeout"),
    Framing("a trailer that never ends", chunked(CHUNKS[:-2] + b"X-A: b"), (408,), "body_timeout"),
    Framing("a request, and no other", post(close=False), (202,)),
)  # fmt: skip
