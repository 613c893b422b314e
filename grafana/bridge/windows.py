"""What is done and what is missing."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Graph, Query, warn

_OF_SOURCE = '$target, source=~"$source"'
_CHOSEN = f'{_OF_SOURCE}, resolution=~"$resolution"'


def _windows(states: str) -> Query:
    return Query(
        f"sum by (source, resolution, state) (epimetheus_windows{{{_CHOSEN}, "
        f'state=~"{states}"}})',
        "{{source}} {{resolution}} {{state}}",
    )


ROW = Row(
    "Windows",
    (
        Graph(
            "Finished, by state",
            "cpm",
            "Windows committed for each minute. A source in good health finishes one "
            "minute a minute, more while it catches up.",
            (
                Query(
                    "60 * sum by (source, resolution, state) "
                    f"(rate(epimetheus_windows_finished_total{{{_CHOSEN}}}"
                    "[$__rate_interval]))",
                    "{{source}} {{resolution}} {{state}}",
                ),
            ),
        ),
        Graph(
            "Lag of minutes",
            "s",
            "Age of the end of the newest finished minute of each source. It rises "
            "for a minute and falls again.",
            (
                Query(
                    f'epimetheus_lag_seconds{{{_OF_SOURCE}, resolution="minute"}}',
                    "{{source}}",
                ),
            ),
            warn(180, 600),
        ),
        Graph(
            "Lag of hours and days",
            "s",
            "Age of the end of the newest finished hour and day of each source, and of "
            "the newest day of each calendar (day@NAME).",
            (
                Query(
                    f'epimetheus_lag_seconds{{{_CHOSEN}, resolution!="minute"}}',
                    "{{source}} {{resolution}}",
                ),
            ),
        ),
        Graph(
            "Share done",
            "percentunit",
            "Windows that are complete, as a share of all since the oldest one that is "
            "kept, of minutes, hours, days and the days of calendars (day@NAME).",
            (
                Query(
                    "sum by (source, resolution) "
                    f'(epimetheus_windows{{{_CHOSEN}, state="done"}})'
                    " / sum by (source, resolution) "
                    f"(epimetheus_windows{{{_CHOSEN}}})",
                    "{{source}} {{resolution}}",
                ),
            ),
            minimum=None,
            maximum=1,
        ),
        Graph(
            "Done",
            "short",
            "Windows that are complete.",
            (_windows("done"),),
        ),
        Graph(
            "To do",
            "short",
            "Windows that were never done (missing), are asked for (open), or are to "
            "be done again as something in them changed (dirty). One or two missing "
            "minutes are normal: they settle.",
            (_windows("missing|open|dirty"),),
            warn(60),
        ),
        Graph(
            "Holes",
            "short",
            "Windows for which the source had nothing any more (lost), or not all "
            "(partial). The error events say when and why.",
            (_windows("lost|partial"),),
            warn(1),
        ),
        Graph(
            "Rows restated",
            "short",
            "Rows, for each hour, that were changed after they had been said: late "
            "samples, corrections, repairs. /api/v1/restatements says which and why.",
            (
                Query(
                    "3600 * sum by (source, resolution) "
                    f"(rate(epimetheus_rows_restated_total{{{_CHOSEN}}}"
                    "[$__rate_interval]))",
                    "{{source}} {{resolution}}",
                ),
            ),
        ),
        Graph(
            "Looked at again",
            "short",
            "Finished minutes that are read again at random, for each hour, by what "
            "was found: the same, rows that differ, samples that came late or have "
            "aged, answers with warnings or none.",
            (
                Query(
                    "3600 * sum by (source, outcome) "
                    f"(rate(epimetheus_verify_windows_total{{{_OF_SOURCE}}}"
                    "[$__rate_interval]))",
                    "{{source}} {{outcome}}",
                ),
            ),
        ),
        Graph(
            "Rows that differ",
            "short",
            "Rows, for each hour, that are not what their samples make them. The "
            "error events of type rollup_differs name them; they are done again.",
            (
                Query(
                    "3600 * sum by (source, outcome) "
                    f"(rate(epimetheus_verify_rows_total{{{_OF_SOURCE}, "
                    'outcome!="same"}[$__rate_interval]))',
                    "{{source}} {{outcome}}",
                ),
            ),
            warn(1),
        ),
    ),
)
