"""Exporters that probe: who they are, and when they last came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from models.dialect import placeholders, rows_of, storable

if TYPE_CHECKING:
    from peewee import Database

_COLUMNS: Final = (
    "id",
    "name",
    "version",
    "plan",
    "dropped",
    "first_seen",
    "last_seen",
)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM agents"  # noqa: S608 - own names


@dataclass(frozen=True, slots=True)
class AgentRow:
    """A row of agents; see `models.probe_run.Agent`. Times are UTC milliseconds."""

    id: int
    name: str
    version: str
    plan: str
    dropped: int
    first_seen: int
    last_seen: int


def see(  # noqa: PLR0917 - what an agent tells of itself
    db: Database, name: str, now: int, version: str, plan: str, dropped: int | None
) -> AgentRow:
    """Note that an agent came at `now`, a new one too, and what it told; return it.

    What it left out, as '' or None, stays as it was.
    """
    told = {"version": storable(version), "plan": storable(plan), "dropped": dropped}
    changed = [name for name, value in told.items() if value not in {"", None}]
    updates = [f"{column} = EXCLUDED.{column}" for column in changed]
    updates.append(
        "last_seen = CASE WHEN EXCLUDED.last_seen > agents.last_seen "
        "THEN EXCLUDED.last_seen ELSE agents.last_seen END"
    )
    sql = (
        f"INSERT INTO agents ({', '.join(_COLUMNS[1:])}) "  # noqa: S608 - own names
        f"VALUES ({placeholders(db, len(_COLUMNS) - 1)}) ON CONFLICT (name) DO UPDATE "
        f"SET {', '.join(updates)} RETURNING {', '.join(_COLUMNS)}"
    )
    params = (storable(name), told["version"], told["plan"], dropped or 0, now, now)
    return AgentRow(*db.execute_sql(sql, params).fetchone())


def find(db: Database, name: str) -> AgentRow | None:
    """Return the agent of a name, None if it never came."""
    rows: list[Any] = rows_of(db, f"{_SELECT} WHERE name = ?", (name,))
    return AgentRow(*rows[0]) if rows else None


def everyone(db: Database) -> list[AgentRow]:
    """Return all agents, in the order in which they first came."""
    rows: list[Any] = rows_of(db, f"{_SELECT} ORDER BY id")
    return [AgentRow(*row) for row in rows]
