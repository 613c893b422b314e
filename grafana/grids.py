"""Panels of cells: heat maps and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from grafana.shapes import panel_of

if TYPE_CHECKING:
    from grafana.shapes import Json, Limits, Query


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Buckets of a histogram over time, the darker the more fell into one.

    `unit` is that of the bounds. The query has the label `le` and the shape `heatmap`.
    """

    title: str
    unit: str
    description: str
    queries: tuple[Query, ...]
    limits: Limits = ()
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    width: int = 24
    height: int = 10

    def render(self) -> Json:
        """Return Grafana's panel without its id and place."""
        hidden = {"legend": False, "tooltip": False, "viz": False}
        custom = {"hideFrom": hidden, "scaleDistribution": {"type": "linear"}}
        return panel_of("heatmap", self, custom, {"mode": "thresholds"}) | {
            "options": {
                "calculate": False,
                "cellGap": 0,
                "color": {
                    "exponent": 0.5,
                    "fill": "dark-orange",
                    "mode": "scheme",
                    "reverse": False,
                    "scale": "exponential",
                    "scheme": "Oranges",
                    "steps": 64,
                },
                "exemplars": {"color": "rgba(255,0,255,0.7)"},
                "filterValues": {"le": 1e-9},
                "legend": {"show": True},
                "rowsFrame": {"layout": "auto"},
                "showValue": "never",
                "tooltip": {
                    "mode": "single",
                    "yHistogram": True,
                    "showColorScale": True,
                },
                "yAxis": {"axisPlacement": "left", "reverse": False, "unit": self.unit},
            }
        }


@dataclass(frozen=True, slots=True)
class Table:
    """Values of now with their labels, the smallest first.

    `columns` are the labels that are shown, in their order; the value comes last. The
    queries have the shape `table`.
    """

    title: str
    unit: str
    description: str
    queries: tuple[Query, ...]
    columns: tuple[str, ...]
    limits: Limits = ()
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    width: int = 12
    height: int = 8

    def render(self) -> Json:
        """Return Grafana's panel without its id and place."""
        custom = {"align": "auto", "cellOptions": {"type": "color-text"}}
        order = (*self.columns, "Value")
        return panel_of("table", self, custom, {"mode": "thresholds"}) | {
            "options": {
                "cellHeight": "sm",
                "frameIndex": 0,
                "showHeader": True,
                "sortBy": [{"desc": False, "displayName": "Value"}],
            },
            "transformations": [
                {
                    "id": "filterFieldsByName",
                    "options": {"include": {"names": list(order)}},
                },
                {
                    "id": "organize",
                    "options": {
                        "indexByName": {name: at for at, name in enumerate(order)}
                    },
                },
            ],
        }
