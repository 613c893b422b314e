"""PostgreSQL through psycopg 3, and Citus with it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import peewee
from peewee import PostgresqlDatabase

from models import forks
from models.failures import (
    DatabaseUnavailable,
    driver_error,
    explain_connecting,
    explain_postgres,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_OPTIONS: Final[dict[str, Any]] = {
    "application_name": "epimetheus",
    "client_encoding": "utf8",
    "connect_timeout": 10,
}
"""Of a connection, unless the URL says otherwise; the time-out is in seconds."""


class Postgres(PostgresqlDatabase):
    """A database of a PostgreSQL server; a lost connection is replaced at next use."""

    _state: Any

    def __init__(self, url: str, password: str | None, busy_timeout: float) -> None:
        # psycopg is large, and SQLite's users need not have its library.
        import psycopg  # noqa: PLC0415 - see above

        parts = urlsplit(url)
        self._where = f"{parts.netloc.rpartition('@')[2] or 'the local socket'}"
        self._where += parts.path
        self._lock_milliseconds = max(round(busy_timeout * 1000), 1)
        given = parse_qs(parts.query)
        options = {name: value for name, value in _OPTIONS.items() if name not in given}
        if password is not None:
            options["password"] = password
        super().__init__(
            url, prefer_psycopg3=True, cursor_factory=psycopg.ClientCursor, **options
        )

    def _connect(self) -> Any:
        import psycopg  # noqa: PLC0415 - loaded by the constructor already

        try:
            connection = super()._connect()  # type: ignore[misc]  # not in the stubs
            # A statement, as connection poolers refuse options that they do not know.
            connection.execute(f"SET lock_timeout = {self._lock_milliseconds}")
        except psycopg.OperationalError as error:
            raise explain_connecting(error, self._where) from error
        except psycopg.ProgrammingError as error:
            raise DatabaseUnavailable(
                "url", f"database.url is not understood: {error}"
            ) from error
        forks.watch_connection(connection)
        return connection

    def connection_apart(self) -> Any:
        """Return a connection that belongs to no thread; its owner closes it."""
        return self._connect()

    def answers(self, connection: Any) -> bool:
        """Whether a connection is alive, as the server sees it."""
        import psycopg  # noqa: PLC0415 - loaded by the constructor already

        try:
            connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _lost(self) -> bool:
        return not self.is_closed() and bool(self._state.conn.closed)

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Run one statement and return its cursor."""
        return super().execute_sql(sql, params)  # type: ignore[no-untyped-call]

    def cursor(self, named_cursor: Any = None) -> Any:
        """Return a cursor of this thread's connection, a new one if it was lost."""
        if self._lost and not self.in_transaction():
            self.close()
        return super().cursor(named_cursor)  # type: ignore[no-untyped-call]

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except peewee.DatabaseError as error:
            explained = explain_postgres(
                driver_error(error), self._where, lost=self._lost
            )
            if explained is None:
                raise
            raise explained from error

    def _execute_cursor(self, sql: str, params: Any, **options: Any) -> Any:
        with self._explaining():
            return super()._execute_cursor(sql, params, **options)  # type: ignore[misc]  # not in the stubs

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

    def copy_in(self, statement: str, payload: bytes) -> None:
        """Run a `COPY ... FROM STDIN`; raise IntegrityError if a row is there already.

        The statement's transaction or savepoint is to be rolled back after an error.
        """
        with self._copying(statement) as copy:
            copy.write(payload)

    def copy_rows(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a `COPY ... FROM STDIN` in the text format; as `copy_in`."""
        with self._copying(statement) as copy:
            for row in rows:
                copy.write_row(row)

    @contextmanager
    def _copying(self, statement: str) -> Iterator[Any]:
        import psycopg  # noqa: PLC0415 - loaded by the constructor already

        try:
            with self.cursor().copy(statement) as copy:
                yield copy
        except psycopg.IntegrityError as error:
            raise peewee.IntegrityError(str(error)) from error
        except psycopg.Error as error:
            explained = explain_postgres(error, self._where, lost=self._lost)
            raise explained or peewee.DatabaseError(str(error)) from error
