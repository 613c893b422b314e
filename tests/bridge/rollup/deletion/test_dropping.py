"""On PostgreSQL old minutes go with their partition, unless somebody keeps some."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from bridge.rollup.deletion.retention import Retention
from bridge.rollup.parts import Parts
from bridge.telemetry import Telemetry
from models import partitions
from models.database import Database, open_database
from models.directory import SeriesDirectory
from models.migrate import Migrations
from models.queries import ledger
from runtime import settings
from tests.bridge.history import DAY, HOUR, MINUTE, History, gauge
from tests.fakes import FakeClock
from tests.models.statements import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import PostgresServer

MONDAY = 2900 * 7 * 86400
DAYS = 4
NOW = MONDAY + DAYS * 86400 + 3600


@pytest.fixture
def db(postgres: PostgresServer) -> Iterator[Database]:
    name = postgres.new_database()
    database = open_database(postgres.url(name))
    Migrations(database).up()
    yield database
    database.close()
    postgres.drop_database(name)


def live(db: Database, source: str, *, until: int = NOW) -> None:
    """Give a source a series and four days of a minute in every ten."""
    history = History(db)
    number = history.series("a", source=source)
    for day in range(DAYS + 1):
        partitions.make(db, MONDAY + day * 86400)
    minutes = range(MONDAY, until, 60)
    history.rows(MINUTE, number, {start: gauge(1.0) for start in minutes[::10]})
    history.mark(MINUTE, minutes, source=source)
    history.mark(HOUR, range(MONDAY, until - 3599, 3600), source=source)
    history.mark(DAY, range(MONDAY, until - 86399, 86400), source=source)


def beat(db: Database, names: list[str], **given: Any) -> CollectorRegistry:
    registry = CollectorRegistry()
    parts = Parts(
        db,
        lambda _, job: job(),
        SeriesDirectory(db),
        Telemetry.create(registry),
        FakeClock(NOW),
    )
    policy = settings.Retention.model_validate({"minute": "36h", **given})
    Retention(policy, names, parts).finish()
    return registry


def days(db: Database) -> list[int]:
    return [((one.start or 0) - MONDAY) // 86400 for one in partitions.listed(db)]


def rows(db: Database, source: str) -> int:
    cursor = db.execute_sql(
        "SELECT COUNT(*) FROM rollup_minute r JOIN series s ON s.id = r.series_id "
        "WHERE s.source = %s",
        (source,),
    )
    return int(cursor.fetchone()[0])


@pytest.mark.rule(67)
def test_whole_days_go_with_their_partition(db: Database) -> None:
    live(db, "local")
    with counted(db) as said:
        registry = beat(db, ["local"])
    assert [sql for sql, _ in said if "DELETE FROM rollup_minute" in sql] == []
    assert days(db) == [2, 3, 4, 5]  # the next day is there ahead of its time
    assert ledger.begin(db, "local", "minute") == MONDAY + 2 * 86400
    assert rows(db, "local") == (2 * 1440 + 60) // 10
    windows = registry.get_sample_value(
        "epimetheus_retention_windows_total", {"resolution": "minute"}
    )
    assert windows == 2 * 1440


def test_a_day_that_another_source_still_needs_goes_row_by_row_when_it_is_late(
    db: Database,
) -> None:
    live(db, "local")
    live(db, "other")
    ledger.mark(db, "other", "hour", [MONDAY + 7200], "dirty", "again", 0)
    beat(db, ["local", "other"])
    assert days(db)[:2] == [0, 1]
    assert rows(db, "other") == (DAYS * 1440 + 60) // 10
    assert rows(db, "local") == (3 * 1440 + 60) // 10
    ledger.mark(db, "other", "hour", [MONDAY + 7200], "done", "", 0)
    beat(db, ["local", "other"])
    assert days(db)[0] == 2
    assert rows(db, "local") == rows(db, "other") == (2 * 1440 + 60) // 10


def test_series_with_a_rule_keep_their_partition(db: Database) -> None:
    live(db, "local")
    number = History(db).series("b")
    History(db).rows(MINUTE, number, {MONDAY + 60: gauge(1.0)})
    beat(db, ["local"], rules=[{"match": "b", "minute": "90d"}])
    assert days(db)[0] == 0
    sql = "SELECT start FROM rollup_minute WHERE series_id = %s"
    assert db.execute_sql(sql, (number,)).fetchall() == [(MONDAY + 60,)]
    assert rows(db, "local") == (2 * 1440 + 60) // 10 + 1


def test_a_reader_in_the_way_is_let_finish(db: Database, postgres: Any) -> None:
    live(db, "local")
    name = db.execute_sql("SELECT current_database()").fetchone()[0]
    reader = open_database(postgres.url(name))
    with reader.atomic():
        reader.execute_sql("SELECT COUNT(*) FROM rollup_minute").fetchall()
        beat(db, ["local"])
        assert days(db)[0] == 0
    reader.close()
    beat(db, ["local"])
    assert days(db)[0] == 2


@pytest.mark.rule(62)
def test_r62_a_day_that_a_new_source_begins_in_meanwhile_stays(db: Database) -> None:
    live(db, "local")
    calls: list[str] = []

    def call(name: str, job: Any) -> Any:
        calls.append(name)
        if calls.count("retention") == 2 * 3 + 1:  # all is noted, nothing dropped
            live(db, "new", until=MONDAY + 7200)
        return job()

    telemetry = Telemetry.create(CollectorRegistry())
    parts = Parts(db, call, SeriesDirectory(db), telemetry, FakeClock(NOW))
    policy = settings.Retention.model_validate({"minute": "36h"})
    Retention(policy, ["local", "new"], parts).beat()
    assert days(db)[0] == 0
    assert rows(db, "new") == 12
    assert ledger.begin(db, "new", "minute") == MONDAY


def test_a_user_who_may_not_drop_tables_deletes_row_by_row(
    db: Database, postgres: PostgresServer
) -> None:
    live(db, "local")
    with as_plain_user(db, postgres) as plain:
        beat(plain, ["local"])
    assert days(db)[:2] == [0, 1]
    assert rows(db, "local") == (3 * 1440 + 60) // 10


@contextmanager
def as_plain_user(db: Database, postgres: PostgresServer) -> Iterator[Database]:
    """Give the database as a user sees it who may only read and write rows."""
    (name,) = db.execute_sql("SELECT current_database()").fetchone()
    db.execute_sql("CREATE ROLE plain LOGIN")
    for what in ("TABLES", "SEQUENCES"):
        db.execute_sql(f"GRANT ALL ON ALL {what} IN SCHEMA public TO plain")
    plain = open_database(postgres.url(name).replace("tests@", "plain@"))
    try:
        yield plain
    finally:
        plain.close()
        db.execute_sql("DROP OWNED BY plain")
        db.execute_sql("DROP ROLE plain")
