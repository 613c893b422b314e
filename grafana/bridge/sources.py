"""What the bridge asks of others."""

from __future__ import annotations

from grafana.bridge.engine import quantiles
from grafana.dashboard import Row
from grafana.shapes import Graph, Query, States, bad_from, warn

_OF_SOURCE = '$target, source=~"$source"'

REQUESTS = Row(
    "Sources",
    (
        States(
            "Answering",
            "Whether each source answered the last request.",
            (Query(f"epimetheus_source_up{{{_OF_SOURCE}}}", "{{source}}"),),
            words=("does not answer", "answers"),
        ),
        Graph(
            "Requests",
            "reqps",
            "Requests to sources by outcome.",
            (
                Query(
                    "sum by (source, outcome) (rate(epimetheus_source_requests_total"
                    f"{{{_OF_SOURCE}}}[$__rate_interval]))",
                    "{{source}} {{outcome}}",
                ),
            ),
        ),
        Graph(
            "Duration of requests",
            "s",
            "How long sources take to answer.",
            quantiles("epimetheus_source_request_seconds", _OF_SOURCE, "source"),
            warn(10, 30),
        ),
        Graph(
            "Series beyond the budget",
            "short",
            "Series that share an overflow series, as max_series is reached.",
            (Query(f"epimetheus_series_folded{{{_OF_SOURCE}}}", "{{source}}"),),
        ),
        Graph(
            "Bytes of answers",
            "Bps",
            "What sources send, before decompression.",
            (
                Query(
                    "sum by (source) (rate(epimetheus_source_response_bytes_total"
                    f"{{{_OF_SOURCE}}}[$__rate_interval]))",
                    "{{source}}",
                ),
            ),
        ),
    ),
)

SCRAPES = Row(
    "Scrapes",
    (
        Graph(
            "Scrapes",
            "reqps",
            "Scrapes of targets that the bridge asks itself, by outcome.",
            (
                Query(
                    "sum by (source, outcome) (rate(epimetheus_scrapes_total"
                    f"{{{_OF_SOURCE}}}[$__rate_interval]))",
                    "{{source}} {{outcome}}",
                ),
            ),
            width=8,
        ),
        Graph(
            "Duration of scrapes",
            "s",
            "How long targets take to answer.",
            quantiles("epimetheus_scrape_seconds", _OF_SOURCE, "source"),
            warn(1, 10),
            width=8,
        ),
        Graph(
            "Samples dropped",
            "cps",
            "Samples that were received and not kept, by reason.",
            (
                Query(
                    "sum by (source, reason) (rate(epimetheus_samples_dropped_total"
                    f"{{{_OF_SOURCE}}}[$__rate_interval]))",
                    "{{source}} {{reason}}",
                ),
            ),
            bad_from(1),
            width=8,
        ),
    ),
)
