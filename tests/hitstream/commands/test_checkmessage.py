"""`hitstream check --dialect`: what a message would become, and why not."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hitstream.cli import main
from ingest.dialects import DIALECTS

CONFIG = """
[sites.shop]
aliases = ["shop.example"]
currency = "EUR"
write = "hw_shop_0123456789"
server = "hs_shop_0123456789"
"""
VIEW = {"n": "pageview", "u": "https://shop.example/a?utm_source=x#f", "d": "shop.example", "w": 1200}

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Check:
    """Status and output of a check of `body`, which stands in a file or comes from standard input."""

    def run(dialect: str, *options: str, body: object = None, stdin: bool = False) -> tuple[int, str]:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        arguments = ["check", "--data-dir", str(tmp_path / "data"), "--dialect", dialect, *options]
        if stdin:
            monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(sent)))
        elif body is not None:
            (tmp_path / "body").write_bytes(sent)
            arguments.append(str(tmp_path / "body"))
        status = main(arguments)
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def as_json(found: tuple[int, str]) -> tuple[int, Any]:
    return found[0], json.loads(found[1])


def test_an_event_field_by_field(check: Check) -> None:
    status, said = check("plausible", body=VIEW)
    assert status == 0
    assert "plausible at /api/event: 1 of 1 events would be taken" in said
    lines = [line.split(maxsplit=1) for line in said.splitlines() if line.startswith("    ")]
    assert ["page_url", "https://shop.example/a"] in lines
    assert ["properties", '{"screen_width":1200}'] in lines
    assert "note: page_url was 'https://shop.example/a?utm_source=x#f': it is kept in one spelling, without" in said
    assert said.endswith("answer: 202 ok\n")


def test_the_same_from_standard_input_and_as_json(check: Check) -> None:
    for options in ((), ("-",)):
        status, said = as_json(check("plausible", "--json", *options, body=VIEW, stdin=True))
        assert (status, said["taken"], said["status"], said["reply"]) == (0, True, 202, "ok")
        (event,) = said["events"]
        assert (event["part"], event["type"], event["fields"]["user_id"]) == (0, "page_view", "(cookieless)")


def test_what_is_not_taken_and_why(check: Check) -> None:
    body = [{"type": "event", "payload": {"website": "shop", "name": "a"}}, {"type": "event", "payload": {}}]
    status, said = as_json(check("umami", "--json", body=body))
    assert (status, said["taken"], said["path"], said["parts"]) == (1, False, "/api/batch", 2)
    taken, refused = said["events"]
    assert (taken["type"], taken["fields"]["name"]) == ("event", "a")
    assert (refused["part"], refused["code"]) == (1, "missing_field")
    assert json.loads(said["reply"])["details"][0]["index"] == 1
    status, text = check("umami", body=body)
    assert status == 1
    assert "part 1: not taken: missing_field: payload is required" in text


def test_what_is_cut(check: Check) -> None:
    body = {"events": [{"name": "n" * 40, "params": {"big": "x" * 9_000, "page_location": "p"}}]}
    _, said = as_json(check("ga4", "--json", "--query", "measurement_id=G-1", body=body))
    (event,) = said["events"]
    assert event["fields"]["properties"] == {"page_location": "p", "not_kept": ["big"]}
    assert "properties had more than 8,192 bytes: big went" in event["notes"]


def test_a_message_that_stands_in_its_address(check: Check) -> None:
    query = "idsite=1&rec=1&url=https://a.example/&cdt=2020-01-01"
    status, said = check("matomo", "--query", query)
    assert status == 1
    assert "not taken: too_old" in said
    status, said = check("matomo", "--query", query, "--path", "/piwik.php", body=b"")
    assert "matomo at /piwik.php" in said


def test_whose_it_is(check: Check, tmp_path: Path) -> None:
    file = tmp_path / "hitstream.toml"
    file.write_text(CONFIG)
    config = ("--config", str(file))
    assert "for the site shop: page_view" in check("plausible", *config, body=VIEW)[1]
    assert "for the site (none: the key is not known)" in check("plausible", *config, body={**VIEW, "d": "x"})[1]
    old = {"requests": ["?idsite=shop.example&rec=1&url=https://a.example/&cdt=2020-01-01"]}
    assert check("matomo", *config, body=old)[0] == 1
    assert check("matomo", *config, body={**old, "token_auth": "hs_shop_0123456789"})[0] == 0


def test_a_site_has_its_currency_and_a_server_key_its_rights(check: Check, tmp_path: Path) -> None:
    file = tmp_path / "hitstream.toml"
    file.write_text(CONFIG)
    config = ("--config", str(file))
    order = "idsite=shop.example&rec=1&idgoal=0&ec_id=1&revenue=5"
    assert "currency          EUR" in check("matomo", *config, "--query", order)[1]
    old = {"type": "event", "name": "a", "timestamp": "2020-01-01"}
    assert check("hitstream", *config, body=old)[0] == 1
    for header in ("Authorization: Bearer hs_shop_0123456789", "X-Write-Key: hs_shop_0123456789"):
        status, said = check("hitstream", *config, "--header", header, body=old)
        assert (status, "part 0, for the site shop: event" in said) == (0, True)


def test_headers_count(check: Check) -> None:
    body = gzip.compress(json.dumps({"type": "event", "name": "a"}).encode())
    status, said = check("hitstream", "--header", "Content-Encoding: gzip", "--header", "User-Agent: curl/8", body=body)
    assert status == 0
    assert "library/" in said
    status, said = check("hitstream", "--header", "Content-Type: text/html", body=b"{}")
    assert (status, "refused: unsupported_type" in said) == (1, True)


def test_our_own_format(check: Check) -> None:
    body = {"page_url": "https://a.example/", "colour": "red", "address": "203.0.113.9", "timestamp": 1}
    status, said = check("hitstream", "--path", "/v1/page_view", body=body)
    assert (status, "too_old" in said) == (1, True)
    del body["timestamp"]
    status, said = check("hitstream", "--path", "/v1/page_view", body=body)
    assert status == 0
    assert "note: colour is dropped: a page_view has no such field; put it into properties" in said
    assert "note: address is for the cookieless id alone" in said
    status, said = check("hitstream", body=body)
    assert (status, "not taken: missing_field: type is required" in said) == (1, True)


@pytest.mark.parametrize("dialect", ["hitstream", *DIALECTS])
def test_no_dialect_takes_nonsense(check: Check, dialect: str) -> None:
    status, said = as_json(check(dialect, "--json", body=b"{"))
    assert (status, said["taken"]) == (1, False)
    assert said["code"]


@pytest.mark.parametrize(
    ("dialect", "options", "want"),
    [
        ("nobody", (), "there is no 'nobody'; there are hitstream, "),
        ("umami", ("--path", "/else"), "takes no events at '/else'; it takes them at /api/send, /api/batch"),
        ("umami", ("--header", "nothing"), "must be NAME: VALUE"),
        ("umami", ("/nowhere/at/all",), "cannot be read: No such file"),
    ],
)
def test_mistakes_are_explained(check: Check, dialect: str, options: tuple[str, ...], want: str) -> None:
    status, said = check(dialect, *options, body={} if "/nowhere" not in options[:1] else None, stdin=True)
    assert (status, want in said) == (2, True), said


def test_its_options_go_with_it_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--data-dir", str(tmp_path), "--json"]) == 2
    assert "go with --dialect" in capsys.readouterr().err


def test_nobody_may_read_all_of_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    arguments = (
        "check",
        "--data-dir",
        str(tmp_path),
        "--dialect",
        "matomo",
        "--query",
        "idsite=1&rec=1&url=https://a.b/",
    )
    with os.fdopen(writing, "wb") as output:
        done = subprocess.run([sys.executable, "-m", "hitstream", *arguments], stdout=output, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (141, b"")
