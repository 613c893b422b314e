"""What comes from agents, and how it is judged."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Graph, Query, warn

_COLOURED = "sum by ({label}) (increase({metric}{{$target}}[$__rate_interval]))"


def _by(metric: str, label: str, word: str = "") -> Query:
    expr = _COLOURED.format(metric=metric, label=label)
    return Query(expr, f"{word}{{{{{label}}}}}")


ROW = Row(
    "Probing",
    (
        Graph(
            "Destinations",
            "none",
            "Destinations by what their results say.",
            (
                Query(
                    "max by (status) (epimetheus_destinations{$target})", "{{status}}"
                ),
                Query("max(epimetheus_destinations_failing{$target})", "failing"),
            ),
        ),
        Graph(
            "Results judged",
            "none",
            "Results by what they are worth: those ignored tell nothing of a "
            "destination.",
            (_by("epimetheus_results_judged_total", "outcome"),),
            stacked=True,
        ),
        Graph(
            "Lag of judgement",
            "s",
            "Age of the oldest run that came and was not judged.",
            (Query("max(epimetheus_judgement_lag_seconds{$target})", "lag"),),
            warn(60, 300),
        ),
        Graph(
            "From agents",
            "none",
            "Plans that agents asked for, batches and runs that they sent, and the "
            "results in them.",
            (
                _by("epimetheus_probe_plans_total", "outcome", "plans: "),
                _by("epimetheus_probe_batches_total", "outcome", "batches: "),
                _by("epimetheus_probe_runs_total", "outcome", "runs: "),
                Query(
                    "sum(increase(epimetheus_probe_results_total{$target}"
                    "[$__rate_interval]))",
                    "results",
                ),
            ),
        ),
    ),
)
