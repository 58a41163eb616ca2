"""The command line as a newcomer meets it: what each command says of itself, and of what was typed wrongly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from hitstream.cli import main
from hitstream.config import Config, ConfigError
from hitstream.deployment import resolve

COMMANDS: Final = ("serve", "demo", "import", "keys", "check")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    try:
        status = main(list(words))
    except SystemExit as ended:  # argparse's own
        status = int(ended.code or 0)
    said = capsys.readouterr()
    return status, said.out, said.err


def test_the_name_alone_tells_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    status, said, _ = run(capsys)
    assert status == 2
    assert said == run(capsys, "--help")[1]
    for command in COMMANDS:
        assert re.search(rf"^    {command} +\w", said, re.MULTILINE)
    assert "Begin with 'hitstream demo'" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_tells_what_it_does_and_every_option_what_it_is(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said, _ = run(capsys, command, "--help")
    assert status == 0
    usage, described, options = re.split(r"\n\n(?=[A-Z])|\n\n(?=positional|options)", said, maxsplit=2)
    assert len(described.split()) > 8
    entries = re.findall(r"^  (-{0,2}\w[^\n]*(?:\n {8,}[^\n]*)*)", options, re.MULTILINE)
    assert len(entries) >= usage.count("--")
    for entry in entries:
        assert re.search(r"(  |\n +)\S+", entry), f"nothing is said about {entry}"
    assert "(default: ./" in said


def test_where_the_demo_keeps_its_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert "(default: ./demo-data)" in run(capsys, "demo", "--help")[1]
    assert "(default: ./data)" in run(capsys, "serve", "--help")[1]


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert re.fullmatch(r"hitstream \d+\.\d+\.\d+\S*\n", run(capsys, "--version")[1])


WRONG: Final = [
    (("srve",), 2, "invalid choice: 'srve' (choose from 'serve', 'demo', 'import', 'keys', 'check')"),
    (("serve", "--port", "80a"), 2, "argument --port: invalid int value: '80a'"),
    (("serve", "--port", "70000"), 2, "port (from --port): must be a whole number from 0 to 65535"),
    (("serve", "--workers", "0"), 2, "workers (from --workers): must be a whole number from 1 to 64"),
    (("serve", "--config", "none.toml"), 2, "cannot read none.toml: No such file or directory"),
    (("serve", "--data-dir", "/proc/nowhere"), 1, "cannot keep data in /proc/nowhere: No such file or directory"),
    (("import", "none.csv"), 1, "cannot read none.csv: No such file or directory"),
    (("import", "a.csv"), 1, "no server runs on {here}/data; start one with 'hitstream serve', or give --url"),
    (("import", "a.csv", "--map", "name"), 2, "--map name: must be FIELD=COLUMN"),
    (("import", "a.csv", "--zone", "Mars"), 2, "--zone: no time zone is called 'Mars'"),
    (("keys", "--keep-old"), 2, "--keep-old goes with --rotate"),
    (("keys", "--rotate", "shop", "read"), 2, "there is no site shop; the known ones are demo"),
    (("keys", "--rotate", "demo", "any"), 2, "there is no kind of key 'any'; the known ones are write, server, read"),
    (("keys", "--add", "My Shop"), 2, "'My Shop': a site's id is 2 to 32 lower-case letters, digits and '-'"),
    (("check", "--repair"), 2, "--repair goes with --commerce or --social"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "status", "said"), WRONG, ids=[" ".join(words) for words, _, _ in WRONG])
def test_what_is_wrong_is_told_in_one_line(
    words: tuple[str, ...],
    status: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a\n1\n")
    found, _, errors = run(capsys, *words)
    assert found == status
    assert errors.splitlines()[-1].endswith(said.format(here=tmp_path))
    assert "Traceback" not in errors


@pytest.mark.parametrize("setting", ["shop", "network"])
def test_a_site_that_there_is_not_is_named_at_the_start(setting: str, tmp_path: Path) -> None:
    config = Config(data_dir=str(tmp_path), **{setting: "nowhere"})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=rf"^{setting}: there is no site 'nowhere'; the known ones are demo$"):
        resolve(config, "unix:///nowhere")
