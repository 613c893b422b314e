"""What can be wrong with a database, and what an operator does about it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

import peewee


class DatabaseUnavailable(peewee.PeeweeException):
    """The database cannot be used now; the message says why and what to do.

    `reason` is a short machine-readable word: directory, permission, not_a_database,
    corrupt, full, readonly, locked, filesystem, url, refused, unauthorized, missing,
    lost or other. `permanent` says that trying again will not help before somebody
    changes something.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.permanent = reason in _PERMANENT


_PERMANENT: Final = frozenset(
    {
        "directory",
        "permission",
        "not_a_database",
        "corrupt",
        "readonly",
        "filesystem",
        "url",
        "unauthorized",
        "missing",
    }
)

_SQLITE: Final = {
    "SQLITE_NOTADB": (
        "not_a_database",
        "is not an SQLite database: set database.url to another file, "
        "or move this one away",
    ),
    "SQLITE_CORRUPT": (
        "corrupt",
        "is damaged: stop all programs that use it and restore a backup, or save what "
        "is readable with `sqlite3 FILE .recover`",
    ),
    "SQLITE_FULL": ("full", "cannot grow, as the disk is full: make room on it"),
    "SQLITE_READONLY": (
        "readonly",
        "cannot be written: give the user this program runs as write permission on "
        "the file and on its directory",
    ),
    "SQLITE_CANTOPEN": (
        "permission",
        "cannot be opened: give the user this program runs as read and write "
        "permission on the file and on its directory",
    ),
    "SQLITE_PERM": (
        "permission",
        "cannot be opened: give the user this program runs as read and write "
        "permission on the file and on its directory",
    ),
    "SQLITE_BUSY": (
        "locked",
        "stayed locked by another process for the whole of database.busy_timeout",
    ),
    "SQLITE_IOERR": (
        "other",
        "could not be read or written by the operating system: see its log for errors "
        "of the disk",
    ),
}


def explain_sqlite(error: BaseException, path: str) -> DatabaseUnavailable | None:
    """Return the failure that an error of the sqlite3 module stands for.

    None for errors that no operator can mend, such as a wrong statement.
    """
    name: str = getattr(error, "sqlite_errorname", "")
    for prefix, (reason, text) in _SQLITE.items():
        if name == prefix or name.startswith(prefix + "_"):
            return DatabaseUnavailable(reason, f"{Path(path)} {text} ({error})")
    if isinstance(error, sqlite3.OperationalError) and "unable to open" in str(error):
        reason, text = _SQLITE["SQLITE_CANTOPEN"]
        return DatabaseUnavailable(reason, f"{Path(path)} {text} ({error})")
    return None


_CONNECTING: Final = (
    (
        ("password authentication failed", "no password supplied"),
        "unauthorized",
        "refused the password: set database.password_file to a file that holds the "
        "right one, or the environment variable EPIMETHEUS__DATABASE__PASSWORD",
    ),
    (
        ("no pg_hba.conf entry", "authentication failed", "role "),
        "unauthorized",
        "does not let this user in: check the user in database.url, that the role "
        "exists, and the server's pg_hba.conf",
    ),
    (
        ("database ",),
        "missing",
        "has no such database: create it with `createdb`, or correct database.url",
    ),
    (
        ("starting up", "shutting down", "too many", "remaining connection slots"),
        "refused",
        "takes no connection now: wait for it, or raise its max_connections",
    ),
)


def explain_connecting(error: BaseException, where: str) -> DatabaseUnavailable:
    """Return why no connection to a PostgreSQL server could be made."""
    said = " ".join(str(error).split())
    for parts, reason, text in _CONNECTING:
        if any(part in said.partition("FATAL:")[2] or part in said for part in parts):
            return DatabaseUnavailable(reason, f"PostgreSQL at {where} {text} ({said})")
    return DatabaseUnavailable(
        "refused",
        f"PostgreSQL at {where} does not answer: start it, or correct the host and "
        f"port in database.url ({said})",
    )


_STATES: Final = {
    "53100": ("full", "cannot grow, as its disk is full: make room on it"),
    "53200": ("other", "is out of memory"),
    "55P03": (
        "locked",
        "kept a row or table locked for the whole of database.busy_timeout",
    ),
    "40P01": ("locked", "broke a deadlock between two writers"),
    "40001": ("locked", "could not serialize two writers"),
    "25006": ("readonly", "is read-only: connect to the primary server"),
    "42501": (
        "permission",
        "refused: grant this user rights on the schema and its tables",
    ),
}


def explain_postgres(
    error: BaseException, where: str, *, lost: bool
) -> DatabaseUnavailable | None:
    """Return the failure that an error of psycopg stands for, None for others."""
    said = " ".join(str(error).split())
    known = _STATES.get(getattr(error, "sqlstate", None) or "")
    if known is not None:
        reason, text = known
        return DatabaseUnavailable(reason, f"PostgreSQL at {where} {text} ({said})")
    if lost:
        return DatabaseUnavailable(
            "lost", f"PostgreSQL at {where} closed the connection ({said})"
        )
    return None
