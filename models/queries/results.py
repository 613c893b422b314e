"""Results of probes: found by what they are of, newest first or oldest first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from models.dialect import is_sqlite, number_list, numbers, rows_of
from models.queries.evidence import certificates, named_in, with_certificates
from models.queries.runs import FIRST, LAST
from models.trips import quantile, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from peewee import Database

Cursor: TypeAlias = tuple[int, int, int]
"""Scheduled time, run and place: the key of a result, by which they are ordered."""
_COLUMNS: Final = (
    "r.scheduled_ms",
    "r.run_id",
    "r.place",
    "a.name",
    "j.name",
    "d.name",
    "r.destination_id",
    "r.probe",
    "r.kind",
    "r.delay_ms",
    "r.seconds",
    "r.reason",
    "r.message",
    "r.address",
    "r.sent",
    "r.received",
    "r.rtt_mean",
    "r.rtt_min",
    "r.rtt_max",
    "r.rtt_p50",
    "r.rtt_p95",
    "r.jitter",
    "r.rtts",
    "r.phases",
    "r.facts",
    "r.route",
    "r.certificate",
    "r.marks",
)
_TIED: Final = (
    "CROSS JOIN agents a CROSS JOIN jobs j CROSS JOIN destinations d "
    "WHERE u.id = r.run_id AND a.id = u.agent_id AND j.id = u.job_id "
    "AND d.id = r.destination_id"
)
_OF_RUN: Final = (
    "(SELECT * FROM probe_results i "
    "WHERE i.scheduled_ms = u.scheduled_ms AND i.run_id = u.id OFFSET 0)"
)
_ECHO: Final = "icmp"
_PERCENTILES: Final = (50, 90, 95, 99)
PAGE: Final = 2_000
"""Results that are read at once where all are asked for."""


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A row of probe_results with names; see `models.probe_run.ProbeResult`.

    `facts` are as the prober told them: certificates whole, figures of the times in.
    """

    scheduled_ms: int
    run_id: int
    place: int
    agent: str
    job: str
    destination: str
    destination_id: int
    probe: str
    kind: str
    began_ms: int
    seconds: float
    reason: str
    message: str
    address: str
    sent: int
    received: int
    rtt_mean: float | None
    rtt_min: float | None
    rtt_max: float | None
    rtt_p50: float | None
    rtt_p95: float | None
    jitter: float | None
    rtts: tuple[float | None, ...]
    phases: dict[str, float]
    facts: dict[str, Any]
    route: str
    certificate: str
    marks: tuple[str, ...]

    @property
    def succeeded(self) -> bool:
        """Whether the probe found what it looked for."""
        return not self.reason

    @property
    def cursor(self) -> Cursor:
        """Where the results behind it go on, see `search`."""
        return self.scheduled_ms, self.run_id, self.place


@dataclass(frozen=True, slots=True)
class Picked:
    """Which results: of runs scheduled in `[start, end)`, UTC milliseconds.

    `job`, `destination`, `agent` and `run` are numbers, `probe` is a module's name;
    None is any. `success` tells those without a reason from those with one.
    """

    job: int | None = None
    destination: int | None = None
    agent: int | None = None
    run: int | None = None
    probe: str | None = None
    kind: str | None = None
    reason: str | None = None
    success: bool | None = None
    start: int = FIRST
    end: int = LAST

    def between(self, start: int, end: int) -> Picked:
        """Return the same results, of runs scheduled in `[start, end)`."""
        return replace(self, start=start, end=end)

    @property
    def begins_with_run(self) -> bool:
        """Whether runs are looked through, and the results of each."""
        return self.run is not None or (
            self.job is not None and self.destination is None
        )

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of a result, in columns of the table that is looked through."""
        if self.begins_with_run:
            return "u.scheduled_ms", "u.id", "r.place"
        return "r.scheduled_ms", "r.run_id", "r.place"

    def in_order(self, db: Database) -> tuple[str, list[object]]:
        """Return tables and conditions for pages by `key`, with their parameters."""
        text, params = self._conditions(self.key[0])
        return f"{self.tables(db)}{text}", params

    def together(self, db: Database) -> tuple[str, list[object]]:
        """Return tables and conditions for figures of all, with their parameters."""
        text, params = self._conditions("r.scheduled_ms", "u.scheduled_ms")
        if is_sqlite(db):
            return f"{self.tables(db)}{text}", params
        return f"FROM probe_runs u CROSS JOIN probe_results r {_TIED}{text}", params

    def tables(self, db: Database) -> str:
        """Return the tables, the one that is looked through first."""
        if not self.begins_with_run:
            return f"FROM probe_results r CROSS JOIN probe_runs u {_TIED}"
        if is_sqlite(db):
            tables = "FROM probe_runs u CROSS JOIN probe_results r"
            return f"{tables} {_TIED} AND r.scheduled_ms = u.scheduled_ms"
        # PostgreSQL takes two equalities for far fewer rows than one, although either
        # implies the other, and would then read and sort everything for a page.
        return f"FROM probe_runs u CROSS JOIN LATERAL {_OF_RUN} AS r {_TIED}"

    def _conditions(self, *times: str) -> tuple[str, list[object]]:
        given = {
            "u.job_id": self.job,
            "r.destination_id": self.destination,
            "u.agent_id": self.agent,
            "u.id": self.run,
            "r.probe": self.probe,
            "r.kind": self.kind,
            "r.reason": self.reason,
        }
        asked = {name: value for name, value in given.items() if value is not None}
        text = "".join(f" AND {name} = ?" for name in asked)
        if self.success is not None:
            text += f" AND r.reason {'=' if self.success else '<>'} ''"
        text += "".join(f" AND {time} >= ? AND {time} < ?" for time in times)
        return text, [*asked.values(), *(self.start, self.end) * len(times)]


def search(
    db: Database, picked: Picked, *, before: Cursor | None = None, limit: int
) -> list[ResultRow]:
    """Return results newest first, at most `limit`, behind the cursor `before`."""
    return _page(db, picked, before, limit, newest_first=True)


def stream(db: Database, picked: Picked, size: int = PAGE) -> Iterator[ResultRow]:
    """Yield all results, oldest first; `size` of them at a time are read."""
    after: Cursor | None = None
    while True:
        rows = _page(db, picked, after, size, newest_first=False)
        yield from rows
        if len(rows) < size:
            return
        after = rows[-1].cursor


def of_runs(db: Database, ids: Sequence[int]) -> list[ResultRow]:
    """Return the results of runs, oldest run first, in the order of the agent's."""
    tables = Picked(run=0).tables(db)
    sql = (
        f"SELECT {', '.join(_COLUMNS)} {tables} AND u.id IN "  # noqa: S608 - own names
        f"(SELECT value FROM {numbers(db, 'ids')}) "
        "ORDER BY r.scheduled_ms, r.run_id, r.place"
    )
    return _read(db, rows_of(db, sql, (number_list(db, ids),)))


def latest_answered(db: Database, picked: Picked) -> ResultRow | None:
    """Return the newest result with a round-trip time, None if there is none."""
    found = _page(
        db, picked, None, 1, newest_first=True, more=" AND r.rtt_mean IS NOT NULL"
    )
    return found[0] if found else None


def find(db: Database, run: int, place: int) -> ResultRow | None:
    """Return a result by its run and its place there, None if there is none."""
    found = [row for row in of_runs(db, [run]) if row.place == place]
    return found[0] if found else None


def _page(
    db: Database,
    picked: Picked,
    cursor: Cursor | None,
    limit: int,
    *,
    newest_first: bool,
    more: str = "",
) -> list[ResultRow]:
    source, params = picked.in_order(db)
    conditions = more
    key = picked.key
    if cursor is not None:
        sign = "<" if newest_first else ">"
        conditions += f" AND {key[0]} {sign}= ? AND ({', '.join(key)}) {sign} (?, ?, ?)"
        params += [cursor[0], *cursor]
    order = ", ".join(f"{part} DESC" if newest_first else part for part in key)
    sql = f"SELECT {', '.join(_COLUMNS)} {source}{conditions} ORDER BY {order} LIMIT ?"
    return _read(db, rows_of(db, sql, (*params, limit)))


def _read(db: Database, rows: Sequence[Any]) -> list[ResultRow]:
    facts = [orjson.loads(row[24]) if row[24] else {} for row in rows]
    named = {name for told in facts for name in named_in(told)}
    known = certificates(db, sorted(named)) if named else {}
    found = []
    for row, told in zip(rows, facts, strict=True):
        times = unpack(row[22], row[16], row[14])
        figures = _figures(row[8], row[21], times)
        one = (
            *row[:9],
            row[0] + row[9],
            *row[10:17],
            *(row[16] if value is None else value for value in row[17:21]),
            row[21],
            times,
            orjson.loads(row[23]) if row[23] else {},
            {**with_certificates(told, known), **figures},
            *row[25:27],
            tuple(filter(None, row[27].split(","))),
        )
        found.append(ResultRow(*one))
    return found


def _figures(
    kind: str, jitter: float | None, times: Sequence[float | None]
) -> Mapping[str, Any]:
    """Return the facts of echo requests that are not stored, as times say them."""
    ordered = sorted(time for time in times if time is not None)
    if kind != _ECHO or not ordered:
        return {}
    percentiles = {
        str(percent): quantile(ordered, percent / 100) for percent in _PERCENTILES
    }
    return {
        "percentiles": percentiles,
        **({} if jitter is None else {"jitter": jitter}),
    }
