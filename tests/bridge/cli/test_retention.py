from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.lease import Lease
from models.queries import ledger
from tests.bridge.history import DAY, HOUR, MINUTE, gauge

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.cli.conftest import Shell
    from tests.bridge.history import History

MONDAY = 2800 * 7 * 86400
"""2023-08-31T00:00:00Z"""


def table(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.fixture
def past(used: Shell, history: History) -> Shell:
    """Five days of hours of a series; the fourth day is to be done again."""
    hours = range(MONDAY, MONDAY + 5 * 86400, 3600)
    number = history.series("a")
    history.rows(HOUR, number, {start: gauge(1.0) for start in hours})
    history.mark(HOUR, hours)
    history.mark(DAY, range(MONDAY, MONDAY + 5 * 86400, 86400))
    history.mark(DAY, [MONDAY + 3 * 86400], "dirty")
    history.mark(MINUTE, [MONDAY + 7 * 86400 - 60])
    used.configure("retention: {minute: 1d, hour: 3d}\n")
    return used


def hours(db: Database) -> int:
    return len(ledger.entries(db, "local", "hour", 0, 2 * MONDAY))


def test_a_dry_run_says_what_would_go_and_what_is_held_back(
    past: Shell, db: Database
) -> None:
    result = past.run("retention", "--dry-run")
    assert result.exit_code == 0
    shown = table(result.stdout)
    start, until = "2023-08-31T00:00:00Z", "2023-09-03T00:00:00Z"
    assert ["local", "hour", "3d", start, until, "72", "0", "0B"] in shown
    assert "local   hour  2023-09-04T00:00:00Z  the day 2023-09-03T00:00:00Z is to" in (
        result.stdout
    )
    assert hours(db) == 120


def test_rows_that_rules_share_are_said_to_be_about_so_many(
    past: Shell, db: Database
) -> None:
    db.execute_sql("UPDATE ledger SET series = 1 WHERE resolution = 'hour'")
    shown = table(past.run("retention", "--dry-run").stdout)
    (hours_line,) = (line for line in shown if line[1:3] == ["hour", "3d"])
    assert hours_line[5:7] == ["72", "72"]
    past.configure("retention: {minute: 1d, hour: 3d, rules: [{match: a, hour: 4d}]}\n")
    shown = table(past.run("retention", "--dry-run").stdout)
    (hours_line,) = (line for line in shown if line[1:4] == ["hour", "a", "4d"])
    assert hours_line[6:9] == ["72", "about", "72"]


def test_it_deletes_where_no_bridge_runs(past: Shell, db: Database) -> None:
    result = past.run("retention")
    assert result.exit_code == 0
    assert result.stdout.endswith("deleted\n")
    assert hours(db) == 48
    assert past.run("retention").stdout.count("deleted") == 0


def test_a_bridge_that_runs_is_left_to_do_it(past: Shell, db: Database) -> None:
    lease = Lease(db)
    lease.start()
    result = past.run("retention")
    lease.stop()
    assert result.exit_code == 1
    assert result.stderr == (
        "epimetheus: a bridge runs on this database and deletes every 5m by itself "
        "(--dry-run only looks)\n"
    )
    assert hours(db) == 120
