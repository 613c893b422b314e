"""Reading what is probed: destinations, jobs, modules and maintenance as documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from models.dialect import is_sqlite, number_list, numbers, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from peewee import Database

DESTINATIONS: Final = "destinations"
JOBS: Final = "jobs"
MODULES: Final = "modules"
MAINTENANCE: Final = "maintenance"
COLUMNS: Final = {
    DESTINATIONS: ("host", "display_name", "description", "enabled"),
    JOBS: ("description", "enabled"),
    MODULES: (),
    MAINTENANCE: (),
}
"""Keys of documents that have a column of their own; the rest is in `document`."""
FORMER: Final = frozenset({DESTINATIONS, JOBS})
"""Tables whose deleted rows stay, as history has their numbers."""
JOINED: Final = {
    DESTINATIONS: {"tags": ("destination_tags", "destination_id", "tag_id", "tags")},
    JOBS: {
        "destinations": (
            "job_destinations",
            "job_id",
            "destination_id",
            "destinations",
        ),
        "tags": ("job_tags", "job_id", "tag_id", "tags"),
    },
}
"""Keys that are lists of names: the table between, its columns, and whose names."""
_SWITCHES: Final = frozenset({"enabled"})
_FACTS: Final = ("origin", "revision", "created_at", "updated_at")
_STATES: Final = ("status", "status_since", "last_seen")
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A row of one of the four tables, its document whole.

    Times are UTC milliseconds. The last three are of destinations.
    """

    table: str
    id: int
    name: str
    document: dict[str, Any]
    origin: str
    revision: int
    created_at: int
    updated_at: int
    status: str = ""
    status_since: int | None = None
    last_seen: int | None = None


@dataclass(frozen=True, slots=True)
class Sought:
    """Which entries: None and empty are all.

    `query` is found in names, hosts and descriptions, however it is spelled in upper
    and lower case; an entry has all of `tags`. `status` is of destinations.
    """

    query: str = ""
    tags: tuple[str, ...] = ()
    status: str | None = None
    enabled: bool | None = None
    origin: str | None = None


def find(db: Database, table: str, name: str) -> EntryRow | None:
    """Return the entry of a name that is not deleted, None if there is none."""
    found = _read(db, table, "t.name = ?", (name,), limit=1)
    return found[0] if found else None


def number(db: Database, table: str, name: str) -> int | None:
    """Return who has a name, or had it last; None if nobody ever did."""
    last = "ORDER BY CASE WHEN deleted_at = 0 THEN 0 ELSE 1 END, id DESC"
    rows: list[Any] = rows_of(
        db,
        f"SELECT id FROM {table} WHERE name = ? {last if table in FORMER else ''}",  # noqa: S608 - own names
        (name,),
    )
    return int(rows[0][0]) if rows else None


def everything(db: Database, table: str) -> list[EntryRow]:
    """Return all entries that are not deleted, sorted by name."""
    return list(search(db, table, Sought()))


def listed(
    db: Database, table: str, sought: Sought, *, after: str = "", limit: int
) -> list[EntryRow]:
    """Return entries whose name comes behind `after`, at most `limit`, by name."""
    found: list[EntryRow] = []
    for entry in search(db, table, sought, after):
        if len(found) >= limit:
            break
        found.append(entry)
    return found


def count(db: Database, table: str, sought: Sought) -> int:
    """Return how many entries are sought."""
    return sum(1 for _ in search(db, table, sought))


def search(
    db: Database, table: str, sought: Sought, after: str = ""
) -> Iterator[EntryRow]:
    """Yield the entries that are sought, by name; a page at a time is read."""
    condition, params = _condition(table, sought)
    needle = sought.query.casefold()
    while True:
        rows = _read(
            db,
            table,
            f"{_bytewise(db, 't.name')} > ?{condition}",
            (after, *params),
            limit=_PAGE,
        )
        yield from (
            row for row in rows if needle in _haystack(row) and _has_tags(row, sought)
        )
        if len(rows) < _PAGE:
            return
        after = rows[-1].name


def names(db: Database, table: str, ids: Sequence[int]) -> dict[int, str]:
    """Return the names of entries by their numbers, deleted ones too."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT t.id, t.name FROM {numbers(db, 'ids')} CROSS JOIN {table} t "  # noqa: S608 - own names
        "WHERE t.id = ids.value",
        (number_list(db, ids),),
    )
    return dict(rows)


def _has_tags(row: EntryRow, sought: Sought) -> bool:
    # Where tags are in tables of their own, the database looked there.
    return row.table in JOINED or {*sought.tags} <= {*row.document.get("tags", ())}


def _haystack(row: EntryRow) -> str:
    keys = ("display_name", "host", "description", "note")
    texts = (str(row.document.get(key, "")) for key in keys)
    return "\n".join((row.name, *texts)).casefold()


def _condition(table: str, sought: Sought) -> tuple[str, list[object]]:
    """Return what is added to a condition, with its parameters."""
    parts: list[str] = []
    params: list[object] = []
    if sought.status is not None and table == DESTINATIONS:
        # Who is not probed is neither well nor ill.
        if sought.status == "inactive":
            parts.append("t.enabled = 0")
        else:
            parts.append("t.enabled = 1 AND t.status = ?")
            params.append(sought.status)
    if sought.enabled is not None and "enabled" in COLUMNS[table]:
        parts.append("t.enabled = ?")
        params.append(int(sought.enabled))
    if sought.origin is not None:
        parts.append("t.origin = ?")
        params.append(sought.origin)
    joined = JOINED.get(table, {}).get("tags")
    if sought.tags and joined:
        between, own, other, of = joined
        for tag in sorted(set(sought.tags)):
            parts.append(
                f"EXISTS (SELECT 1 FROM {between} b JOIN {of} o ON o.id = b.{other} "  # noqa: S608 - own names
                f"WHERE b.{own} = t.id AND o.name = ?)"
            )
            params.append(tag)
    return "".join(f" AND {part}" for part in parts), params


def _bytewise(db: Database, column: str) -> str:
    # The database's language may sort otherwise than SQLite does.
    return column if is_sqlite(db) else f'{column} COLLATE "C"'


def _read(
    db: Database, table: str, condition: str, params: Sequence[object], *, limit: int
) -> list[EntryRow]:
    """Return entries that are not deleted, by name, their documents made whole."""
    states = _STATES if table == DESTINATIONS else ()
    stored = () if table == DESTINATIONS else ("document",)
    columns = ("id", "name", *_FACTS, *states, *COLUMNS[table], *stored)
    living = " AND t.deleted_at = 0" if table in FORMER else ""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {', '.join(f't.{column}' for column in columns)} FROM {table} t "  # noqa: S608 - own names
        f"WHERE {condition}{living} ORDER BY {_bytewise(db, 't.name')} LIMIT ?",
        (*params, limit),
    )
    lists = _lists(db, table, [row[0] for row in rows])
    found = []
    for row in rows:
        told = dict(zip(columns, row, strict=True))
        row_id, name = told.pop("id"), told.pop("name")
        facts = {key: told.pop(key) for key in (*_FACTS, *states)}
        document = _document(name, told, lists.get(row_id, {}), table)
        found.append(EntryRow(table, row_id, name, document, **facts))
    return found


def _document(
    name: str, told: dict[str, Any], lists: Mapping[str, list[str]], table: str
) -> dict[str, Any]:
    rest = told.pop("document", None)
    own = {key: bool(v) if key in _SWITCHES else v for key, v in told.items()}
    joined = {key: lists.get(key, []) for key in JOINED.get(table, {})}
    return {"name": name, **own, **joined, **(orjson.loads(rest) if rest else {})}


def _lists(
    db: Database, table: str, ids: Sequence[int]
) -> dict[int, dict[str, list[str]]]:
    """Return the names that entries list, by entry and key, sorted."""
    found: dict[int, dict[str, list[str]]] = {}
    for key, (between, own, other, of) in JOINED.get(table, {}).items() if ids else ():
        rows: list[Any] = rows_of(
            db,
            f"SELECT b.{own}, o.name FROM {numbers(db, 'ids')} "  # noqa: S608 - own names
            f"CROSS JOIN {between} b JOIN {of} o ON o.id = b.{other} "
            f"WHERE b.{own} = ids.value",
            (number_list(db, ids),),
        )
        for row_id, name in sorted(rows):
            found.setdefault(row_id, {}).setdefault(key, []).append(name)
    return found


def documents(
    db: Database, table: str, ids: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """Return what is stored as JSON of entries by number, deleted ones too."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT t.id, t.document FROM {numbers(db, 'ids')} CROSS JOIN {table} t "  # noqa: S608 - own names
        "WHERE t.id = ids.value",
        (number_list(db, ids),),
    )
    return {row_id: orjson.loads(text) for row_id, text in rows}
