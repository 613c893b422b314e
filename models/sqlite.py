"""SQLite: a file, tuned for one writer and many readers."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import peewee
from peewee import SqliteDatabase

from models import forks
from models.failures import DatabaseUnavailable, driver_error, explain_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator

_WAL_LIMIT: Final = 64 * 2**20
"""Bytes to which the log is cut after a checkpoint."""
_RETRY_SECONDS: Final = 0.01


class _SqliteConnection(sqlite3.Connection):
    """A connection that can be referenced weakly."""


class Sqlite(SqliteDatabase):
    """A file, tuned for one writer and many readers."""

    _state: Any
    _timeout: float

    def __init__(self, path: str, busy_timeout: float, cache: int) -> None:
        super().__init__(
            path,
            pragmas={
                "synchronous": "normal",
                "foreign_keys": 1,
                "cache_size": -max(cache // 1024, 1),
                "temp_store": "memory",
                "journal_size_limit": _WAL_LIMIT,
            },
            timeout=busy_timeout,
            lock_type="IMMEDIATE",
            factory=_SqliteConnection,
        )

    def _connect(self) -> sqlite3.Connection:
        self._make_directory()
        try:
            connection: sqlite3.Connection = super()._connect()  # type: ignore[misc]  # not in the stubs
        except sqlite3.Error as error:
            raise self._explained(error) from error
        try:
            self._write_ahead(connection)
        except BaseException:
            connection.close()
            raise
        forks.watch_connection(connection)
        return connection

    def _make_directory(self) -> None:
        directory = Path(self.database).absolute().parent
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseUnavailable(
                "directory",
                f"the directory {directory} of the database cannot be made: "
                f"{error.strerror}; make it, or set database.url to a file elsewhere",
            ) from error

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait for locks when it changes the journal mode, so two
        # processes that open a new file at once would refuse one of them.
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                mode = connection.execute("PRAGMA journal_mode = wal").fetchone()[0]
            except sqlite3.Error as error:
                explained = self._explained(error)
                if explained.reason != "locked" or time.monotonic() >= deadline:
                    raise explained from error
                time.sleep(_RETRY_SECONDS)
            else:
                break
        if mode != "wal":
            raise DatabaseUnavailable(
                "filesystem",
                f"the filesystem of {self.database} cannot share memory between "
                "processes (SQLite's write-ahead log needs it): use a local disk",
            )

    def _explained(self, error: sqlite3.Error) -> DatabaseUnavailable:
        return explain_sqlite(error, self.database) or DatabaseUnavailable(
            "other", f"{self.database} cannot be opened ({error})"
        )

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except peewee.DatabaseError as error:
            explained = explain_sqlite(driver_error(error), self.database)
            if explained is None:
                raise
            raise explained from error

    def _execute_cursor(self, sql: str, params: Any, **options: Any) -> Any:
        with self._explaining():
            return super()._execute_cursor(sql, params, **options)  # type: ignore[misc]  # not in the stubs

    def begin(self, lock_type: str | None = None) -> None:
        """Start a transaction; `lock_type` is IMMEDIATE unless given."""
        with self._explaining():
            super().begin(lock_type)

    def commit(self) -> None:
        """Commit the transaction."""
        with self._explaining():
            super().commit()

    def rollback(self) -> None:
        """Roll the transaction back, unless SQLite did so itself, as on a full disk."""
        if not self.is_closed() and self._state.conn.in_transaction:
            super().rollback()
