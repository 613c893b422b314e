from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bridge.trusted import BEGIN, SOURCES, lived

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.cli.conftest import Shell

ALL = ("--start", str(BEGIN), "--end", str(BEGIN + 600))


def test_what_late_samples_changed_is_printed(used: Shell, db: Database) -> None:
    used.configure(SOURCES)
    past = lived(db)
    assert used.run("restatements", *ALL).stderr == "nothing was restated\n"
    past.feed("a_total", [(70.0, 4.0)])
    past.beat()
    result = used.run("restatements", "a_total", *ALL)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[3:7] for line in lines if "count" in line] == [
        ["2023-11-14T22:15:00Z", "count", "4", "5"]
    ]
    assert "late samples, batch 2" in result.stdout


def test_an_answer_of_before_the_change_is_printed(used: Shell, db: Database) -> None:
    used.configure(SOURCES)
    past = lived(db)
    then = int(past.clock.now())
    past.clock.advance(100)
    past.feed("a_total", [(70.0, 4.0)])
    past.beat()
    asked = ("query", "a_total", "--start", str(BEGIN + 60), "--end", str(BEGIN + 120))
    count = ("--aggregate", "count", "--resolution", "minute")
    assert used.run(*asked, *count).stdout.split()[-1] == "5"
    assert used.run(*asked, *count, "--as-of", str(then)).stdout.split()[-1] == "4"


def test_a_resolution_without_rows_is_refused(used: Shell, db: Database) -> None:
    used.configure(SOURCES)
    lived(db)
    result = used.run("restatements", *ALL, "--resolution", "week")
    assert result.exit_code == 2
    assert "'week' is not a resolution of rows; known are minute, hour" in result.stderr
    assert used.run("restatements", *ALL, "--resolution", "hour").exit_code == 0
