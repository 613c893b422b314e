"""Runs: found by job, agent, state and time; and which are still to be judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from models.dialect import number_list, numbers, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

_COLUMNS: Final = (
    "u.id",
    "a.name",
    "j.name",
    "u.agent_id",
    "u.job_id",
    "u.scheduled_ms",
    "u.began_ms",
    "u.ended_ms",
    "u.state",
    "u.destinations",
    "u.succeeded",
    "u.failed",
    "u.skipped",
    "u.left_alone",
    "u.results",
    "u.error",
    "u.marks",
    "u.received_ms",
    "u.evaluated",
)
_SELECT: Final = (
    f"SELECT {', '.join(_COLUMNS)} FROM probe_runs u "  # noqa: S608 - own names
    "JOIN agents a ON a.id = u.agent_id JOIN jobs j ON j.id = u.job_id"
)
FIRST: Final = -(2**62)
LAST: Final = 2**62
"""Before and after all times."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A row of probe_runs with names; see `models.probe_run.ProbeRun`.

    Times are UTC milliseconds.
    """

    id: int
    agent: str
    job: str
    agent_id: int
    job_id: int
    scheduled_ms: int
    began_ms: int
    ended_ms: int
    state: str
    destinations: int
    succeeded: int
    failed: int
    skipped: int
    left_alone: int
    results: int
    error: str
    marks: tuple[str, ...]
    received_ms: int
    evaluated: bool

    @property
    def cursor(self) -> tuple[int, int]:
        """Where the runs behind it go on, see `search`."""
        return self.scheduled_ms, self.id


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs: scheduled in `[start, end)`, UTC milliseconds; None is any.

    `job` and `agent` are numbers.
    """

    job: int | None = None
    agent: int | None = None
    state: str | None = None
    start: int = FIRST
    end: int = LAST


def find(db: Database, number: int) -> RunRow | None:
    """Return a run by its number, None if there is none."""
    found = _rows(db, " WHERE u.id = ?", (number,))
    return found[0] if found else None


def search(
    db: Database,
    wanted: Wanted,
    *,
    before: tuple[int, int] | None = None,
    limit: int,
) -> list[RunRow]:
    """Return runs newest first, at most `limit`, behind the cursor `before`."""
    given = {
        "u.job_id": wanted.job,
        "u.agent_id": wanted.agent,
        "u.state": wanted.state,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    conditions = "".join(f" AND {name} = ?" for name in asked)
    params: list[object] = [wanted.start, wanted.end, *asked.values()]
    if before is not None:
        conditions += " AND (u.scheduled_ms, u.id) < (?, ?)"
        params += before
    rest = (
        f" WHERE u.scheduled_ms >= ? AND u.scheduled_ms < ?{conditions} "
        "ORDER BY u.scheduled_ms DESC, u.id DESC LIMIT ?"
    )
    return _rows(db, rest, (*params, limit))


def latest(db: Database, job: int) -> RunRow | None:
    """Return the newest run of a job, None if there is none."""
    found = search(db, Wanted(job=job), limit=1)
    return found[0] if found else None


def newest(db: Database) -> int | None:
    """Return when the newest run was scheduled, UTC milliseconds."""
    rows: list[Any] = rows_of(db, "SELECT MAX(scheduled_ms) FROM probe_runs")
    found: int | None = rows[0][0]
    return found


def mark_evaluated(db: Database, ids: Sequence[int]) -> None:
    """Say that runs were judged."""
    sql = (
        "UPDATE probe_runs SET evaluated = 1 WHERE id IN "  # noqa: S608 - own names
        f"(SELECT value FROM {numbers(db, 'ids')})"
    )
    db.execute_sql(sql.replace("?", db.param), (number_list(db, ids),))


def _rows(db: Database, rest: str, params: Sequence[object]) -> list[RunRow]:
    rows: list[Any] = rows_of(db, _SELECT + rest, params)
    read = (
        (*row[:16], tuple(filter(None, row[16].split(","))), row[17], bool(row[18]))
        for row in rows
    )
    return [RunRow(*row) for row in read]
