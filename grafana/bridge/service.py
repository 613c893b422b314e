"""What the bridge gives: events, answers, and the room it takes."""

from __future__ import annotations

from grafana.bridge.engine import quantiles
from grafana.dashboard import Row
from grafana.shapes import Graph, Query, warn

EVENTS = Row(
    "Error events",
    (
        Graph(
            "Events recorded",
            "none",
            "Error events recorded, by what noticed them.",
            (
                Query(
                    "sum by (detector) (increase(epimetheus_events_recorded_total"
                    "{$target}[$__rate_interval]))",
                    "{{detector}}",
                ),
            ),
            stacked=True,
            width=24,
        ),
    ),
)

API = Row(
    "API",
    (
        Graph(
            "Requests by status",
            "reqps",
            "Requests answered.",
            (
                Query(
                    "sum by (status) (rate(epimetheus_http_requests_total{$target}"
                    "[$__rate_interval]))",
                    "{{status}}",
                ),
            ),
            stacked=True,
        ),
        Graph(
            "Requests by route",
            "reqps",
            "Requests answered.",
            (
                Query(
                    "sum by (method, route) (rate(epimetheus_http_requests_total"
                    "{$target}[$__rate_interval]))",
                    "{{method}} {{route}}",
                ),
            ),
        ),
        Graph(
            "Duration by route",
            "s",
            "How long answers take.",
            quantiles("epimetheus_http_request_seconds", "$target", "route"),
            warn(1, 5),
        ),
        Graph(
            "Answers that failed",
            "percentunit",
            "Share of answers with a status of 500 and above.",
            (
                Query(
                    '(sum(rate(epimetheus_http_requests_total{$target, status=~"5.."}'
                    "[$__rate_interval])) or vector(0))"
                    " / sum(rate(epimetheus_http_requests_total{$target}"
                    "[$__rate_interval]))",
                    "failed",
                ),
            ),
            warn(0.01, 0.05),
            maximum=1,
        ),
    ),
)

STORAGE = Row(
    "Storage",
    (
        Graph(
            "Database",
            "bytes",
            "Size of the database on disk.",
            (Query("max(epimetheus_database_bytes{$target})", "size"),),
        ),
        Graph(
            "Series",
            "short",
            "Series in the directory of each source.",
            (
                Query(
                    'sum by (source) (epimetheus_series{$target, source=~"$source"})',
                    "{{source}}",
                ),
            ),
        ),
        Graph(
            "Deleted rows",
            "short",
            "Rows deleted as they were older than people keep them.",
            (
                Query(
                    "sum by (resolution) (increase(epimetheus_retention_rows_total"
                    "{$target}[$__rate_interval]))",
                    "{{resolution}}",
                ),
                Query(
                    "sum by (resolution) (increase(epimetheus_retention_windows_total"
                    "{$target}[$__rate_interval]))",
                    "windows: {{resolution}}",
                ),
            ),
            stacked=True,
        ),
        Graph(
            "Held back from deletion",
            "s",
            "Time that is old enough and stays, as what is made from it is not done.",
            (
                Query(
                    "max by (source, resolution) (epimetheus_retention_held_seconds"
                    '{$target, source=~"$source", resolution=~"$resolution"})',
                    "{{source}} {{resolution}}",
                ),
            ),
        ),
    ),
)
