"""Opening the database that `database.url` names: SQLite or PostgreSQL.

One `Database` object serves all threads of a process: each thread gets a connection of
its own when it first needs one, and a forked child starts without any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from peewee import Database

from models import forks
from models.backfill import Backfill
from models.buffer import Buffer
from models.calendar import Calendar, RollupLocalDay
from models.destination import Destination, DestinationTag, Tag
from models.event import ErrorEvent
from models.failures import DatabaseUnavailable
from models.identity import ApiKey
from models.job import Job, JobDestination, JobTag, Maintenance, Module
from models.judgement import ProbeHour, ProbeSpan, ProbeView
from models.layout import Layout
from models.ledger import Ledger
from models.postgres import Postgres
from models.probe_evidence import Certificate, ProbeTest, Route
from models.probe_run import Agent, ProbeResult, ProbeRun
from models.retained import Retained
from models.rollup import RollupDay, RollupHour, RollupMinute
from models.series import Series
from models.sqlite import Sqlite
from models.trust import Correction, Restatement, Verification

if TYPE_CHECKING:
    from models.base import Table

__all__ = ["TABLES", "Database", "DatabaseUnavailable", "open_database"]

TABLES: Final[tuple[type[Table], ...]] = (
    Series,
    RollupMinute,
    RollupHour,
    RollupDay,
    RollupLocalDay,
    Calendar,
    Layout,
    Ledger,
    ErrorEvent,
    Buffer,
    ApiKey,
    Restatement,
    Correction,
    Verification,
    Retained,
    Backfill,
    Destination,
    Tag,
    DestinationTag,
    Job,
    JobDestination,
    JobTag,
    Module,
    Maintenance,
    Agent,
    ProbeRun,
    ProbeResult,
    Route,
    Certificate,
    ProbeTest,
    ProbeView,
    ProbeSpan,
    ProbeHour,
)
"""All tables as they are documented; what others refer to comes before them."""


def open_database(
    url: str,
    *,
    password: str | None = None,
    busy_timeout: float = 10.0,
    cache: int = 16 * 2**20,
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
