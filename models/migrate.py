"""Bringing the tables of a database to what this version of the program expects.

Peewee's migration runner applies the files of `models/migrations`, each whole or not
at all. Added here: only one process migrates at a time, a file that was edited after
it had been applied is refused, and so is a database that a newer version migrated.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from peewee import CharField, Database, DateTimeField, SqliteDatabase
from playhouse.migrations import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGED: Final = Path(__file__).with_name("migrations")
_TABLE: Final = "schema_migrations"
_ADVISORY: Final = 0x45_50_49_4D  # "EPIM"
_POLL_SECONDS: Final = 0.05


class MigrationError(Exception):
    """The database cannot be brought to this version, or must not be used with it."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that the database has; `applied_at` is in UTC without a zone."""

    name: str
    applied_at: datetime
    checksum: str


class Migrations:
    """The migrations of one directory and what a database has of them.

    `wait_seconds` is how long to wait for another process that migrates.
    """

    def __init__(
        self,
        db: Database,
        directory: Path = PACKAGED,
        *,
        wait_seconds: float = 600.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._db = db
        self._directory = directory
        self._attempts = max(1, round(wait_seconds / _POLL_SECONDS))
        self._sleep = sleep

    def applied(self) -> list[Applied]:
        """Return what the database has, oldest first."""
        history = self._runner().History
        if not history.table_exists():
            return []
        rows = history.select().order_by(history.name)
        return [Applied(row.name, row.applied, row.checksum) for row in rows]

    def pending(self) -> list[str]:
        """Return the names of what is to be applied, oldest first.

        Raises MigrationError if an applied file was edited or is unknown here.
        """
        runner = self._runner()
        applied = {row.name: row.checksum for row in self.applied()}
        checksums = runner.checksums()
        unknown = sorted(applied.keys() - checksums.keys())
        if unknown:
            raise MigrationError(
                f"the database has the migration {unknown[-1]}, which this version of "
                "Epimetheus does not know: install the version that applied it, or a "
                "newer one"
            )
        edited = sorted(
            name for name, checksum in applied.items() if checksums[name] != checksum
        )
        if edited:
            raise MigrationError(
                f"the migration {', '.join(edited)} was edited after this database had "
                "applied it: restore the file as it was released and write the change "
                "as a new migration"
            )
        return [name for name in checksums if name not in applied]

    def up(self, *, quietly: bool = False) -> list[str]:
        """Apply everything pending; return the names, oldest first.

        The log says which, unless `quietly`: people did not ask for a file that is
        only made in passing.

        Raises MigrationError; what was applied before the failure stays applied, and
        the migration that failed leaves nothing.
        """
        with self._locked():
            names = self.pending()
            with _silence() if quietly else nullcontext():
                for name in names:
                    self._run(self._runner().up, name)
            return names

    def after(self, to: str) -> list[str]:
        """Return the names of what was applied after `to`, newest first.

        `to` is a migration's name or its number, and `0000` comes before all. Raises
        MigrationError for any other.
        """
        self.pending()
        applied = [row.name for row in self.applied()]
        keep = [name for name in applied if name == to or name[:4] == to]
        if not keep and to != "0000":
            raise MigrationError(
                f"{to!r} is not an applied migration; applied are "
                f"{', '.join(applied) or 'none'}"
            )
        return [name for name in reversed(applied) if not keep or name > keep[0]]

    def down(self, to: str) -> list[str]:
        """Revert everything applied after `to`; return the names, newest first.

        `to` is as for `after`; `0000` reverts all, which drops all tables and what they
        hold.
        """
        with self._locked():
            names = self.after(to)
            for name in names:
                self._run(self._runner().down, name)
            return names

    def prepare(self, *, apply: bool) -> list[str]:
        """Make the database usable at start; return what was applied.

        With `apply` pending migrations are applied; without it they are refused with
        their names.
        """
        names = self.pending()
        if not names:
            return []
        if apply:
            return self.up()
        raise MigrationError(
            f"migrations are pending: {', '.join(names)}; run `epimetheus migrate up`, "
            "or set database.migrate_at_start to true"
        )

    def _run(self, step: Callable[[str], object], name: str) -> None:
        try:
            step(name)
        except Exception as error:
            raise MigrationError(
                f"the migration {name} failed and left nothing behind: {error}"
            ) from error

    def _runner(self) -> _Runner:
        return _Runner(self._db, self._directory)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._flock if isinstance(self._db, SqliteDatabase) else self._advisory
        with lock():
            yield

    @contextmanager
    def _flock(self) -> Iterator[None]:
        self._db.connection()  # makes the directory
        path = Path(f"{self._db.database}.migrating")
        with path.open("w") as file:

            def acquire() -> bool:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return False
                return True

            self._wait(acquire)
            yield

    @contextmanager
    def _advisory(self) -> Iterator[None]:
        def acquire() -> bool:
            cursor = self._db.execute_sql(
                "SELECT pg_try_advisory_lock(%s)", (_ADVISORY,)
            )
            return bool(cursor.fetchone()[0])

        self._wait(acquire)
        try:
            yield
        finally:
            self._db.execute_sql("SELECT pg_advisory_unlock(%s)", (_ADVISORY,))

    def _wait(self, acquire: Callable[[], bool]) -> None:
        for _ in range(self._attempts):
            if acquire():
                return
            self._sleep(_POLL_SECONDS)
        raise MigrationError(
            "another process has been migrating this database for "
            f"{self._attempts * _POLL_SECONDS:.0f} s: wait for it, or end it"
        )


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the runner from saying what it applies."""
    log = logging.getLogger("peewee.migrations")
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)


class _Runner(Runner):  # type: ignore[misc]  # playhouse has no type hints
    """Peewee's runner with a history that also remembers checksums."""

    def __init__(self, database: Database, directory: Path) -> None:
        super().__init__(database, str(directory), _TABLE)
        checksums = self.checksums()

        class History(database.Model):  # type: ignore[misc,name-defined]  # dynamic
            name = CharField(unique=True)
            applied = DateTimeField(
                default=lambda: datetime.now(UTC).replace(tzinfo=None)
            )
            checksum = CharField()

            class Meta:
                legacy_table_names = False
                table_name = _TABLE

            @classmethod
            def create(cls, **values: Any) -> Any:
                return super().create(checksum=checksums[values["name"]], **values)

        self.History = History

    def checksums(self) -> dict[str, str]:
        """Return the SHA-256 of each file by its name, oldest first."""
        return {
            migration.name: hashlib.sha256(
                Path(migration.path).read_bytes().replace(b"\r\n", b"\n")
            ).hexdigest()
            for migration in self.migrations()
        }
