"""What can be wrong with a database, and what an operator does about it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import peewee


class DatabaseUnavailable(peewee.PeeweeException):
    """The database cannot be used now; the message says why and what to do.

    `reason` is a short machine-readable word: url, directory, permission, readonly,
    filesystem, not_a_database, corrupt, full, locked, refused, busy, password,
    unauthorized, missing, lost, lease or other. `permanent` says that trying again
    will not help before somebody changes something.
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
        "password",
        "unauthorized",
        "missing",
    }
)


def driver_error(error: BaseException) -> BaseException:
    """Return the driver's own error, which Peewee wraps."""
    original: BaseException = getattr(error, "orig", error)
    return original


_GIVE_RIGHTS: Final = (
    "give the user this program runs as read and write permission on the file and on "
    "its directory"
)
_SQLITE: Final = {
    "SQLITE_NOTADB": "not_a_database",
    "SQLITE_CORRUPT": "corrupt",
    "SQLITE_FULL": "full",
    "SQLITE_READONLY": "readonly",
    "SQLITE_CANTOPEN": "permission",
    "SQLITE_PERM": "permission",
    "SQLITE_BUSY": "locked",
    "SQLITE_IOERR": "other",
}
_SQLITE_TEXTS: Final = {
    "not_a_database": "is not an SQLite database: set database.url to another file, or "
    "move this one away",
    "corrupt": "is damaged: stop all programs that use it and restore a backup, or "
    "save what is readable with `sqlite3 FILE .recover`",
    "full": "cannot grow, as the disk is full: make room on it",
    "readonly": f"cannot be written: {_GIVE_RIGHTS}",
    "permission": f"cannot be opened: {_GIVE_RIGHTS}",
    "locked": "stayed locked by another process for the whole of database.busy_timeout",
    "other": "could not be read or written by the operating system: see its log for "
    "errors of the disk",
}


def explain_sqlite(error: BaseException, path: str) -> DatabaseUnavailable | None:
    """Return the failure that an error of the sqlite3 module stands for.

    None for errors that no operator can mend, such as a wrong statement.
    """
    name: str = getattr(error, "sqlite_errorname", "")
    word = "_".join(name.split("_")[:2])  # SQLITE_IOERR_WRITE is an SQLITE_IOERR
    if word not in _SQLITE:
        return None
    reason = _SQLITE[word]
    return DatabaseUnavailable(
        reason, f"{Path(path)} {_SQLITE_TEXTS[reason]} ({error})"
    )


_CONNECTING: Final = (
    ("password authentication failed", "password"),
    ("no password supplied", "password"),
    ("no pg_hba.conf entry", "unauthorized"),
    ("authentication failed", "unauthorized"),
    ("permission denied", "unauthorized"),
    ('FATAL: role "', "unauthorized"),
    ('FATAL: database "', "missing"),
    ("starting up", "busy"),
    ("shutting down", "busy"),
    ("too many", "busy"),
    ("remaining connection", "busy"),
)
_CONNECTING_TEXTS: Final = {
    "password": "refused the password: set database.password_file to a file that "
    "holds the right one, or the environment variable EPIMETHEUS__DATABASE__PASSWORD",
    "unauthorized": "does not let this user in: check the user in database.url, that "
    "the role exists, and the server's pg_hba.conf",
    "missing": "has no such database: create it with `createdb`, or correct "
    "database.url",
    "busy": "takes no connection now: wait for it, or raise its max_connections",
    "refused": "does not answer: start it, or correct the host and port in "
    "database.url",
}


def explain_connecting(error: BaseException, where: str) -> DatabaseUnavailable:
    """Return why no connection to a PostgreSQL server could be made."""
    said = " ".join(str(error).split())
    found = (reason for part, reason in _CONNECTING if part in said)
    reason = next(found, "refused")
    return DatabaseUnavailable(
        reason, f"PostgreSQL at {where} {_CONNECTING_TEXTS[reason]} ({said})"
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
    "57014": ("busy", "cancelled a statement: raise its statement_timeout"),
    "25006": ("readonly", "is read-only: connect to the primary server"),
    "42501": ("permission", "refused: grant this user rights on schema and tables"),
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
