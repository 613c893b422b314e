"""The lease of the engine: at most one process rolls up into a database.

On SQLite it is a lock on a file beside the database, on PostgreSQL an advisory lock of
one connection; both end with the process that holds them, however it ends. A connection
may also end before its process: a server that starts again, a firewall that forgets it.
So whoever writes under the lease has it checked first.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from models.failures import DatabaseUnavailable
from models.postgres import Postgres

if TYPE_CHECKING:
    from peewee import Database

_KEY: Final = 0x4570_696D
"""Advisory lock number: "Epim"."""


class LeaseTaken(Exception):  # noqa: N818 - a state, not a mistake
    """Another process holds the lease; the message says what to do."""


class Lease:
    """Held between start and stop; `check` may be called from any one thread."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._file: int | None = None
        self._connection: Any = None
        self._losses = 0

    @property
    def losses(self) -> int:
        """How often the lease was lost so far; somebody may have had it meanwhile."""
        return self._losses

    def start(self) -> None:
        """Take the lease; raises LeaseTaken at once if somebody else has it."""
        if isinstance(self._db, Postgres):
            self._connection = _locked(self._db)
            return
        # Of the file itself, whatever links lead to it.
        path = Path(f"{Path(self._db.database).resolve()}.engine")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            self._file = None
            raise LeaseTaken(_message(str(self._db.database))) from error

    def check(self) -> None:
        """Make sure that the lease is still held, as on PostgreSQL it can be lost.

        Raises DatabaseUnavailable where it was lost: once if it could be taken again,
        so that what was read before is not written, and as long as somebody else has
        it or the server is away.
        """
        if self._connection is None or not isinstance(self._db, Postgres):
            return
        if self._db.answers(self._connection):
            return
        try:
            again = _locked(self._db)
        except LeaseTaken as error:
            raise DatabaseUnavailable(
                "lease",
                "the connection that held the lease was lost and another bridge has "
                f"taken it: stop one of the two that roll up into {self._db.database}",
            ) from error
        self._connection.close()
        self._connection = again
        self._losses += 1
        raise DatabaseUnavailable(
            "lease",
            "the connection that held the lease was lost; the lease was taken again, "
            "and what was being done is done anew",
        )

    def stop(self) -> None:
        """Give the lease back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _locked(db: Postgres) -> Any:
    """Return a connection that holds the lease; raises LeaseTaken."""
    connection = db.connection_apart()
    taken = False
    try:
        found = connection.execute("SELECT pg_try_advisory_lock(%s)", (_KEY,))
        taken = found.fetchone()[0]
    finally:
        if not taken:
            connection.close()
    if not taken:
        raise LeaseTaken(_message(str(db.database)))
    return connection


def _message(database: str) -> str:
    return (
        f"another bridge already rolls up into {database}; "
        "stop it first, or give this one a database of its own"
    )
