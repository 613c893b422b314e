"""How a destination is: rates, uptime, last answers and failures; and all together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bridge.answers.probes.asked import Asked, milliseconds, picked
from models.queries import entries, probe_figures, results, stories
from models.queries.entries import DESTINATIONS, JOBS
from models.queries.results import Picked
from runtime.quantities import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.answers.times import Span
    from models.database import Database
    from models.queries.results import ResultRow

RECENT: Final = 20
"""Results among which recent failures are counted."""
_HOLDS: Final = 2
"""Intervals for which a result holds where none comes after it."""
_HEALTHY: Final = 0.95


@dataclass(frozen=True, slots=True)
class Standing:
    """How a destination is; times are UTC milliseconds, durations seconds.

    `success_rate` weighs every result alike, `uptime` each by how long it held; both
    are None without results. `known` is how many seconds of all its probes anything is
    known of. `failures` are those among the last 20 results, newest first.
    """

    status: str
    since: int | None
    last_seen: int | None
    checks: int
    successes: int
    success_rate: float | None
    uptime: float | None
    known: float
    loss: float | None
    rtt_mean: float | None
    last_check: int | None
    last_rtt: float | None
    failures: tuple[ResultRow, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """How all destinations are: how many of each status, and whether that is well.

    `health` is healthy if none is in error and more than 95 % of the results are
    successes, degraded otherwise, and unknown without results.
    """

    total: int
    statuses: dict[str, int]
    checks: int
    success_rate: float | None
    health: str


def standing(db: Database, name: str, span: Span) -> Standing:
    """Return how a destination is over a span; raise QuestionError for a wrong name."""
    of = picked(db, Asked(destination=name), span)
    entry = entries.find(db, DESTINATIONS, name)
    tallies = probe_figures.tallies(db, of)
    tally = tallies[0] if tallies else None
    held, known = uptime(db, of, span)
    last = results.search(db, of, limit=RECENT)
    answered = results.latest_answered(db, of)
    return Standing(
        status="deleted" if entry is None else told_status(entry),
        since=None if entry is None else entry.status_since,
        last_seen=None if entry is None else entry.last_seen,
        checks=tally.results if tally else 0,
        successes=tally.successes if tally else 0,
        success_rate=tally.success_rate if tally else None,
        uptime=held,
        known=known,
        loss=tally.loss if tally else None,
        rtt_mean=tally.mean if tally else None,
        last_check=last[0].began_ms if last else None,
        last_rtt=answered.rtt_mean if answered else None,
        failures=tuple(one for one in last if not one.succeeded),
    )


def told_status(entry: entries.EntryRow) -> str:
    """Return the status of a destination; who is not probed is inactive."""
    return entry.status if entry.document["enabled"] else "inactive"


def uptime(db: Database, of: Picked, span: Span) -> tuple[float | None, float]:
    """Return the share of time at which results were good, and the seconds known.

    A result holds until the next one of its agent, job, destination and probe, at most
    for two intervals of its job, and not beyond the span.
    """
    jobs = probe_figures.jobs_of(db, of)
    holds = {
        number: milliseconds(_HOLDS * _interval(document))
        for number, document in entries.documents(db, JOBS, jobs).items()
    }
    good, known = probe_figures.uptime(db, of, holds, milliseconds(span.end))
    return (good / known if known else None), known / 1000


def _interval(document: Mapping[str, Any]) -> float:
    told = document["interval"]
    return parse_duration(told) if isinstance(told, str) else float(told)


def summary(db: Database, span: Span) -> Summary:
    """Return how all destinations are over a span."""
    counts = stories.statuses(db)
    of = Picked(start=milliseconds(span.start), end=milliseconds(span.end))
    tallies = probe_figures.tallies(db, of)
    rate = tallies[0].success_rate if tallies else None
    health = "unknown"
    if rate is not None:
        is_well = not counts.get("error") and rate > _HEALTHY
        health = "healthy" if is_well else "degraded"
    checks = tallies[0].results if tallies else 0
    return Summary(sum(counts.values()), counts, checks, rate, health)
