"""Tests: destinations that somebody wants probed once, at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from models.dialect import placeholders, rows_of, storable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from peewee import Database

WAITING: Final = "waiting"
FINISHED: Final = "finished"
EXPIRED: Final = "expired"

_COLUMNS: Final = (
    "id",
    "agent",
    "destination",
    "host",
    "probe",
    "state",
    "created_at",
    "finished_at",
    "result",
)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM probe_tests"  # noqa: S608 - own names


@dataclass(frozen=True, slots=True)
class AskedTest:
    """A row of probe_tests with its JSON read; `result` is None without one.

    Times are UTC milliseconds.
    """

    id: int
    agent: str
    destination: str
    host: str
    probe: dict[str, Any]
    state: str
    created_at: int
    finished_at: int | None
    result: dict[str, Any] | None


def create(
    db: Database,
    *,
    agent: str,
    destination: str,
    host: str,
    probe: Mapping[str, Any],
    now: int,
) -> AskedTest:
    """Ask an agent for a test at `now`, UTC milliseconds."""
    names = _COLUMNS[1:]
    text = storable(orjson.dumps(dict(probe)).decode())
    cursor = db.execute_sql(
        f"INSERT INTO probe_tests ({', '.join(names)}) "  # noqa: S608 - own names
        f"VALUES ({placeholders(db, len(names))}) RETURNING id",
        (agent, destination, storable(host), text, WAITING, now, None, ""),
    )
    return _rows(db, " WHERE id = ?", (int(cursor.fetchone()[0]),))[0]


def find(db: Database, number: int) -> AskedTest | None:
    """Return a test by its number, None if there is none."""
    found = _rows(db, " WHERE id = ?", (number,))
    return found[0] if found else None


def waiting(db: Database, agent: str) -> list[AskedTest]:
    """Return the tests that an agent is still to do, oldest first."""
    return _rows(db, " WHERE state = ? AND agent = ? ORDER BY id", (WAITING, agent))


def finish(
    db: Database, number: int, agent: str, result: Mapping[str, Any], now: int
) -> bool:
    """Note what came of a test; return whether that agent was waited for.

    A result that comes twice, or after its time, changes nothing.
    """
    sql = (
        "UPDATE probe_tests SET state = ?, finished_at = ?, result = ? "
        "WHERE id = ? AND agent = ? AND state = ?"
    )
    text = storable(orjson.dumps(dict(result)).decode())
    params = (FINISHED, now, text, number, agent, WAITING)
    return bool(db.execute_sql(sql.replace("?", db.param), params).rowcount)


def expire(db: Database, before: int) -> int:
    """Give up tests that were asked for before a time and wait; return how many."""
    sql = "UPDATE probe_tests SET state = ? WHERE state = ? AND created_at < ?"
    params = (EXPIRED, WAITING, before)
    return int(db.execute_sql(sql.replace("?", db.param), params).rowcount)


def _rows(db: Database, rest: str, params: tuple[object, ...]) -> list[AskedTest]:
    rows: list[Any] = rows_of(db, _SELECT + rest, params)
    read = (
        (*row[:4], orjson.loads(row[4]), *row[5:8], _result(row[8])) for row in rows
    )
    return [AskedTest(*row) for row in read]


def _result(text: str) -> dict[str, Any] | None:
    return orjson.loads(text) if text else None
