"""Metrics, alerts and the dashboard against each other, and Prometheus' own tool over all of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from tests.application import serving

ROOT: Final = Path(__file__).parents[2]
PROMETHEUS: Final = ROOT / "deploy" / "prometheus"
GRAFANA: Final = ROOT / "deploy" / "grafana"
LISTED: Final = re.findall(r"^\| `(\w+)` \| (\w+) \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)

# Not ours: Prometheus' own, and those of each Python process, for which the page has one line.
FOREIGN: Final = {"up", "ALERTS", "vector", "process_resident_memory_bytes", "process_cpu_seconds_total"}
FOREIGN_FILES: Final = {"process_open_fds", "process_max_fds"}


def promtool(*arguments: str, text: str = "") -> None:
    if shutil.which("promtool") is None:
        pytest.skip("there is no promtool: install the package prometheus")
    done = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (0, ""), done.stdout + done.stderr


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "hitstream.json").read_text())
    return found


def expressions() -> Iterator[str]:
    """The dashboard's, with its variables filled in."""
    board = dashboard()
    targets = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    for expression in [*targets, *(each["expr"] for each in board["annotations"]["list"])]:
        yield expression.replace("$__rate_interval", "5m").replace("$instance", ".*")


def metrics(expression: str) -> set[str]:
    """The names in it: words that are followed by a selector or a range, or that look like ours."""
    without_labels = re.sub(r'"[^"]*"|\b(by|unless|offset|without)\b(?:\s*\([^)]*\))?', "", expression)
    return set(re.findall(r"\b(?:hitstream|process)_\w+|\bup\b|\bALERTS\b", without_labels))


def known() -> set[str]:
    found = set(FOREIGN | FOREIGN_FILES)
    for name, type_ in LISTED:
        found |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if type_ == "histogram" else {name}
    return found


async def test_what_is_exposed_is_as_prometheus_wants_it(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    """Names, units, types, help: of every part, and after each has counted something."""
    shop = {"postgres_url": "postgresql:///nothing?host=/nowhere", "shop": "shop"}
    network = {"mongo_url": "mongodb://127.0.0.1:1", "network": "shop"}
    async with serving(redis_url, tmp_path, **shop, **network) as app:
        await app.post("/v1/events", [{"type": "page_view", "page_url": "https://a.example/"}, {"type": "event"}])
        await app.get("/v1/metrics/realtime")
        await app.get("/v1/metrics/top", dimension="nonsense")
        await app.get("/v1/commerce/segments")
        async with app.session.get(f"{app.url}/metrics") as reply:
            text = await reply.text()
    assert [family.name for family in text_string_to_metric_families(text) if not family.documentation] == []
    promtool("check", "metrics", text=text)


def test_the_rules_are_rules() -> None:
    promtool("check", "rules", str(PROMETHEUS / "alerts.yml"))
    promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))


def test_the_rules_fire_when_they_should() -> None:
    promtool("test", "rules", str(PROMETHEUS / "alerts.test.yml"))


def test_every_rule_is_tested() -> None:
    document = yaml.safe_load((PROMETHEUS / "alerts.test.yml").read_text())
    fired = {case["alertname"] for test in document["tests"] for case in test["alert_rule_test"] if case["exp_alerts"]}
    assert fired == {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_says_what_to_do_and_asks_for_what_there_is(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"]
    page, _, section = rule["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^### (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert section in [heading.lower().replace(" ", "-") for heading in headings]
    assert metrics(rule["expr"]) - known() == set()


def test_every_section_of_the_runbook_has_its_alert() -> None:
    headings = re.findall(r"^### (.+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert set(headings) == {rule["alert"] for rule in rules()}


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    shown = {name for expression in expressions() for name in metrics(expression)}
    assert shown - known() == set()
    missing = {name for name, type_ in LISTED if not shown & ({f"{name}_bucket"} if type_ == "histogram" else {name})}
    assert missing == set()


def test_its_expressions_are_promql(tmp_path: Path) -> None:
    recorded = [
        {"record": f"dashboard:{number}", "expr": expression} for number, expression in enumerate(expressions())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))
    promtool("check", "rules", str(file))


def test_its_panels_stand_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(ids) == len(set(ids))
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_grafana_finds_what_it_is_given() -> None:
    [source] = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    [provider] = yaml.safe_load((GRAFANA / "provisioning/dashboards/hitstream.yml").read_text())["providers"]
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    assert source["url"] == "http://prometheus:9090"
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in services["grafana"]["volumes"]
