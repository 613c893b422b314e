"""Opening the database that `database.url` names: SQLite or PostgreSQL.

One `Database` object serves all threads of a process: each thread gets a connection of
its own when it first needs one, and a forked child starts without any.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import peewee
from peewee import Database, PostgresqlDatabase, SqliteDatabase

from models import forks
from models.base import Table
from models.buffer import Buffer
from models.event import ErrorEvent
from models.failures import (
    DatabaseUnavailable,
    explain_connecting,
    explain_postgres,
    explain_sqlite,
)
from models.identity import ApiKey
from models.ledger import Ledger
from models.rollup import RollupDay, RollupHour, RollupMinute
from models.series import Series

__all__ = ["TABLES", "Database", "DatabaseUnavailable", "open_database"]

TABLES: Final[tuple[type[Table], ...]] = (
    Series,
    RollupMinute,
    RollupHour,
    RollupDay,
    Ledger,
    ErrorEvent,
    Buffer,
    ApiKey,
)
"""All tables, in the order in which they are documented."""

_WAL_LIMIT: Final = 64 * 2**20
_CONNECT_SECONDS: Final = 10


def open_database(
    url: str,
    *,
    password: str | None = None,
    busy_timeout: float = 10.0,
    cache: int = 64 * 2**20,
) -> Database:
    """Return the database at a URL and bind all tables to it; nothing connects yet.

    `busy_timeout` is how many seconds to wait for another process' lock, `cache` the
    page cache of SQLite in bytes. Transactions on SQLite take the write lock when they
    begin; a reader that wants several statements to see the same state uses
    `db.atomic("DEFERRED")` there. Raises DatabaseUnavailable for a URL of another
    kind; connecting, at first use, raises it with what an operator can do.
    """
    scheme, separator, rest = url.partition("://")
    database: Database
    if scheme == "sqlite" and separator and rest.startswith("/"):
        database = Sqlite(_sqlite_path(rest[1:]), busy_timeout, cache)
    elif scheme in {"postgres", "postgresql"} and separator:
        database = Postgres(f"postgresql://{rest}", password, busy_timeout)
    else:
        raise DatabaseUnavailable(
            "url",
            f"{url!r} names no database; write sqlite:///FILE or "
            "postgresql://USER@HOST:PORT/NAME",
        )
    database.bind(TABLES)
    forks.watch_database(database)
    return database


def _sqlite_path(path: str) -> str:
    if not path or path.startswith(":memory:"):
        raise DatabaseUnavailable(
            "url",
            "a database in memory is another one for each thread; name a file in "
            "database.url, such as sqlite:///data/epimetheus.db",
        )
    return path


class _SqliteConnection(sqlite3.Connection):
    """A connection that can be referenced weakly."""


class Sqlite(SqliteDatabase):
    """A file, tuned for one writer and many readers."""

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

    def abandon(self) -> None:
        """Forget this thread's connection without closing it."""
        self._lock = threading.Lock()
        self.dispose()

    def _connect(self) -> sqlite3.Connection:
        self._make_directory()
        try:
            connection: sqlite3.Connection = super()._connect()
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
                time.sleep(0.01)
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
            explained = explain_sqlite(error.args[0], self.database)
            if explained is None:
                raise
            raise explained from error

    def _execute_cursor(self, sql: str, params: Any, **options: Any) -> Any:
        with self._explaining():
            return super()._execute_cursor(sql, params, **options)

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


class Postgres(PostgresqlDatabase):
    """A database of a PostgreSQL server; a lost connection is replaced at next use."""

    def __init__(self, url: str, password: str | None, busy_timeout: float) -> None:
        # psycopg is large, and SQLite's users need not have its library.
        import psycopg  # noqa: PLC0415 - see above

        parts = urlsplit(url)
        self._where = f"{parts.netloc.rpartition('@')[2] or 'the local socket'}"
        self._where += parts.path
        query = parts.query
        options: dict[str, Any] = {} if password is None else {"password": password}
        if "connect_timeout" not in query:
            options["connect_timeout"] = _CONNECT_SECONDS
        if "application_name" not in query:
            options["application_name"] = "epimetheus"
        if "options" not in query:
            options["options"] = f"-c lock_timeout={round(busy_timeout * 1000)}"
        super().__init__(
            url, prefer_psycopg3=True, cursor_factory=psycopg.ClientCursor, **options
        )

    def abandon(self) -> None:
        """Forget this thread's connection without closing it."""
        self._lock = threading.Lock()
        self.dispose()

    def _connect(self) -> Any:
        import psycopg  # noqa: PLC0415 - loaded by the constructor already

        try:
            connection = super()._connect()
        except psycopg.OperationalError as error:
            raise explain_connecting(error, self._where) from error
        except psycopg.ProgrammingError as error:
            raise DatabaseUnavailable(
                "url", f"database.url is not understood: {error}"
            ) from error
        forks.watch_connection(connection)
        return connection

    @property
    def _lost(self) -> bool:
        return not self.is_closed() and bool(self._state.conn.closed)

    def cursor(self, named_cursor: Any = None) -> Any:
        """Return a cursor of this thread's connection, a new one if it was lost."""
        if self._lost and not self.in_transaction():
            self.close()
        return super().cursor(named_cursor)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except peewee.DatabaseError as error:
            explained = explain_postgres(error.args[0], self._where, lost=self._lost)
            if explained is None:
                raise
            raise explained from error

    def _execute_cursor(self, sql: str, params: Any, **options: Any) -> Any:
        with self._explaining():
            return super()._execute_cursor(sql, params, **options)

    def begin(self, isolation_level: Any = None) -> None:
        """Start a transaction."""
        with self._explaining():
            super().begin(isolation_level)

    def commit(self) -> None:
        """Commit the transaction."""
        with self._explaining():
            super().commit()

    def rollback(self) -> None:
        """Roll the transaction back; the server did so already if it is gone."""
        if not self._lost:
            super().rollback()
