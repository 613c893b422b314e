"""Migrations change large tables without a copy of them (RULES R74)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from models.database import Database, open_database
from models.migrate import PACKAGED, Migrations
from models.queries.sizes import database_bytes
from tests.models.statements import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS: Final = 100_000
BIG: Final = ("rollup_minute", "rollup_hour", "rollup_day", "ledger")
FILL: Final = """
    WITH RECURSIVE numbers(n) AS (
        SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {rows}
    )
    INSERT INTO {table} (series_id, start, count, sum, min, max, first, last)
    SELECT n % 100, n / 100 * {width}, 4, n, n, n, n, n FROM numbers
"""
LEDGER: Final = """
    WITH RECURSIVE numbers(n) AS (
        SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {rows}
    )
    INSERT INTO ledger (source, resolution, start, state, samples, series, revision,
        reason, computed_at)
    SELECT 'local', 'minute', n * 60, 'done', 400, 100, 1, '', 0 FROM numbers
"""


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Database]:
    """A database as the first release left it, with many rows."""
    db = open_database(f"sqlite:///{tmp_path}/epimetheus.db")
    migrations = Migrations(db)
    migrations.up()
    migrations.down("0001")
    for table, width in zip(BIG, (60, 3600, 86400), strict=False):
        db.execute_sql(FILL.format(rows=ROWS, table=table, width=width))
    db.execute_sql(LEDGER.format(rows=ROWS))
    db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    yield db
    db.close()


@pytest.mark.rule(74)
def test_r74_no_migration_copies_a_table(filled: Database) -> None:
    before = database_bytes(filled)
    assert before > 10 * 2**20
    with counted(filled) as said:
        names = Migrations(filled).up()
    assert names == [path.stem for path in sorted(PACKAGED.glob("[0-9]*.py"))][1:]
    copying = re.compile(
        rf"INSERT\s+INTO.*SELECT.*\b({'|'.join(BIG)})\b"
        r"|CREATE\s+TABLE\s+\S+\s+AS\b|RENAME\s+TO|VACUUM",
        re.DOTALL | re.IGNORECASE,
    )
    assert [sql for sql, _ in said if copying.search(sql)] == []
    # What was written lies in the log now: some pages, and not the tables again.
    assert database_bytes(filled) - before < 2**20


@pytest.mark.rule(74)
def test_r74_what_was_there_reads_as_before(filled: Database) -> None:
    sql = "SELECT COUNT(*), SUM(start), SUM(sum), MAX(last) FROM {}"
    before = [filled.execute_sql(sql.format(table)).fetchone() for table in BIG[:3]]
    Migrations(filled).up()
    after = [filled.execute_sql(sql.format(table)).fetchone() for table in BIG[:3]]
    assert after == before
    added = "SELECT MIN(last_offset), MAX(last_offset), MAX(gap) FROM rollup_minute"
    assert filled.execute_sql(added).fetchone() == (0, 0, 0)
