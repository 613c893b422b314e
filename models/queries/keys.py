"""API keys: kept as a prefix and a digest, never as themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import peewee
from peewee import Database

from models.dialect import rows_of

_SELECT: Final = (
    "SELECT id, name, prefix, digest, scopes, workspace, created_at, last_used_at, "
    "revoked_at FROM api_keys"
)
_MINUTE: Final = 60


class KeyNameTaken(Exception):  # noqa: N818 - a state, not a mistake
    """A key of that name or prefix exists already, perhaps revoked."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A row of api_keys; see `models.identity.ApiKey`. `scopes` are sorted words."""

    id: int
    name: str
    prefix: str
    digest: str
    scopes: tuple[str, ...]
    workspace: str
    created_at: int
    last_used_at: int | None
    revoked_at: int | None


def create(
    db: Database,
    *,
    name: str,
    prefix: str,
    digest: str,
    scopes: tuple[str, ...],
    workspace: str,
    now: int,
) -> KeyRow:
    """Store a new key; raise KeyNameTaken if its name or prefix is in use."""
    sql = (
        "INSERT INTO api_keys (name, prefix, digest, scopes, workspace, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?)"
    )
    words = ",".join(sorted(set(scopes)))
    params = (name, prefix, digest, words, workspace, now)
    try:
        db.execute_sql(sql.replace("?", db.param), params)
    except peewee.IntegrityError as error:
        raise KeyNameTaken(f"there is a key named {name!r} already") from error
    return _keys(db, " WHERE prefix = ?", (prefix,))[0]


def find_by_prefix(db: Database, prefix: str) -> KeyRow | None:
    """Return the key with a prefix, revoked or not, None if there is none."""
    found = _keys(db, " WHERE prefix = ?", (prefix,))
    return found[0] if found else None


def list_keys(db: Database) -> list[KeyRow]:
    """Return all keys, also the revoked ones, oldest first."""
    return _keys(db, " ORDER BY id", ())


def revoke(db: Database, name: str, now: int) -> bool:
    """Revoke a key for ever; return whether one of that name was valid until now."""
    mark = db.param
    cursor = db.execute_sql(
        f"UPDATE api_keys SET revoked_at = {mark} "  # noqa: S608 - own names
        f"WHERE name = {mark} AND revoked_at IS NULL",
        (now, name),
    )
    return bool(cursor.rowcount)


def touch(db: Database, key_id: int, now: int) -> None:
    """Note that a key was used; written once a minute at most."""
    mark = db.param
    db.execute_sql(
        f"UPDATE api_keys SET last_used_at = {mark} WHERE id = {mark} "  # noqa: S608 - own names
        f"AND (last_used_at IS NULL OR last_used_at <= {mark})",
        (now, key_id, now - _MINUTE),
    )


def _keys(db: Database, rest: str, params: tuple[object, ...]) -> list[KeyRow]:
    rows: list[Any] = rows_of(db, _SELECT + rest, params)
    found = (
        (*row[:4], tuple(filter(None, row[4].split(","))), *row[5:]) for row in rows
    )
    return [KeyRow(*row) for row in found]
