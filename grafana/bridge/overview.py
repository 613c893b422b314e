"""The numbers one looks at first."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Number, Query, bad_from, warn

ROW = Row(
    "Overview",
    (
        Number(
            "Sources that do not answer",
            "none",
            "Sources whose last request failed.",
            (
                Query(
                    "count(epimetheus_source_up{$target} == 0) or vector(0)",
                    "down",
                ),
            ),
            bad_from(1),
            decimals=0,
        ),
        Number(
            "Newest minute is behind by",
            "s",
            "Age of the end of the newest finished minute, of the source that is "
            "furthest behind. Up to 80 s is normal: a minute, and the time it "
            "settles.",
            (
                Query(
                    'max(epimetheus_lag_seconds{$target, resolution="minute"})',
                    "lag",
                ),
            ),
            warn(180, 600),
            decimals=0,
        ),
        Number(
            "Minutes to do",
            "none",
            "Minutes that were never done, and those that are to be done again. One or "
            "two are normal: they settle.",
            (
                Query(
                    'sum(epimetheus_windows{$target, resolution="minute", '
                    'state=~"missing|open|dirty"}) or vector(0)',
                    "to do",
                ),
            ),
            warn(60),
            decimals=0,
        ),
        Number(
            "Minutes lost",
            "none",
            "Minutes whose raw samples were gone before they could be rolled up, in "
            "all of the ledger.",
            (
                Query(
                    'sum(epimetheus_windows{$target, resolution="minute", '
                    'state="lost"}) or vector(0)',
                    "lost",
                ),
            ),
            warn(1),
            decimals=0,
        ),
        Number(
            "Jobs that wait for the writer",
            "none",
            "Database jobs in the queue; it holds 64.",
            (Query("max(epimetheus_writer_queue_length{$target})", "waiting"),),
            warn(16, 48),
            decimals=0,
        ),
        Number(
            "Database",
            "none",
            "Whether the database could be read.",
            (Query("min(epimetheus_database_up{$target})", "up"),),
            ((0, "red"), (1, "green")),
            minimum=0,
            maximum=1,
            decimals=0,
        ),
        Number(
            "Series",
            "short",
            "Series in the directory, of all sources.",
            (Query("sum(epimetheus_series{$target})", "series"),),
        ),
        Number(
            "Events in an hour",
            "none",
            "Error events recorded in the last hour.",
            (
                Query(
                    "sum(increase(epimetheus_events_recorded_total{$target}[1h]))"
                    " or vector(0)",
                    "events",
                ),
            ),
            decimals=0,
        ),
    ),
)
