"""The shapes of panels: what a person must know in, Grafana's classic JSON out.

A panel says title, unit, meaning, limits and queries; the many constant fields of
Grafana's format are filled in here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

TARGET: Final = 'job="$job", instance="$instance"'
"""What `$target` in an expression stands for."""

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}

Json = dict[str, Any]
Limits = tuple[tuple[float, str], ...]


class Shape(Protocol):
    """What every panel says."""

    @property
    def title(self) -> str:
        """What is shown."""

    @property
    def unit(self) -> str:
        """Grafana's name of the unit."""

    @property
    def description(self) -> str:
        """What it means."""

    @property
    def queries(self) -> tuple[Query, ...]:
        """What is asked."""

    @property
    def limits(self) -> Limits:
        """From which values on it is coloured."""

    @property
    def minimum(self) -> float | None:
        """Where its axis begins, None for what the data say."""

    @property
    def maximum(self) -> float | None:
        """Where its axis ends, None for what the data say."""

    @property
    def decimals(self) -> int | None:
        """Digits after the point, None for as many as fit."""

    @property
    def width(self) -> int:
        """Cells of the grid, of 24."""

    @property
    def height(self) -> int:
        """Cells of the grid."""

    def render(self) -> Json:
        """Return Grafana's panel without its id and place."""


def warn(orange: float, red: float | None = None) -> Limits:
    """Return the limits of a value that is worse when it is higher."""
    limits: Limits = ((orange, "orange"),)
    return limits if red is None else (*limits, (red, "red"))


def bad_from(red: float) -> Limits:
    """Return the limit from which a value is simply bad."""
    return ((red, "red"),)


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and the name of its lines; `mirrored` is drawn downwards.

    `shape` is Grafana's word for what is asked for: lines, a heat map's buckets, or a
    table's rows, which are those of now.
    """

    expr: str
    legend: str
    mirrored: bool = False
    shape: str = ""

    def render(self, letter: str) -> Json:
        """Return Grafana's target."""
        is_table = self.shape == "table"
        target: Json = {
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": self.expr.replace("$target", TARGET),
            "instant": is_table,
            "legendFormat": self.legend,
            "range": not is_table,
            "refId": letter,
        }
        return target | ({"format": self.shape} if self.shape else {})


@dataclass(frozen=True, slots=True)
class Graph:
    """Lines over time; `unit` is one of Grafana's, `limits` are drawn as dashes."""

    title: str
    unit: str
    description: str
    queries: tuple[Query, ...]
    limits: Limits = ()
    stacked: bool = False
    minimum: float | None = 0
    maximum: float | None = None
    decimals: int | None = None
    width: int = 12
    height: int = 8

    def render(self) -> Json:
        """Return Grafana's panel without its id and place."""
        custom = {
            "drawStyle": "line",
            "fillOpacity": 40 if self.stacked else 8,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"group": "A", "mode": "normal" if self.stacked else "none"},
            "thresholdsStyle": {"mode": "dashed" if self.limits else "off"},
        }
        return panel_of("timeseries", self, custom, {"mode": "palette-classic"}) | {
            "options": {
                "legend": {
                    "calcs": ["mean", "max", "lastNotNull"],
                    "displayMode": "table",
                    "placement": "bottom",
                    "showLegend": True,
                },
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        }


@dataclass(frozen=True, slots=True)
class Number:
    """One value, coloured by its limits."""

    title: str
    unit: str
    description: str
    queries: tuple[Query, ...]
    limits: Limits = ()
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    width: int = 3
    height: int = 4

    def render(self) -> Json:
        """Return Grafana's panel without its id and place."""
        return panel_of("stat", self, {}, {"mode": "thresholds"}) | {
            "options": {
                "colorMode": "value",
                "graphMode": "area",
                "justifyMode": "auto",
                "orientation": "auto",
                "reduceOptions": {
                    "calcs": ["lastNotNull"],
                    "fields": "",
                    "values": False,
                },
                "textMode": "value",
            }
        }


@dataclass(frozen=True, slots=True)
class States:
    """Spans of states over time: `words` says what 0, 1 and so on mean.

    `colours` are theirs; left out, `bad` is red and all others green.
    """

    title: str
    description: str
    queries: tuple[Query, ...]
    words: tuple[str, ...]
    bad: int = 0
    colours: tuple[str, ...] = ()
    unit: str = "none"
    limits: Limits = ()
    minimum: float | None = 0
    maximum: float | None = 1
    decimals: int | None = 0
    width: int = 12
    height: int = 8

    def render(self) -> Json:
        """Return Grafana's panel without its id and place."""
        panel = panel_of(
            "state-timeline",
            self,
            {"fillOpacity": 70, "lineWidth": 0},
            {"mode": "thresholds"},
        )
        panel["fieldConfig"]["defaults"]["mappings"] = [
            {
                "type": "value",
                "options": {
                    str(value): {
                        "color": self._colour(value),
                        "index": value,
                        "text": word,
                    }
                    for value, word in enumerate(self.words)
                },
            }
        ]
        panel["options"] = {
            "alignValue": "left",
            "legend": {
                "displayMode": "list",
                "placement": "bottom",
                "showLegend": True,
            },
            "mergeValues": True,
            "rowHeight": 0.9,
            "showValue": "never",
            "tooltip": {"mode": "single", "sort": "none"},
        }
        return panel

    def _colour(self, value: int) -> str:
        if self.colours:
            return self.colours[value]
        return "red" if value == self.bad else "green"


def panel_of(kind: str, panel: Shape, custom: Json, color: Json) -> Json:
    """Return what all kinds of panels have in common."""
    defaults: Json = {
        "color": color,
        "custom": custom,
        "mappings": [],
        "thresholds": {
            "mode": "absolute",
            "steps": [
                {"color": "green", "value": None},
                *({"color": color, "value": at} for at, color in panel.limits),
            ],
        },
        "unit": panel.unit,
    }
    for key, value in (
        ("min", panel.minimum),
        ("max", panel.maximum),
        ("decimals", panel.decimals),
    ):
        if value is not None:
            defaults[key] = value
    letters = [chr(ord("A") + at) for at in range(len(panel.queries))]
    mirrored = [
        letter
        for letter, query in zip(letters, panel.queries, strict=True)
        if query.mirrored
    ]
    if mirrored:
        defaults.pop("min", None)
    return {
        "datasource": DATASOURCE,
        "description": panel.description,
        "fieldConfig": {
            "defaults": defaults,
            "overrides": [
                {
                    "matcher": {"id": "byFrameRefID", "options": letter},
                    "properties": [{"id": "custom.transform", "value": "negative-Y"}],
                }
                for letter in mirrored
            ],
        },
        "targets": [
            query.render(letter)
            for letter, query in zip(letters, panel.queries, strict=True)
        ],
        "title": panel.title,
        "type": kind,
    }
