"""Which statements a database was asked to run, and how it finds their rows."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from peewee import Database

_DATA: Final = re.compile(r"(SELECT|UPDATE|DELETE|INSERT|WITH)\b")
_ACCESS: Final = re.compile(r"(SEARCH|SCAN) [a-z]\w*(?! VIRTUAL)\b.*")


class Statements(list[tuple[str, Any]]):
    """Statements with their parameters, in the order in which they were run."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self._db = db

    def ways(self) -> set[str]:
        """Return how SQLite gets at rows of tables, in the words of its query plan.

        Tables are named as in the statements, so by their alias if they have one.
        """
        found = [
            detail.replace("COVERING ", "")
            for sql, params in self
            if _DATA.match(sql.strip())
            for *_, detail in self._db.execute_sql(
                f"EXPLAIN QUERY PLAN {sql}", params
            ).fetchall()
        ]
        return {detail for detail in found if _ACCESS.fullmatch(detail)}


@contextmanager
def counted(db: Database) -> Iterator[Statements]:
    """Note every statement that is run inside."""
    said = Statements(db)

    def note(event: Any) -> None:
        said.append((event.sql, event.params))

    db.query_hooks.append(note)
    try:
        yield said
    finally:
        db.query_hooks.remove(note)
