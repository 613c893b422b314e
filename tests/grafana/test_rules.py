from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.grafana.expressions import GRAFANA, RULES, rules

HERE = Path(__file__).parent
SCENES = tuple(sorted(HERE.glob("*.test.yml")))
ALERTS = rules(GRAFANA / "rules" / "alerts.yml")
RECORDED = rules(GRAFANA / "rules" / "recording.yml")

every_alert = pytest.mark.parametrize(
    "alert", ALERTS, ids=[alert["alert"] for alert in ALERTS]
)


def promtool(*arguments: str | Path) -> str:
    ran = subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", each).strip().lower().replace(" ", "-")
        for each in headings
    }


def expectations() -> list[dict[str, Any]]:
    return [
        expectation
        for scene in SCENES
        for test in yaml.safe_load(scene.read_text())["tests"]
        for expectation in test["alert_rule_test"]
    ]


def test_promtool_accepts_the_rules() -> None:
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", *RULES)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_alerts_fire_when_they_should_and_only_then(scene: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", scene)


@every_alert
def test_there_is_a_scene_in_which_it_fires_and_one_in_which_it_is_quiet(
    alert: dict[str, Any],
) -> None:
    fires = {
        bool(expectation.get("exp_alerts"))
        for expectation in expectations()
        if expectation["alertname"] == alert["alert"]
    }

    assert fires == {True, False}


@every_alert
def test_it_says_what_is_wrong_how_bad_that_is_and_what_to_do(
    alert: dict[str, Any],
) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook"}
    assert alert["annotations"]["description"].endswith(".")
    assert not alert["annotations"]["summary"].endswith(".")


@every_alert
def test_the_runbook_has_a_section_for_it(alert: dict[str, Any]) -> None:
    page, anchor = alert["annotations"]["runbook"].split("#")

    assert page == "docs/operations.md"
    assert anchor == alert["alert"].lower()
    assert anchor in anchors(GRAFANA.parent / page)


def test_names_of_alerts_say_whom_they_are_about() -> None:
    names = [alert["alert"] for alert in ALERTS]

    assert len(set(names)) == len(names)
    assert all(
        re.fullmatch(r"(Host|Bridge|Probe|Prober|Agent)[A-Z]\w+", name)
        for name in names
    )


def test_recorded_names_are_level_metric_and_operations() -> None:
    names = [rule["record"] for rule in RECORDED]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+:[a-z0-9_]+:[a-z0-9_]+", name) for name in names)


def test_what_is_recorded_keeps_jobs_apart() -> None:
    for rule in RECORDED:
        for kind, labels in re.findall(r"\b(by|without) \(([^)]*)\)", rule["expr"]):
            kept = "job" in re.split(r", *", labels)
            assert kept == (kind == "by"), rule["record"]
