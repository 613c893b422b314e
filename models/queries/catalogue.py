"""Changing what is probed: nobody overwrites what somebody else changed meanwhile."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson

from models.dialect import (
    is_sqlite,
    number_list,
    numbers,
    placeholders,
    rows_of,
    storable,
)
from models.queries.entries import (
    COLUMNS,
    DESTINATIONS,
    FORMER,
    JOBS,
    JOINED,
    MAINTENANCE,
    MODULES,
    EntryRow,
    find,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from peewee import Database

_CHANGING: Final = 0x50_52_4F_42  # "PROB", the advisory lock of changing the catalogue


class EntryTaken(Exception):  # noqa: N818 - a state, not a mistake
    """There is an entry of that name already."""


class EntryMissing(Exception):  # noqa: N818 - same
    """There is no entry of that name."""


class EntryStale(Exception):  # noqa: N818 - same
    """The entry has another revision by now; `current` is what it is."""

    def __init__(self, current: EntryRow) -> None:
        self.current = current
        super().__init__(f"{current.name!r} has revision {current.revision}")


class EntryInUse(Exception):  # noqa: N818 - same
    """Others name the entry: `users` are (table, name), sorted."""

    def __init__(self, users: Sequence[tuple[str, str]]) -> None:
        self.users = tuple(users)
        super().__init__(f"used by {', '.join(name for _, name in users)}")


class NamesUnknown(Exception):  # noqa: N818 - same
    """An entry lists destinations that there are none of, `names`."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        super().__init__(f"there is no destination {', '.join(map(repr, names))}")


def create(
    db: Database, table: str, document: Mapping[str, Any], *, origin: str, now: int
) -> EntryRow:
    """Add an entry at `now`, UTC milliseconds; its document has the keys of settings.

    Raises EntryTaken and NamesUnknown.
    """
    name = document["name"]
    with alone(db):
        if find(db, table, name) is not None:
            raise EntryTaken(f"there is a {name!r} already")
        values = {
            "name": name,
            **_columns(table, document),
            "origin": origin,
            "revision": 1,
            "created_at": now,
            "updated_at": now,
        }
        if table in FORMER:
            values["deleted_at"] = 0
        if table == DESTINATIONS:
            values["status"] = "unknown"
        cursor = db.execute_sql(
            f"INSERT INTO {table} ({', '.join(values)}) "  # noqa: S608 - own names
            f"VALUES ({placeholders(db, len(values))}) RETURNING id",
            tuple(values.values()),
        )
        _join(db, table, int(cursor.fetchone()[0]), document)
        return _found(db, table, name)


def replace(
    db: Database,
    table: str,
    document: Mapping[str, Any],
    *,
    revision: int | None,
    origin: str,
    now: int,
) -> EntryRow:
    """Replace the entry of the document's name; None as revision replaces any.

    Raises EntryMissing, EntryStale and NamesUnknown.
    """
    name = document["name"]
    with alone(db):
        entry = _current(db, table, name, revision)
        values = {**_columns(table, document), "origin": origin, "updated_at": now}
        setting = ", ".join(f"{column} = ?" for column in values)
        _change(
            db,
            f"UPDATE {table} SET {setting}, revision = revision + 1 "  # noqa: S608 - own names
            "WHERE id = ? AND revision = ?",
            (*values.values(), entry.id, entry.revision),
        )
        _join(db, table, entry.id, document)
        return _found(db, table, name)


def delete(
    db: Database, table: str, name: str, *, revision: int | None, now: int
) -> EntryRow:
    """Delete an entry that nobody uses; return what it was.

    Destinations and jobs stay for history, under their number. Raises EntryMissing,
    EntryStale and EntryInUse.
    """
    with alone(db):
        entry = _current(db, table, name, revision)
        using = users(db, table, name)
        if using:
            raise EntryInUse(using)
        _join(db, table, entry.id, {})
        if table in FORMER:
            _change(
                db,
                f"UPDATE {table} SET deleted_at = ?, revision = revision + 1 "  # noqa: S608 - own names
                "WHERE id = ?",
                (_deletion(db, table, name, now), entry.id),
            )
        else:
            _change(db, f"DELETE FROM {table} WHERE id = ?", (entry.id,))  # noqa: S608 - own names
    return entry


def users(db: Database, table: str, name: str) -> list[tuple[str, str]]:
    """Return (table, name) of the entries that name an entry, sorted.

    A destination is named by jobs and maintenance, a module by jobs.
    """
    if table == DESTINATIONS:
        jobs: list[Any] = rows_of(
            db,
            "SELECT j.name FROM destinations d "
            "JOIN job_destinations b ON b.destination_id = d.id "
            "JOIN jobs j ON j.id = b.job_id "
            "WHERE d.name = ? AND d.deleted_at = 0",
            (name,),
        )
        found = [(JOBS, job) for (job,) in jobs]
        found += _naming(db, MAINTENANCE, "destinations", name)
        return sorted(found)
    return sorted(_naming(db, JOBS, "probes", name)) if table == MODULES else []


def _naming(db: Database, table: str, key: str, name: str) -> list[tuple[str, str]]:
    # Few and short, and both engines read JSON in words of their own.
    living = "WHERE deleted_at = 0" if table in FORMER else ""
    rows: list[Any] = rows_of(db, f"SELECT name, document FROM {table} {living}")  # noqa: S608 - own names
    return [
        (table, user)
        for user, document in rows
        if name in orjson.loads(document).get(key, ())
    ]


@contextmanager
def alone(db: Database) -> Iterator[None]:
    """Change the catalogue as the only one who does, in one transaction.

    What was read in it is as it was when a change is made; all changes do so.
    """
    with db.atomic():
        # On SQLite the transaction has the write lock already.
        if not is_sqlite(db):
            db.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_CHANGING,))
        yield


def _current(db: Database, table: str, name: str, revision: int | None) -> EntryRow:
    entry = find(db, table, name)
    if entry is None:
        raise EntryMissing(f"there is no {name!r}")
    if revision is not None and revision != entry.revision:
        raise EntryStale(entry)
    return entry


def _found(db: Database, table: str, name: str) -> EntryRow:
    entry = find(db, table, name)
    assert entry is not None, f"{name!r} of {table} was written in this transaction"  # noqa: S101 - says what the types cannot
    return entry


def _deletion(db: Database, table: str, name: str, now: int) -> int:
    """Return when an entry is deleted: behind all of its name that were before."""
    sql = f"SELECT MAX(deleted_at) FROM {table} WHERE name = ?"  # noqa: S608 - own names
    rows: list[Any] = rows_of(db, sql, (name,))
    latest: int = rows[0][0]
    return max(now, latest + 1)


def _columns(table: str, document: Mapping[str, Any]) -> dict[str, object]:
    """Return what is written into columns: keys with one, and the rest as JSON."""
    columns = COLUMNS[table]
    found: dict[str, object] = {
        key: int(value) if isinstance(value, bool) else storable(str(value))
        for key, value in ((key, document[key]) for key in columns)
    }
    if table != DESTINATIONS:
        apart = {"name", *columns, *JOINED.get(table, {})}
        rest = {key: value for key, value in document.items() if key not in apart}
        found["document"] = storable(orjson.dumps(rest).decode())
    return found


def _join(db: Database, table: str, number: int, document: Mapping[str, Any]) -> None:
    """Write the lists of names of an entry; tags that nobody has any more go."""
    for key, (between, own, other, of) in JOINED.get(table, {}).items():
        sql = f"SELECT {other} FROM {between} WHERE {own} = ?"  # noqa: S608 - own names
        rows: list[Any] = rows_of(db, sql, (number,))
        before = {one for (one,) in rows}
        wanted = set(_numbers(db, of, sorted(set(document.get(key, ())))))
        gone, new = sorted(before - wanted), sorted(wanted - before)
        if gone:
            sql = (
                f"DELETE FROM {between} WHERE {own} = ? AND {other} IN "  # noqa: S608 - own names
                f"(SELECT value FROM {numbers(db, 'ids')})"
            )
            _change(db, sql, (number, number_list(db, gone)))
        if new:
            sql = (
                f"INSERT INTO {between} ({own}, {other}) "  # noqa: S608 - own names
                f"SELECT CAST(? AS BIGINT), value FROM {numbers(db, 'ids')}"
            )
            _change(db, sql, (number, number_list(db, new)))
        if gone and key == "tags":
            _forget_tags(db, gone)


def _forget_tags(db: Database, ids: Sequence[int]) -> None:
    sql = (
        f"DELETE FROM tags WHERE id IN (SELECT value FROM {numbers(db, 'ids')}) "  # noqa: S608 - own names
        "AND NOT EXISTS (SELECT 1 FROM destination_tags b WHERE b.tag_id = tags.id) "
        "AND NOT EXISTS (SELECT 1 FROM job_tags b WHERE b.tag_id = tags.id)"
    )
    _change(db, sql, (number_list(db, ids),))


def _numbers(db: Database, table: str, names: Sequence[str]) -> list[int]:
    """Return the numbers of names; new tags are made, unknown destinations are not."""
    if not names:
        return []
    marks = placeholders(db, len(names))
    if table == "tags":
        rows = ", ".join([f"({db.param})"] * len(names))
        db.execute_sql(
            f"INSERT INTO tags (name) VALUES {rows} ON CONFLICT (name) DO NOTHING",  # noqa: S608 - own names
            tuple(names),
        )
    living = " AND deleted_at = 0" if table in FORMER else ""
    cursor = db.execute_sql(
        f"SELECT id, name FROM {table} WHERE name IN ({marks}){living}",  # noqa: S608 - own names
        tuple(names),
    )
    found = cursor.fetchall()
    missing = sorted(set(names) - {name for _, name in found})
    if missing:
        raise NamesUnknown(missing)
    return [int(number) for number, _ in found]


def _change(db: Database, sql: str, params: Sequence[object]) -> None:
    db.execute_sql(sql.replace("?", db.param), tuple(params))
