"""The deployment's files: what of them can be proved without a machine to deploy to."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from hitstream.config import Config
from hitstream.openapi import document
from hitstream.sources import load
from store.site import SITE_ID

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
GIVEN: Final = {
    "HITSTREAM_SECRET": "ab" * 32, "HITSTREAM_WRITE_KEY": "hw_" + "a" * 32, "HITSTREAM_SERVER_KEY": "hs_" + "a" * 32,
    "HITSTREAM_READ_KEY": "hr_" + "a" * 32, "POSTGRES_PASSWORD": "p" * 24, "GRAFANA_PASSWORD": "g" * 24,
}  # fmt: skip


def run(*command: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def compose() -> dict[str, Any]:
    """The file with its variables filled in, as Compose does."""
    text = (DEPLOY / "compose.yaml").read_text()

    def value(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        return GIVEN[name] if name in GIVEN else default.removeprefix(":-")

    found: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{(\w+)(:[-?][^}]*)?\}", value, text))
    return found


def settings(service: str) -> Config:
    environment = {name: str(text) for name, text in compose()["services"][service]["environment"].items()}
    return load(None, environment, {})


@pytest.mark.parametrize("file", sorted(DEPLOY.glob("**/*.y*ml")), ids=lambda file: file.name)
def test_it_is_yaml(file: Path) -> None:
    assert yaml.safe_load(file.read_text())


def test_the_services_settings_are_such_as_hitstream_takes() -> None:
    services = compose()["services"]
    ours = [name for name, service in services.items() if service["image"] == "hitstream"]
    assert ours == ["collector-1", "collector-2", "reader", "projector"]
    shared = set()
    for name in ours:
        config = settings(name)
        [(site, keys)] = config.sites.items()
        assert SITE_ID.match(site)
        assert keys.write
        assert keys.server
        assert keys.read
        shared.add((config.secret, config.redis_url, keys))
        assert config.role == {"reader": "query", "projector": "projector"}.get(name, "ingest")
        assert services[name]["volumes"] == [f"{name}:/data"]
    assert len(shared) == 1, "what they share must be the same"


def test_the_proxy_is_believed_and_nobody_else() -> None:
    document = compose()
    [network] = document["networks"]["default"]["ipam"]["config"]
    assert settings("collector-1").trusted_proxies == (network["subnet"],)


def test_every_volume_and_every_mounted_file_is_there() -> None:
    document = compose()
    for name, service in document["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).exists(), (name, source)
            else:
                assert source in document["volumes"], (name, source)


def test_images_are_named_plainly_and_with_a_version() -> None:
    images = [service["image"] for service in compose()["services"].values() if service["image"] != "hitstream"]
    images += re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    for image in images:
        name, _, version = image.partition(":")
        assert "." not in name, f"{image} names a host"
        assert re.match(r"v?\d", version), image


def test_the_image_holds_every_package() -> None:
    packages = re.search(r"include = \[(.*?)\]", (ROOT / "pyproject.toml").read_text())
    assert packages
    for package in re.findall(r'"(\w+)\*"', packages[1]):
        assert f"COPY {package} {package}\n" in (DEPLOY / "Dockerfile").read_text()
        assert f"!{package}\n" in (DEPLOY / "Dockerfile.dockerignore").read_text()


def test_compose_takes_the_file() -> None:
    plugin = shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True)
    if not plugin or plugin.returncode:
        pytest.skip("there is no docker compose")
    run("docker", "compose", "-f", str(DEPLOY / "compose.yaml"), "config", "--quiet", environment=GIVEN)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    text = (DEPLOY / "systemd" / "hitstream.service").read_text()
    unit = tmp_path / "hitstream.service"
    unit.write_text(text.replace("/opt/hitstream/bin/hitstream", sys.executable))  # which is there
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "hitstream.service" in line]
    assert (done.returncode, ours) == (0, [])


def nginx(site: str) -> str:
    """A whole configuration around one of the examples, with names and files that are here."""
    text = (DEPLOY / "nginx" / site).read_text()
    text = text.replace("/etc/nginx/hitstream/locations.conf", str(DEPLOY / "nginx" / "locations.conf"))
    text = re.sub(r"server (collector-\d|reader):8080", "server 127.0.0.1:8080", text)
    return "events {}\nhttp {\n" + text + "}\n"


@pytest.mark.parametrize("site", ["compose.conf", "stats.example.conf"])
def test_nginx_takes_the_example(site: str, tmp_path: Path) -> None:
    if shutil.which("nginx") is None:
        pytest.skip("there is no nginx")
    text = nginx(site)
    if "ssl" in text:
        certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
        made = ("-newkey", "rsa:2048", "-subj", "/CN=stats.example", "-keyout", str(key), "-out", str(certificate))
        run("openssl", "req", "-x509", "-nodes", *made)
        text = re.sub(r"/etc/ssl\S+fullchain.pem", str(certificate), text)
        text = re.sub(r"/etc/ssl\S+privkey.pem", str(key), text)
    file = tmp_path / "nginx.conf"
    file.write_text(text)
    run("nginx", "-t", "-q", "-e", str(tmp_path / "log"), "-g", f"pid {tmp_path / 'pid'};", "-c", str(file))


@pytest.mark.parametrize("site", ["compose.conf", "stats.example.conf"])
def test_its_braces_and_upstreams_match(site: str) -> None:
    """As much as can be said without nginx."""
    text = re.sub(r"#.*", "", nginx(site) + (DEPLOY / "nginx" / "locations.conf").read_text())
    assert text.count("{") == text.count("}")
    assert set(re.findall(r"proxy_pass http://(\w+);", text)) == set(re.findall(r"upstream (\w+) {", text))


def test_events_go_to_collectors_and_questions_to_readers() -> None:
    text = (DEPLOY / "nginx" / "locations.conf").read_text()
    found = re.search(r"^location ~ (\S+) {\n    proxy_pass http://readers;", text, re.MULTILINE)
    assert found
    asked = re.compile(found[1])
    for path, methods in document()["paths"].items():
        takes_write_keys = any("Takes a" in each.get("description", "") and " write " in each["description"]
                               for each in methods.values())  # fmt: skip
        keyless = not any("security" in each for each in methods.values())
        if not keyless and path != "/v1/live":
            assert bool(asked.search(path)) is not takes_write_keys, path
    for path in ("/", "/docs", "/openapi.json", "/demo/", "/dashboard/a/b.js"):
        assert asked.search(path), path
    for path in ("/t.js", "/v1/pixel.gif", "/matomo.php", "/readyz"):
        assert not asked.search(path), path


def test_caddy_takes_the_example() -> None:
    if shutil.which("caddy") is None:
        pytest.skip("there is no caddy")
    run("caddy", "validate", "--config", str(DEPLOY / "caddy" / "Caddyfile"), "--adapter", "caddyfile")
