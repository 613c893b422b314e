"""The metrics of an agent: its plan, its backlog, what it told its bridge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Metric

if TYPE_CHECKING:
    from collections import Counter

    from exporter.agent.counts import Counts

UP: Final = Metric(
    "epimetheus_agent_up",
    "gauge",
    "Whether the bridge answered well the last time that it was asked and told.",
)
PLAN_AGE: Final = Metric(
    "epimetheus_agent_plan_age_seconds",
    "gauge",
    "Time since the bridge last said that this is the plan.",
)
POLLS: Final = Metric(
    "epimetheus_agent_polls_total",
    "counter",
    "Requests for the plan, by what became of them.",
    ("outcome",),
)
BATCHES: Final = Metric(
    "epimetheus_agent_batches_total",
    "counter",
    "Batches that were sent, by what became of them.",
    ("outcome",),
)
SPOOLED: Final = Metric(
    "epimetheus_agent_runs_spooled_total",
    "counter",
    "Runs that were taken over from the prober.",
)
SENT: Final = Metric(
    "epimetheus_agent_runs_sent_total", "counter", "Runs that the bridge has."
)
DUPLICATES: Final = Metric(
    "epimetheus_agent_runs_duplicate_total",
    "counter",
    "Runs that the bridge had already, among those sent.",
)
DROPPED: Final = Metric(
    "epimetheus_agent_runs_dropped_total",
    "counter",
    "Runs that were given up, by the reason.",
    ("reason",),
)
TESTS: Final = Metric(
    "epimetheus_agent_tests_sent_total",
    "counter",
    "Results of tests that the bridge has.",
)
UNSENT: Final = Metric(
    "epimetheus_agent_runs_unsent", "gauge", "Runs that the bridge does not have yet."
)
SPOOL: Final = Metric(
    "epimetheus_agent_spool_bytes", "gauge", "Size of the unsent runs."
)
ON_DISK: Final = Metric(
    "epimetheus_agent_spool_on_disk",
    "gauge",
    "Whether unsent runs are written to disk; in memory only otherwise.",
)
OLDEST: Final = Metric(
    "epimetheus_agent_oldest_unsent_age_seconds",
    "gauge",
    "Time since the oldest unsent run was taken, 0 if there is none.",
)


def of_counts(counts: Counts) -> list[Family]:
    """Return what has been counted."""
    polls, batches, dropped, runs = counts.snapshot()
    return [
        Family(POLLS, _samples(polls)),
        Family(BATCHES, _samples(batches)),
        SPOOLED.of(runs["taken"]),
        SENT.of(runs["sent"]),
        DUPLICATES.of(runs["duplicate"]),
        Family(DROPPED, _samples(dropped)),
        TESTS.of(runs["tests"]),
    ]


def of_backlog(unsent: int, size: int, age: float, *, on_disk: bool) -> list[Family]:
    """Return what is unsent: how many runs, their bytes, the age of the oldest in s."""
    return [
        UNSENT.of(unsent),
        SPOOL.of(size),
        ON_DISK.of(on_disk),
        OLDEST.of(age),
    ]


def _samples(counts: Counter[str]) -> list[tuple[tuple[str, ...], float]]:
    return [((name,), number) for name, number in counts.items()]
