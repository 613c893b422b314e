"""Entering series into the table, and the kinds that new ones have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from models.dialect import number_list, numbers, placeholders, rows_of, storable
from models.naming import UNKNOWN, SeriesFacts

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from peewee import Database

CHUNK: Final = 500
"""Rows or names of one statement."""
_COLUMNS: Final = (
    "fingerprint",
    "ordinal",
    "source",
    "metric",
    "labels",
    "kind",
    "unit",
    "help",
    "workspace",
    "environment",
    "first_seen",
    "last_seen",
)


def with_kinds(
    db: Database, source: str, facts: Sequence[SeriesFacts]
) -> list[SeriesFacts]:
    """Give facts of unknown kind the kind of older series of the same metric."""
    metrics = sorted({fact.metric for fact in facts if fact.kind == UNKNOWN})
    kinds: dict[str, str] = {}
    for begin in range(0, len(metrics), CHUNK):
        chunk = metrics[begin : begin + CHUNK]
        marks = ", ".join("?" * len(chunk))
        # The index of metrics is the one to use, not that of sources.
        sql = (
            "SELECT metric, MIN(kind) FROM series WHERE source || '' = ? "  # noqa: S608 - marks only
            f"AND kind <> ? AND metric IN ({marks}) GROUP BY metric"
        )
        rows: list[Any] = rows_of(db, sql, (source, UNKNOWN, *chunk))
        kinds.update(rows)
    return [
        replace(fact, kind=kinds.get(fact.metric, UNKNOWN))
        if fact.kind == UNKNOWN
        else fact
        for fact in facts
    ]


def create(  # noqa: PLR0917 - all of them are needed for a row
    db: Database,
    source: str,
    facts: Sequence[SeriesFacts],
    prints: Sequence[int],
    known: Container[tuple[str, str]],
    now: int,
    place: tuple[str, str],
) -> bool:
    """Enter the series that are not known yet; return whether there are any.

    `prints` are the fingerprints of `facts`, `place` is workspace and environment.
    Within a transaction that keeps others from doing the same.
    """
    new = {
        (fact.metric, fact.labels): (number, fact)
        for fact, number in zip(facts, prints, strict=True)
        if (fact.metric, fact.labels) not in known
    }
    ordinals = _next_ordinals(db, (number for number, _ in new.values()))
    rows = []
    for (metric, labels), (number, fact) in new.items():
        ordinal = ordinals.get(number, 0)
        ordinals[number] = ordinal + 1
        facts_of_row = (fact.kind, storable(fact.unit), storable(fact.help))
        rows.append(
            (
                number,
                ordinal,
                source,
                metric,
                labels,
                *facts_of_row,
                *place,
                now,
                now,
            )
        )
    _insert(db, rows)
    return bool(rows)


def _next_ordinals(db: Database, prints: Iterable[int]) -> dict[int, int]:
    sql = (
        "SELECT s.fingerprint, MAX(s.ordinal) + 1 "  # noqa: S608 - own names
        f"FROM {numbers(db, 'prints')} CROSS JOIN series s "
        "WHERE s.fingerprint = prints.value GROUP BY s.fingerprint"
    )
    rows: list[Any] = rows_of(db, sql, (number_list(db, list(set(prints))),))
    return dict(rows)


def _insert(db: Database, rows: Sequence[tuple[object, ...]]) -> None:
    names = ", ".join(_COLUMNS)
    marks = f"({placeholders(db, len(_COLUMNS))})"
    for begin in range(0, len(rows), CHUNK):
        chunk = rows[begin : begin + CHUNK]
        values = ",".join([marks] * len(chunk))
        db.execute_sql(
            f"INSERT INTO series ({names}) VALUES {values}",  # noqa: S608 - own names
            [value for row in chunk for value in row],
        )
