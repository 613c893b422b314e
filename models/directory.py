"""The directory of series: from a name and its labels to a small number, and back.

The number is for ever: a series that comes back after years has the one it had.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import orjson

from models.creation import create, with_kinds
from models.dialect import is_sqlite, number_list, numbers, rows_of, storable
from models.folded import folded_id
from models.naming import UNKNOWN, SeriesFacts, canonical, fingerprint_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from peewee import Database

    from models.budget import Budget

__all__ = ["SeriesDirectory", "SeriesFacts", "canonical", "fingerprint_of"]

_CREATING: Final = 0x53_45_52_49  # "SERI", the advisory lock of creating series
_Identity: TypeAlias = tuple[str, str]
Fingerprint: TypeAlias = Callable[[str, str, str], int]


@dataclass(slots=True)
class _Known:
    id: int
    kind: str
    unit: str
    help: str
    workspace: str
    environment: str

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.kind, self.unit, self.help, self.workspace, self.environment)


class SeriesDirectory:
    """Gives series their ids, and says what an id means.

    `remembered` bounds the descriptions kept in memory, about half a kilobyte each; the
    oldest make room. Reading is safe from any thread; `resolve` and `touch` belong to
    the writer, and creation is safe between processes.
    """

    def __init__(
        self,
        db: Database,
        fingerprint: Fingerprint = fingerprint_of,
        remembered: int = 200_000,
    ) -> None:
        self._db = db
        self._fingerprint = fingerprint
        self._remembered = remembered
        self._described: dict[int, tuple[str, dict[str, str]]] = {}
        self._words: dict[str, str] = {}
        self._lock = threading.Lock()

    def resolve(  # noqa: PLR0917 - what a series is
        self,
        source: str,
        facts: Sequence[SeriesFacts],
        now: int,
        workspace: str = "",
        environment: str = "",
        budget: Budget | None = None,
    ) -> NDArray[np.int64]:
        """Return the ids of series in the order of `facts`, creating what is missing.

        Kind, unit and help are filled in where they had been unknown, and a new series
        of unknown kind has that of its metric's other series; workspace and environment
        follow the settings. One transaction, nothing if all is known. New series for
        which the budget has no room have negative ids, as of `models.folded`.
        """
        place = (workspace, environment)
        prints = self._prints(source, facts)
        known = self._known(source, prints)
        if _differs(facts, known, place):
            with self._db.atomic():
                self._keep_others_out()
                known = self._known(source, prints)
                facts = with_kinds(self._db, source, facts)
                own = facts if budget is None else budget.apply(source, facts, known)
                own_prints = self._prints(source, own)
                if own is not facts:
                    known = self._known(source, own_prints)
                if create(self._db, source, own, own_prints, known, now, place):
                    known = self._known(source, own_prints)
                self._update(own, known, place)
                if own is not facts:
                    return _ids(own, known, facts, prints, budget)
        return _ids(facts, known, facts, prints, budget)

    def _prints(self, source: str, facts: Sequence[SeriesFacts]) -> list[int]:
        return [self._fingerprint(source, fact.metric, fact.labels) for fact in facts]

    def describe(
        self, ids: Sequence[int], *, remember: bool = True
    ) -> list[tuple[str, dict[str, str]]]:
        """Return the metric and labels of each id; raise KeyError for an unknown one.

        What is returned is shared: do not change it. Without `remember` nothing is
        kept of those that were not known, for who asks once.
        """
        described = self._described
        missing = [number for number in ids if number not in described]
        if not missing:
            return [described[number] for number in ids]
        read = self._read(missing)
        found = [described.get(number) or read[number] for number in ids]
        if remember:
            with self._lock:
                self._remember(read)
        return found

    def touch(self, ids: Sequence[int] | NDArray[np.int64], last_seen: int) -> None:
        """Note that series were seen at a time, unless they were seen later."""
        self._db.execute_sql(
            f"UPDATE series SET last_seen = {self._db.param} "  # noqa: S608 - own names
            f"WHERE last_seen < {self._db.param} "
            f"AND id IN (SELECT value FROM {numbers(self._db, 'ids')})",
            (last_seen, last_seen, number_list(self._db, ids)),
        )

    def _known(self, source: str, prints: Iterable[int]) -> dict[_Identity, _Known]:
        # The empty text keeps SQLite from looking series up by their source.
        listed = numbers(self._db, "prints")
        sql = (
            "SELECT s.metric, s.labels, s.id, s.kind, s.unit, s.help, s.workspace, "  # noqa: S608 - own names
            f"s.environment FROM {listed} CROSS JOIN series s "
            "WHERE s.fingerprint = prints.value AND s.source || '' = ?"
        )
        values = number_list(self._db, list(set(prints)))
        rows: list[Any] = rows_of(self._db, sql, (values, source))
        return {(row[0], row[1]): _Known(*row[2:]) for row in rows}

    def _keep_others_out(self) -> None:
        # On SQLite the transaction has the write lock already.
        if not is_sqlite(self._db):
            self._db.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_CREATING,))

    def _update(
        self,
        facts: Sequence[SeriesFacts],
        known: Mapping[_Identity, _Known],
        place: tuple[str, str],
    ) -> None:
        # Types and help belong to a metric, so there are few groups.
        groups: dict[tuple[str, ...], list[int]] = {}
        for fact in facts:
            row = known[fact.metric, fact.labels]
            wanted = _wanted(fact, row, place)
            if wanted != row.facts:
                groups.setdefault(wanted, []).append(row.id)
        mark = self._db.param
        for wanted, ids in groups.items():
            self._db.execute_sql(
                f"UPDATE series SET kind = {mark}, unit = {mark}, help = {mark}, "  # noqa: S608 - own names
                f"workspace = {mark}, environment = {mark} "
                f"WHERE id IN (SELECT value FROM {numbers(self._db, 'ids')})",
                (*wanted, number_list(self._db, ids)),
            )

    def _read(self, ids: Sequence[int]) -> dict[int, tuple[str, dict[str, str]]]:
        sql = (
            "SELECT s.id, s.metric, s.labels FROM "  # noqa: S608 - own names
            f"{numbers(self._db, 'ids')} CROSS JOIN series s WHERE s.id = ids.value"
        )
        rows: list[Any] = rows_of(self._db, sql, (number_list(self._db, ids),))
        share = self._words.setdefault
        return {
            row[0]: (
                share(row[1], row[1]),
                {
                    share(name, name): share(value, value)
                    for name, value in orjson.loads(row[2]).items()
                },
            )
            for row in rows
        }

    def _remember(self, read: Mapping[int, tuple[str, dict[str, str]]]) -> None:
        self._described.update(read)
        surplus = len(self._described) - self._remembered
        if surplus > 0:
            for number in list(islice(self._described, surplus)):
                del self._described[number]
            self._words.clear()


def _ids(
    own: Sequence[SeriesFacts],
    known: Mapping[_Identity, _Known],
    facts: Sequence[SeriesFacts],
    prints: Sequence[int],
    budget: Budget | None,
) -> NDArray[np.int64]:
    """Return the ids of `facts`, whose rows are those of `own`."""
    ids = (
        known[row.metric, row.labels].id
        if row.labels == fact.labels
        and (budget is None or not budget.always_folds(fact))
        else folded_id(known[row.metric, row.labels].id, number)
        for row, fact, number in zip(own, facts, prints, strict=True)
    )
    return np.fromiter(ids, dtype=np.int64, count=len(facts))


def _wanted(fact: SeriesFacts, row: _Known, place: tuple[str, str]) -> tuple[str, ...]:
    return (
        fact.kind if row.kind == UNKNOWN else row.kind,
        row.unit or storable(fact.unit),
        row.help or storable(fact.help),
        *place,
    )


def _differs(
    facts: Iterable[SeriesFacts],
    known: Mapping[_Identity, _Known],
    place: tuple[str, str],
) -> bool:
    for fact in facts:
        row = known.get((fact.metric, fact.labels))
        if row is None or _wanted(fact, row, place) != row.facts:
            return True
    return False
