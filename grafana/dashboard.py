"""Dashboards: variables and rows of panels in, Grafana's classic JSON out.

Places and ids of panels are computed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grafana.shapes import DATASOURCE, TARGET, Json, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCHEMA_VERSION: Final = 39
"""The format of Grafana 10.4 and 11; later ones read it."""

COLUMNS: Final = 24
"""Grafana's grid is this many cells wide."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, placed from left to right."""

    title: str
    panels: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of the dashboard, filled by a query for label values."""

    name: str
    label: str
    query: str
    every: bool = False

    def render(self) -> Json:
        """Return Grafana's template variable."""
        variable: Json = {
            "datasource": DATASOURCE,
            "hide": 0,
            "includeAll": self.every,
            "label": self.label,
            "multi": self.every,
            "name": self.name,
            "options": [],
            "query": {"qryType": 1, "query": self.query, "refId": self.name},
            "refresh": 2,
            "regex": "",
            "skipUrlSync": False,
            "sort": 1,
            "type": "query",
        }
        if self.every:
            variable |= {
                "allValue": ".*",
                "current": {"text": "All", "value": "$__all"},
            }
        return variable


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A whole dashboard; `uid` is its lasting name in links."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    alerts: str
    """Selector of the alerts that are drawn as marks, inside its braces."""

    def render(self) -> Json:
        """Return Grafana's classic dashboard."""
        return {
            "annotations": {"list": _annotations(self.alerts)},
            "description": self.description,
            "editable": True,
            "fiscalYearStartMonth": 0,
            "graphTooltip": 1,
            "links": _LINKS,
            "panels": list(_place(self.rows)),
            "refresh": "30s",
            "schemaVersion": SCHEMA_VERSION,
            "tags": ["epimetheus"],
            "templating": {
                "list": [_DATASOURCES, *(each.render() for each in self.variables)]
            },
            "time": {"from": "now-3h", "to": "now"},
            "timezone": "browser",
            "title": self.title,
            "uid": self.uid,
        }


_DATASOURCES: Final = {
    "hide": 0,
    "includeAll": False,
    "label": "Data source",
    "multi": False,
    "name": "datasource",
    "options": [],
    "query": "prometheus",
    "refresh": 1,
    "regex": "",
    "skipUrlSync": False,
    "type": "datasource",
}

_LINKS: Final = [
    {
        "asDropdown": False,
        "icon": "external link",
        "includeVars": False,
        "keepTime": True,
        "tags": ["epimetheus"],
        "targetBlank": False,
        "title": "",
        "tooltip": "",
        "type": "dashboards",
        "url": "",
    }
]


def _annotations(alerts: str) -> list[Json]:
    return [
        {
            "builtIn": 1,
            "datasource": {"type": "grafana", "uid": "-- Grafana --"},
            "enable": True,
            "hide": True,
            "iconColor": "rgba(0, 211, 255, 1)",
            "name": "Annotations & Alerts",
            "type": "dashboard",
        },
        {
            "datasource": DATASOURCE,
            "enable": True,
            "expr": f'ALERTS{{{alerts}, alertstate="firing"}}'.replace(
                "$target", TARGET
            ),
            "hide": False,
            "iconColor": "red",
            "name": "Firing alerts",
            "step": "60s",
            "tagKeys": "severity",
            "titleFormat": "{{alertname}}",
        },
    ]


def _place(rows: Sequence[Row]) -> Iterator[Json]:
    number = top = 0
    for row in rows:
        number += 1
        yield {
            "collapsed": False,
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top},
            "id": number,
            "panels": [],
            "title": row.title,
            "type": "row",
        }
        top += 1
        left = height = 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, height = top + height, 0, 0
            number += 1
            place = {"h": panel.height, "w": panel.width, "x": left, "y": top}
            yield panel.render() | {"gridPos": place, "id": number}
            left += panel.width
            height = max(height, panel.height)
        top += height
