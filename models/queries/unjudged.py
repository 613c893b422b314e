"""Runs whose results were not judged yet, and results as they are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from models.dialect import number_list, numbers, pages_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from peewee import Database

_PAGE: Final = 2000
_RUN: Final = (
    "u.id, u.agent_id, u.job_id, u.scheduled_ms, u.received_ms, u.results, "
    "CASE WHEN u.state <> 'aborted' AND u.succeeded + u.failed = u.destinations "
    "THEN 1 ELSE 0 END"
)
_COLUMNS: Final = (
    "r.scheduled_ms, r.run_id, r.place, r.destination_id, u.agent_id, u.job_id, "
    "r.probe, r.kind, r.reason, r.message, r.route, r.certificate, r.marks, "
    "CASE WHEN r.route <> '' OR r.certificate <> '' THEN r.facts ELSE '' END"
)


class RunRow(NamedTuple):
    """A run; times are UTC milliseconds. `whole` is 1 if it tried all destinations."""

    id: int
    agent_id: int
    job_id: int
    scheduled_ms: int
    received_ms: int
    results: int
    whole: int


class ResultRow(NamedTuple):
    """A result as it is judged; `facts` are JSON, of traces and certificates only."""

    scheduled_ms: int
    run_id: int
    place: int
    destination_id: int
    agent_id: int
    job_id: int
    probe: str
    kind: str
    reason: str
    message: str
    route: str
    certificate: str
    marks: str
    facts: str


def unjudged_runs(db: Database, most: int) -> list[RunRow]:
    """Return at most `most` runs that wait, those that were scheduled first."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {_RUN} FROM probe_runs u WHERE u.evaluated = 0 "  # noqa: S608 - own names
        "ORDER BY u.scheduled_ms, u.id LIMIT ?",
        (most,),
    )
    return [RunRow(*row) for row in rows]


def oldest_unjudged(db: Database) -> int | None:
    """Return when the run came that waits longest, UTC milliseconds, if any waits."""
    rows: list[Any] = rows_of(
        db, "SELECT MIN(received_ms) FROM probe_runs WHERE evaluated = 0"
    )
    received: int | None = rows[0][0]
    return received


def results_of_runs(db: Database, runs: Sequence[int]) -> list[ResultRow]:
    """Return the results of runs, in any order."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {_COLUMNS} FROM {numbers(db, 'ids')} "  # noqa: S608 - own names
        "CROSS JOIN probe_runs u CROSS JOIN probe_results r WHERE u.id = ids.value "
        "AND r.scheduled_ms = u.scheduled_ms AND r.run_id = u.id",
        (number_list(db, runs),),
    )
    return [ResultRow(*row) for row in rows]


def judged_results(
    db: Database, key: tuple[int, int, str], since_ms: int
) -> Iterator[ResultRow]:
    """Yield what an agent found of a probe of a destination, oldest first.

    `key` are destination, agent and probe. Only results of judged runs are told, from
    those that were scheduled at `since_ms` on.
    """
    destination, agent, probe = key
    pages: Any = pages_of(
        db,
        f"SELECT {_COLUMNS} FROM probe_results r "  # noqa: S608 - own names
        "JOIN probe_runs u ON u.id = r.run_id "
        "WHERE r.destination_id = ? AND r.scheduled_ms >= ? AND r.probe = ? "
        "AND u.agent_id = ? AND u.evaluated = 1 "
        "ORDER BY r.scheduled_ms, u.job_id, r.run_id, r.place",
        (destination, since_ms, probe, agent),
        _PAGE,
    )
    for page in pages:
        for row in page:
            yield ResultRow(*row)


def silent_runs(
    db: Database, key: tuple[int, int, str], jobs: Sequence[int], since_ms: int
) -> list[RunRow]:
    """Return judged runs of jobs that tried all and have no result of a probe.

    `key` are destination, agent and probe; from those that were scheduled at `since_ms`
    on, oldest first.
    """
    destination, agent, probe = key
    rows: list[Any] = rows_of(
        db,
        f"SELECT {_RUN} FROM {numbers(db, 'jobs')} CROSS JOIN probe_runs u "  # noqa: S608 - own names
        "WHERE u.job_id = jobs.value AND u.agent_id = ? AND u.scheduled_ms >= ? "
        "AND u.evaluated = 1 AND u.state <> 'aborted' "
        "AND u.succeeded + u.failed = u.destinations AND NOT EXISTS ("
        "SELECT 1 FROM probe_results r WHERE r.scheduled_ms = u.scheduled_ms "
        "AND r.run_id = u.id AND r.destination_id = ? AND r.probe = ?) "
        "ORDER BY u.scheduled_ms, u.job_id",
        (number_list(db, jobs), agent, since_ms, destination, probe),
    )
    return [RunRow(*row) for row in rows]
