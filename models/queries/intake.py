"""Storing finished runs: each once, however often it is sent, by few statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from models.dialect import placeholders, storable
from models.postgres import Postgres
from models.queries.entries import DESTINATIONS, JOBS
from models.queries.evidence import Evidence
from models.trips import trips_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from peewee import Database

    from models.probed import Executed, Measured

RUN_COLUMNS: Final = (
    "agent_id",
    "job_id",
    "scheduled_ms",
    "began_ms",
    "ended_ms",
    "state",
    "destinations",
    "succeeded",
    "failed",
    "skipped",
    "left_alone",
    "results",
    "error",
    "marks",
    "received_ms",
    "evaluated",
)
RESULT_COLUMNS: Final = (
    "scheduled_ms",
    "run_id",
    "place",
    "destination_id",
    "probe",
    "kind",
    "delay_ms",
    "seconds",
    "reason",
    "message",
    "address",
    "sent",
    "received",
    "rtt_mean",
    "rtt_min",
    "rtt_max",
    "rtt_p50",
    "rtt_p95",
    "jitter",
    "rtts",
    "phases",
    "facts",
    "route",
    "certificate",
    "marks",
)
_ECHO: Final = "icmp"
_OTHER: Final = (
    "another run of this agent, job and time is kept; give each exporter a name of its "
    "own (exporter.prober.agent), or look whether the clock was set back"
)
_NAMES: Final = 5_000
_RUNS: Final = 500
_RESULTS: Final = 1_000
"""Of so many at once; SQLite takes 32,766 values in a statement."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of runs: numbers of the new ones, how many were there already.

    `refused` are the places of runs that cannot be kept, and why.
    """

    accepted: tuple[int, ...]
    duplicates: int
    refused: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class _Named:
    """Whoever had a name, and from when to when, UTC milliseconds; 0 is until now."""

    id: int
    created_at: int
    deleted_at: int


def store(db: Database, agent_id: int, runs: Sequence[Executed], now: int) -> Stored:
    """Add runs of an agent with their results, received at `now`, UTC milliseconds.

    A name means whoever had it when the run was scheduled, also if that was deleted
    since. What comes again is a duplicate; another run in its place is refused, as two
    exporters of one name would make it. One transaction.
    """
    with db.atomic():
        jobs = _holders(db, JOBS, {run.job for run in runs})
        named = {result.destination for run in runs for result in run.results}
        destinations = _holders(db, DESTINATIONS, named)
        refused: list[tuple[int, str]] = []
        new: dict[tuple[int, int], Executed] = {}
        told: dict[int, tuple[int, int]] = {}
        for place, run in enumerate(runs):
            why = _refusal(run, jobs, destinations)
            if why:
                refused.append((place, why))
            else:
                key = _at(jobs[run.job], run.scheduled_ms), run.scheduled_ms
                told[place] = key
                new.setdefault(key, run)
        ids = _add_runs(db, agent_id, new, now)
        times = _times(db, agent_id, sorted(new.keys() - ids.keys()))
        times |= {key: _span(new[key]) for key in ids}
        refused += [
            (place, _OTHER)
            for place, key in told.items()
            if times.get(key, _span(runs[place])) != _span(runs[place])
        ]
        evidence = Evidence()
        rows = [
            _result_row(number, place, run, result, destinations, evidence)
            for key, number in ids.items()
            for run in (new[key],)
            for place, result in enumerate(run.results)
        ]
        _add_results(db, rows)
        evidence.write(db)
    duplicates = len(runs) - len(refused) - len(ids)
    return Stored(tuple(sorted(ids.values())), duplicates, tuple(sorted(refused)))


def _refusal(
    run: Executed,
    jobs: Mapping[str, list[_Named]],
    destinations: Mapping[str, list[_Named]],
) -> str:
    if run.job not in jobs:
        return f"there is no job {run.job!r}, and was none"
    for result in run.results:
        if result.destination not in destinations:
            return f"there is no destination {result.destination!r}, and was none"
    return ""


def _holders(db: Database, table: str, names: Iterable[str]) -> dict[str, list[_Named]]:
    """Return who has or had each name, the first one first."""
    ordered = sorted(names)
    found: dict[str, list[_Named]] = {}
    for begin in range(0, len(ordered), _NAMES):
        chunk = ordered[begin : begin + _NAMES]
        cursor = db.execute_sql(
            f"SELECT name, id, created_at, deleted_at FROM {table} "  # noqa: S608 - own names
            f"WHERE name IN ({placeholders(db, len(chunk))}) ORDER BY id",
            tuple(chunk),
        )
        for name, *facts in cursor.fetchall():
            found.setdefault(name, []).append(_Named(*facts))
    return found


def _at(holders: Sequence[_Named], at: int) -> int:
    """Return who had a name at a time, the first one if that was before all."""
    had = [one for one in holders if one.created_at <= at]
    return (had[-1] if had else holders[0]).id


def _add_runs(
    db: Database, agent_id: int, runs: Mapping[tuple[int, int], Executed], now: int
) -> dict[tuple[int, int], int]:
    """Insert runs by job and time; return the numbers of those that are new."""
    rows = [
        (
            agent_id,
            job,
            scheduled,
            run.began_ms,
            run.ended_ms,
            run.state,
            run.destinations,
            run.succeeded,
            run.failed,
            run.skipped,
            run.left_alone,
            len(run.results),
            storable(run.error),
            ",".join(run.marks),
            now,
            0,
        )
        for (job, scheduled), run in runs.items()
    ]
    mark = f"({placeholders(db, len(RUN_COLUMNS))})"
    found: dict[tuple[int, int], int] = {}
    for begin in range(0, len(rows), _RUNS):
        chunk = rows[begin : begin + _RUNS]
        cursor = db.execute_sql(
            f"INSERT INTO probe_runs ({', '.join(RUN_COLUMNS)}) "  # noqa: S608 - own names
            f"VALUES {', '.join([mark] * len(chunk))} "
            "ON CONFLICT (job_id, scheduled_ms, agent_id) DO NOTHING "
            "RETURNING id, job_id, scheduled_ms",
            [value for row in chunk for value in row],
        )
        for number, job, scheduled in cursor.fetchall():
            found[job, scheduled] = number
    return found


def _span(run: Executed) -> tuple[int, int]:
    return run.began_ms, run.ended_ms


def _times(
    db: Database, agent_id: int, keys: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], tuple[int, int]]:
    """Return when runs that are kept began and ended, by job and scheduled time."""
    mark = f"({placeholders(db, 2)})"
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for begin in range(0, len(keys), _RUNS):
        chunk = keys[begin : begin + _RUNS]
        cursor = db.execute_sql(
            "SELECT job_id, scheduled_ms, began_ms, ended_ms FROM probe_runs "  # noqa: S608 - own names
            f"WHERE agent_id = {db.param} AND (job_id, scheduled_ms) IN "
            f"(VALUES {', '.join([mark] * len(chunk))})",
            (agent_id, *(part for key in chunk for part in key)),
        )
        for job, scheduled, *times in cursor.fetchall():
            found[job, scheduled] = (times[0], times[1])
    return found


def _result_row(  # noqa: PLR0917 - what a row is made of
    run_id: int,
    place: int,
    run: Executed,
    result: Measured,
    destinations: Mapping[str, list[_Named]],
    evidence: Evidence,
) -> tuple[Any, ...]:
    trips = trips_of(result.rtts)
    at = run.scheduled_ms
    facts = evidence.without(result.facts, result.route, at)
    jitter = facts.get("jitter", trips.jitter)
    return (
        at,
        run_id,
        place,
        _at(destinations[result.destination], at),
        storable(result.probe),
        storable(result.kind),
        result.began_ms - at,
        result.seconds,
        result.reason,
        storable(result.message),
        storable(result.address),
        result.sent,
        result.received,
        trips.mean,
        trips.min,
        trips.max,
        trips.p50,
        trips.p95,
        jitter,
        trips.packed,
        _json(result.phases),
        _json(_terse(result.kind, facts)),
        storable(result.route),
        storable(result.certificate),
        ",".join(result.marks),
    )


def _terse(kind: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return facts of echo requests without zeros and what their times say anyway.

    These are most rows by far, and of most there is nothing else to say.
    """
    if kind != _ECHO:
        return facts
    return {
        key: value
        for key, value in facts.items()
        if value and key not in {"jitter", "percentiles"}
    }


def _json(value: Mapping[str, Any]) -> str:
    return storable(orjson.dumps(dict(value)).decode()) if value else ""


def _add_results(db: Database, rows: Sequence[tuple[Any, ...]]) -> None:
    names = ", ".join(RESULT_COLUMNS)
    if isinstance(db, Postgres):
        if rows:
            db.copy_rows(f"COPY probe_results ({names}) FROM STDIN", rows)
        return
    mark = f"({placeholders(db, len(RESULT_COLUMNS))})"
    for begin in range(0, len(rows), _RESULTS):
        chunk = rows[begin : begin + _RESULTS]
        db.execute_sql(
            f"INSERT INTO probe_results ({names}) "  # noqa: S608 - own names
            f"VALUES {', '.join([mark] * len(chunk))}",
            [value for row in chunk for value in row],
        )
