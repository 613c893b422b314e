"""The lease of the engine: at most one process rolls up into a database.

On SQLite it is a lock on a file beside the database, on PostgreSQL an advisory lock of
one connection; both end with the process that holds them, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from peewee import Database, PostgresqlDatabase

_KEY: Final = 0x4570_696D
"""Advisory lock number: "Epim"."""


class LeaseTaken(Exception):  # noqa: N818 - a state, not a mistake
    """Another process holds the lease; the message says what to do."""


class Lease:
    """Held between start and stop."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._file: int | None = None

    def start(self) -> None:
        """Take the lease; raises LeaseTaken at once if somebody else has it."""
        if isinstance(self._db, PostgresqlDatabase):
            row = self._db.execute_sql(
                "SELECT pg_try_advisory_lock(%s)", (_KEY,)
            ).fetchone()
            if not row[0]:
                raise LeaseTaken(_message(str(self._db.database)))
            return
        path = Path(f"{self._db.database}.engine")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            self._file = None
            raise LeaseTaken(_message(str(self._db.database))) from error

    def stop(self) -> None:
        """Give the lease back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        elif isinstance(self._db, PostgresqlDatabase) and not self._db.is_closed():
            self._db.execute_sql("SELECT pg_advisory_unlock(%s)", (_KEY,))


def _message(database: str) -> str:
    return (
        f"another bridge already rolls up into {database}; "
        "stop it first, or give this one a database of its own"
    )
