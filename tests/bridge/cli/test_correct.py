from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.lease import Lease
from tests.bridge.trusted import BEGIN, SOURCES, Lived, lived

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.cli.conftest import Shell

SPAN = ("--from", str(BEGIN + 60), "--to", str(BEGIN + 130))
WRONG = ("correct", "--match", "a_total", *SPAN, "--note", "upside down")


@pytest.fixture
def past(used: Shell, db: Database) -> Lived:
    used.configure(SOURCES)
    return lived(db)


def increases(db: Database) -> list[float | None]:
    rows = db.execute_sql("SELECT increase FROM rollup_minute ORDER BY start")
    return [row[0] for row in rows.fetchall()]


def test_a_correction_changes_rows_and_is_taken_back(used: Shell, past: Lived) -> None:
    before = increases(past.db)
    result = used.run(*WRONG)
    assert result.exit_code == 0, result.stderr
    assert "corrected are whole minutes" in result.stdout
    assert "applied: 3 rows of 1 series changed" in result.stdout
    after = increases(past.db)
    assert after[1:4] == [None, None, 12.0]
    listed = used.run("correct", "--list").stdout
    assert "upside down" in listed
    assert "applied" in listed
    revoked = used.run("correct", "--revoke", "1")
    assert revoked.exit_code == 0, revoked.stderr
    assert increases(past.db) == before
    again = used.run("correct", "--revoke", "1")
    assert again.exit_code == 1
    assert "revoked already" in again.stderr


def test_a_dry_run_changes_nothing(used: Shell, past: Lived) -> None:
    before = increases(past.db)
    result = used.run(*WRONG, "--dry-run")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["minute", "3", "count", "12", "4"] in lines
    assert increases(past.db) == before
    assert used.run("correct", "--list").stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "said"),
    [("--from", "--from: 'then' is not a time"), ("--to", "--to: 'then' is not a t")],
)
@pytest.mark.parametrize(
    "asked",
    [WRONG, ("verify", *SPAN), ("archive", "a.db", *SPAN)],
    ids=["correct", "verify", "archive"],
)
def test_wrong_times_are_said_of_the_option(
    used: Shell, past: Lived, asked: tuple[str, ...], option: str, said: str
) -> None:
    result = used.run(*asked, option, "then")
    assert result.exit_code == 2
    assert said in result.stderr


def test_what_is_missing_is_asked_for(used: Shell, past: Lived) -> None:
    assert used.run("correct", "--match", "a_total").exit_code == 2
    assert used.run(*WRONG[:3], *SPAN, "--note", " ").exit_code == 2
    assert used.run("correct", "--revoke", "9").exit_code == 1


def test_a_running_bridge_does_it(
    used: Shell, past: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.cli.correct._PATIENCE_SECONDS", 0.0)
    lease = Lease(past.db)
    lease.start()
    try:
        result = used.run(*WRONG)
    finally:
        lease.stop()
    assert result.exit_code == 1
    assert "a bridge is running and does it" in result.stdout
    assert "correction 1 is waiting" in result.stderr
    past.beat()
    assert "applied" in used.run("correct", "--list").stdout
