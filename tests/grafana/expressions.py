"""Every PromQL expression of the dashboards and rules, and what is in it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import promql_parser
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GRAFANA: Final = Path(__file__).parents[2] / "grafana"
DASHBOARDS: Final = tuple(sorted((GRAFANA / "dashboards").glob("*.json")))
RULES: Final = tuple(sorted((GRAFANA / "rules").glob("*.yml")))

STAND_INS: Final = {
    "$__rate_interval": "1m",
    "$job": "a",
    "$nodename": "b",
    "$instance": "c",
    "$source": ".*",
    "$job_name": ".*",
    "$destination": ".*",
    "$probe": ".*",
    "$resolution": ".*",
}
"""What Grafana would put in place of its variables."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A query: where it stands, its text, and the labels its legend shows."""

    where: str
    text: str
    shown: frozenset[str] = frozenset()
    recorded: str = ""

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with Grafana's variables replaced."""
        text = self.text
        # The longest first: $job is how $job_name begins.
        for variable in sorted(values, key=len, reverse=True):
            text = text.replace(variable, values[variable])
        return text


@dataclass(slots=True)
class Use:
    """Names and labels that an expression uses: matched is by metric."""

    matched: dict[str, set[str]] = field(default_factory=dict)
    grouped: set[str] = field(default_factory=set)

    def visit(self, node: promql_parser.Expr) -> None:
        """Note what one node of the syntax tree uses."""
        if isinstance(node, promql_parser.MatrixSelector):
            self.visit(node.vector_selector)
        elif isinstance(node, promql_parser.VectorSelector):
            assert node.name, f"a selector without a name: {node.prettify()}"
            labels = {matcher.name for matcher in node.matchers.matchers}
            self.matched.setdefault(node.name, set()).update(labels)
        elif isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            self.grouped.update(node.modifier.labels)
        elif isinstance(node, promql_parser.BinaryExpr) and node.modifier:
            if node.modifier.matching:
                self.grouped.update(node.modifier.matching.labels)
            self.grouped.update(node.modifier.group_labels or ())


def use_of(text: str) -> Use:
    """Return what an expression uses; raises ValueError where it does not parse."""
    use = Use()
    promql_parser.walk(promql_parser.parse(text), use.visit)
    return use


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the panels that show something, without the headings of rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def of_dashboard(path: Path) -> Iterator[Expression]:
    """Yield the expressions of a dashboard: panels, then alerts drawn as marks."""
    dashboard = json.loads(path.read_text())
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield Expression(
                f"{path.name}: {panel['title']} {target['refId']}",
                target["expr"],
                frozenset(re.findall(r"{{(\w+)}}", target["legendFormat"])),
            )
    for mark in dashboard["annotations"]["list"]:
        if "expr" in mark:
            yield Expression(f"{path.name}: {mark['name']}", mark["expr"])


def of_variables(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the metrics selector and the label of each label_values() variable."""
    for variable in json.loads(path.read_text())["templating"]["list"]:
        if variable["type"] == "query":
            query = variable["query"]["query"]
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
            assert match, query
            yield match[1], match[2]


def rules(path: Path) -> list[dict[str, Any]]:
    """Return the rules of a file, of all its groups."""
    groups = yaml.safe_load(path.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def of_rules(path: Path) -> Iterator[Expression]:
    """Yield the expressions of a rules file with the labels its texts show."""
    for rule in rules(path):
        texts = " ".join(rule.get("annotations", {}).values())
        yield Expression(
            f"{path.name}: {rule.get('alert') or rule['record']}",
            rule["expr"],
            frozenset(re.findall(r"\$labels\.(\w+)", texts)),
            rule.get("record", ""),
        )


def everything() -> list[Expression]:
    """Return all expressions there are."""
    return [
        *(each for path in DASHBOARDS for each in of_dashboard(path)),
        *(each for path in RULES for each in of_rules(path)),
    ]
