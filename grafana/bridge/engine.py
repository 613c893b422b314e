"""What it costs to roll up a window, and to write it."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Graph, Query, bad_from, warn

_OF_SOURCE = '$target, source=~"$source"'


def quantiles(histogram: str, selector: str, by: str) -> tuple[Query, ...]:
    """Return the median and the 99th percentile of a histogram, by some label."""
    return tuple(
        Query(
            f"histogram_quantile({share}, sum by (le, {by}) "
            f"(rate({histogram}_bucket{{{selector}}}[$__rate_interval])))",
            f"{{{{{by}}}}} {word}",
        )
        for share, word in (("0.5", "median"), ("0.99", "99 %"))
    )


CYCLES = Row(
    "Rolling up",
    (
        Graph(
            "Time for one window",
            "s",
            "To read, roll up and commit one window. Beyond a minute the source is "
            "not kept up with.",
            quantiles("epimetheus_cycle_seconds", _OF_SOURCE, "source"),
            warn(30, 60),
        ),
        Graph(
            "Windows at work",
            "percentunit",
            "Share of time in which a window of the source is being done.",
            (
                Query(
                    "sum by (source) (rate(epimetheus_cycle_seconds_sum"
                    f"{{{_OF_SOURCE}}}[$__rate_interval]))",
                    "{{source}}",
                ),
            ),
            warn(0.7, 0.95),
        ),
        Graph(
            "Samples rolled up",
            "cps",
            "Raw samples that went into rows.",
            (
                Query(
                    f"sum by (source) (rate(epimetheus_samples_total{{{_OF_SOURCE}}}"
                    "[$__rate_interval]))",
                    "{{source}}",
                ),
            ),
        ),
        Graph(
            "Rows written",
            "wps",
            "Rollup rows committed.",
            (
                Query(
                    "sum by (resolution) (rate(epimetheus_rows_written_total{$target}"
                    "[$__rate_interval]))",
                    "{{resolution}}",
                ),
            ),
        ),
        Graph(
            "Beats",
            "cpm",
            "Runs of scheduled jobs for each minute.",
            (
                Query(
                    "60 * sum by (name) (rate(epimetheus_beats_total{$target}"
                    "[$__rate_interval]))",
                    "{{name}}",
                ),
            ),
        ),
        Graph(
            "Beats skipped and failed, windows that failed",
            "none",
            "Beats left out as the job still ran, beats whose job raised an error, and "
            "windows that could not be done and are tried again.",
            (
                Query(
                    "sum by (name) (increase(epimetheus_beats_skipped_total{$target}"
                    "[$__rate_interval]))",
                    "{{name}} skipped",
                ),
                Query(
                    "sum by (name) (increase(epimetheus_beats_failed_total{$target}"
                    "[$__rate_interval]))",
                    "{{name}} failed",
                ),
                Query(
                    "sum by (source) (increase(epimetheus_windows_failed_total{$target}"
                    "[$__rate_interval]))",
                    "{{source}} windows failed",
                ),
            ),
            bad_from(1),
        ),
    ),
)

WRITER = Row(
    "Writer",
    (
        Graph(
            "Jobs that wait",
            "short",
            "Database jobs in the queue; it holds 64, and what does not fit is "
            "refused.",
            (Query("max(epimetheus_writer_queue_length{$target})", "waiting"),),
            warn(16, 48),
            width=8,
        ),
        Graph(
            "Jobs",
            "ops",
            "Database jobs by name and outcome.",
            (
                Query(
                    "sum by (name, outcome) (rate(epimetheus_writer_jobs_total"
                    "{$target}[$__rate_interval]))",
                    "{{name}} {{outcome}}",
                ),
            ),
            width=8,
        ),
        Graph(
            "Duration of jobs",
            "s",
            "How long database jobs take.",
            quantiles("epimetheus_writer_job_seconds", "$target", "name"),
            warn(5, 30),
            width=8,
        ),
    ),
)
