"""How the exporter's pushes by OTLP go; without a receiver there is nothing to see."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Graph, Query, bad_from, warn

_PREFIX = "epimetheus_exporter_otlp"


def _increase(metric: str) -> str:
    return f"increase({_PREFIX}_{metric}{{$target}}[$__rate_interval])"


ROW = Row(
    "Pushing by OTLP",
    (
        Graph(
            "Pushes",
            "none",
            "Requests with metrics by what became of them: all but accepted are sent "
            "again or given up.",
            (Query(_increase("pushes_total"), "{{outcome}}"),),
        ),
        Graph(
            "Points",
            "none",
            "Points that the receiver took; those that were given up are drawn "
            "downwards, by the reason.",
            (
                Query(_increase("points_sent_total"), "taken"),
                Query(
                    _increase("points_dropped_total"),
                    "given up: {{reason}}",
                    mirrored=True,
                ),
            ),
        ),
        Graph(
            "Since the last success",
            "s",
            "Time since the receiver took metrics last.",
            (
                Query(
                    f"time() - ({_PREFIX}_last_success_timestamp_seconds{{$target}}"
                    " > 0)",
                    "last success",
                ),
            ),
            warn(300, 3600),
        ),
        Graph(
            "Duration of a push",
            "s",
            "How long the last request took, answered or not.",
            (Query(f"{_PREFIX}_push_duration_seconds{{$target}}", "duration"),),
            warn(5),
        ),
        Graph(
            "Pushes that wait",
            "none",
            "Pushes that the receiver did not take yet; when there is no more room, "
            "the oldest are given up.",
            (Query(f"{_PREFIX}_queued_pushes{{$target}}", "waiting"),),
            bad_from(5),
        ),
    ),
)
