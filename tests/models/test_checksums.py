from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.checksums import Checksum, compare, digest
from models.database import open_database
from models.ledger import Ledger
from models.migrate import Migrations
from models.pages import snapshot
from models.queries import ledger
from models.shape import shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.checksums import Compared
    from models.database import Database

LEDGER = shape(Ledger)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/other.db")
    Migrations(database).up()
    yield database
    database.close()


@pytest.fixture(autouse=True)
def _entries(db: Database, other: Database) -> None:
    for one in (db, other):
        ledger.mark(one, "main", "minute", range(0, 600, 60), "open", "r", 7)


def compared(db: Database, other: Database) -> Compared:
    with snapshot(db), snapshot(other):
        return compare(db, other, LEDGER, lambda _: None, 4)


def test_equal_tables_have_equal_checksums_on_both_engines(
    db: Database, other: Database
) -> None:
    there, back = compared(db, other), compared(other, db)
    assert (there.rows, there.difference) == (10, "")
    assert there == back


@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        (
            "UPDATE ledger SET samples = 1 WHERE start = 300",
            (
                "source main, resolution minute, start 300 differs in samples: "
                "0 in the source, 1 in the target"
            ),
        ),
        (
            "DELETE FROM ledger WHERE start = 300",
            (
                "where the source has source main, resolution minute, start 300, "
                "the target has source main, resolution minute, start 360"
            ),
        ),
        (
            "DELETE FROM ledger WHERE start = 540",
            "the target lacks source main, resolution minute, start 540",
        ),
        (
            (
                "INSERT INTO ledger (source, resolution, start, state, samples, "
                "series, revision, reason, computed_at) "
                "VALUES ('main', 'minute', 999, 'open', 0, 0, 0, '', 0)"
            ),
            "the target has more: source main, resolution minute, start 999",
        ),
        (
            "UPDATE ledger SET reason = 'x' WHERE start = 0",
            (
                "source main, resolution minute, start 0 differs in reason: "
                "'r' in the source, 'x' in the target"
            ),
        ),
    ],
)
def test_the_first_difference_is_named(
    db: Database, other: Database, statement: str, difference: str
) -> None:
    other.execute_sql(statement)
    assert compared(db, other).difference == difference


def test_a_checksum_tells_values_of_different_types_apart() -> None:
    assert digest([(1,)]) != digest([(1.0,)])
    assert digest([("1",)]) != digest([(b"1",)])
    assert digest([(None,)]) != digest([("",)])
    assert digest([(0.1 + 0.2,)]) != digest([(0.3,)])


def test_a_checksum_is_of_all_pages() -> None:
    one, two = Checksum(), Checksum()
    assert one.add([(1,)]) == two.add([(1,)])
    assert one.hexadecimal() == two.hexadecimal()
    two.add([(2,)])
    assert one.hexadecimal() != two.hexadecimal()
    assert (one.rows, two.rows) == (1, 2)
