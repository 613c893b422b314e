"""Hours of echo requests: noted as results come, made once they are over."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

from models.dialect import number_list, numbers, placeholders, rows_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from peewee import Database

    from models.queries.stories import Key

HOUR: Final = 3_600_000
"""Milliseconds."""
SCRAPED: Final = 0
"""In the place of the agent: made of scraped counters, of all who probe together."""

_CHUNK: Final = 500
_COLUMNS: Final = (
    "destination_id, agent_id, probe, start_ms, stale, sent, received, rtt, verdict, "
    "facts"
)
_KEY: Final = "destination_id = ? AND agent_id = ? AND probe = ?"


@dataclass(frozen=True, slots=True)
class HourRow:
    """A row of probe_hours; `rtt` is seconds, `facts` a JSON object or empty."""

    destination_id: int
    agent_id: int
    probe: str
    start_ms: int
    stale: int = 0
    sent: int = 0
    received: int = 0
    rtt: float | None = None
    verdict: str = ""
    facts: str = ""

    @property
    def key(self) -> Key:
        """Whose view it is of, and of what."""
        return self.destination_id, self.agent_id, self.probe


@dataclass(frozen=True, slots=True)
class Echoes:
    """What a result says of an hour; `rtt` is its median, seconds."""

    sent: int
    received: int
    rtt: float | None
    marks: str


def note_stale(db: Database, hours: Collection[tuple[int, int, str, int]]) -> None:
    """Note that results of hours came, by destination, agent, probe and start."""
    wanted = sorted(hours)
    for begin in range(0, len(wanted), _CHUNK):
        chunk = wanted[begin : begin + _CHUNK]
        row = f"({placeholders(db, 4)}, 1, 0, 0, NULL, '', '')"
        db.execute_sql(
            f"INSERT INTO probe_hours ({_COLUMNS}) "  # noqa: S608 - own names
            f"VALUES {', '.join([row] * len(chunk))} "
            "ON CONFLICT (destination_id, agent_id, probe, start_ms) "
            "DO UPDATE SET stale = 1 WHERE probe_hours.stale = 0",
            [value for one in chunk for value in one],
        )


def note_stale_again(db: Database, key: Key, starts: Sequence[int]) -> None:
    """Have hours of a view made again that were made before."""
    mark = placeholders(db, 1)
    db.execute_sql(
        f"UPDATE probe_hours SET stale = 1 WHERE {_KEY.replace('?', mark)} "  # noqa: S608 - own names
        f"AND start_ms IN (SELECT value FROM {numbers(db, 'starts')})",
        (*key, number_list(db, starts)),
    )


def stale_hours(db: Database, before_ms: int, most: int) -> list[HourRow]:
    """Return at most `most` hours to be made that begin before a time, oldest first."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {_COLUMNS} FROM probe_hours WHERE stale = 1 AND start_ms < ? "  # noqa: S608 - own names
        "ORDER BY start_ms, destination_id, agent_id, probe LIMIT ?",
        (before_ms, most),
    )
    return [HourRow(*row) for row in rows]


def echoes_of(db: Database, key: Key, start_ms: int) -> list[Echoes]:
    """Return what the judged results of an hour say, in the order of their times."""
    destination, agent, probe = key
    rows: list[Any] = rows_of(
        db,
        "SELECT r.sent, r.received, COALESCE(r.rtt_p50, r.rtt_mean), r.marks "
        "FROM probe_results r JOIN probe_runs u ON u.id = r.run_id "
        "WHERE r.destination_id = ? AND r.scheduled_ms >= ? AND r.scheduled_ms < ? "
        "AND r.probe = ? AND u.agent_id = ? AND u.evaluated = 1 "
        "ORDER BY r.scheduled_ms, u.job_id, r.place",
        (destination, start_ms, start_ms + HOUR, probe, agent),
    )
    return [Echoes(*row) for row in rows]


def hours_at(db: Database, key: Key, starts: Sequence[int]) -> list[HourRow]:
    """Return the hours of a view that begin at some times, oldest first."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {_COLUMNS} FROM {numbers(db, 'starts')} CROSS JOIN probe_hours "  # noqa: S608 - own names
        f"WHERE start_ms = starts.value AND {_KEY} ORDER BY start_ms",
        (number_list(db, starts), *key),
    )
    return [HourRow(*row) for row in rows]


def hours_from(db: Database, key: Key, start_ms: int) -> list[HourRow]:
    """Return the hours of a view that were made, from one on, oldest first."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {_COLUMNS} FROM probe_hours WHERE {_KEY} AND start_ms >= ? "  # noqa: S608 - own names
        "AND stale = 0 ORDER BY start_ms",
        (*key, start_ms),
    )
    return [HourRow(*row) for row in rows]


def last_usual_before(db: Database, key: Key, start_ms: int) -> int:
    """Return when the newest hour began that was as usual, or 0, before one."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT MAX(start_ms) FROM probe_hours WHERE {_KEY} AND start_ms < ? "  # noqa: S608 - own names
        "AND verdict = ''",
        (*key, start_ms),
    )
    return int(rows[0][0] or 0)


def put_hours(db: Database, hours: Sequence[HourRow]) -> None:
    """Insert or replace hours that are made."""
    for begin in range(0, len(hours), _CHUNK):
        chunk = hours[begin : begin + _CHUNK]
        row = f"({placeholders(db, 10)})"
        db.execute_sql(
            f"INSERT INTO probe_hours ({_COLUMNS}) "  # noqa: S608 - own names
            f"VALUES {', '.join([row] * len(chunk))} "
            "ON CONFLICT (destination_id, agent_id, probe, start_ms) "
            "DO UPDATE SET stale = EXCLUDED.stale, sent = EXCLUDED.sent, "
            "received = EXCLUDED.received, rtt = EXCLUDED.rtt, "
            "verdict = EXCLUDED.verdict, facts = EXCLUDED.facts",
            [value for one in chunk for value in astuple(one)],
        )


def save_hour(db: Database, hour: HourRow) -> None:
    """Replace an hour that was noted."""
    sql = (
        "UPDATE probe_hours SET stale = 0, sent = ?, received = ?, rtt = ?, "  # noqa: S608 - own names
        f"verdict = ?, facts = ? WHERE {_KEY} AND start_ms = ?"
    )
    db.execute_sql(
        sql.replace("?", db.param),
        (
            hour.sent,
            hour.received,
            hour.rtt,
            hour.verdict,
            hour.facts,
            *hour.key,
            hour.start_ms,
        ),
    )
