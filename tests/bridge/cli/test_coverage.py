from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from bridge.answers.times import format_time
from bridge.cli.hole_map import LEGEND
from bridge.rollup.days.calendars import Calendar, Rules
from models.queries import calendars, ledger
from tests.bridge.history import MINUTE

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.cli.conftest import Shell
    from tests.bridge.history import History

BEGIN = 1_700_000_040


def table(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_what_is_done_and_what_is_not_is_shown(used: Shell, history: History) -> None:
    history.mark(MINUTE, range(BEGIN, BEGIN + 600, 60))
    history.mark(MINUTE, [BEGIN + 60, BEGIN + 120], "lost", reason="not recording")
    history.mark(MINUTE, [BEGIN + 300], "dirty")
    result = used.run(
        "coverage",
        "--start",
        str(BEGIN),
        "--end",
        str(BEGIN + 720),
        "--resolution",
        "minute",
    )
    assert result.exit_code == 0
    at = {second: format_time(BEGIN + second) for second in range(0, 721, 60)}
    assert table(result.stdout) == [
        [
            "SOURCE",
            "RESOLUTION",
            "WINDOWS",
            "DONE",
            "PARTIAL",
            "UNFINISHED",
            "LOST",
            "MISSING",
        ],
        ["local", "minute", "12", "7", "0", "1", "2", "2"],
        [],
        ["SOURCE", "RESOLUTION", "FROM", "TO", "STATE", "REASON"],
        ["local", "minute", at[60], at[180], "lost", "not", "recording"],
        ["local", "minute", at[300], at[360], "dirty"],
        ["local", "minute", at[600], at[720], "missing"],
    ]


@pytest.mark.setting("rollup.settle")
def test_windows_that_have_not_settled_are_not_counted(
    used: Shell, history: History
) -> None:
    history.mark(MINUTE, [BEGIN])
    span = ("--start", str(BEGIN), "--end", str(BEGIN + 120), "--resolution", "minute")
    (_, settled, *holes) = table(used.run("coverage", *span).stdout)
    assert settled == ["local", "minute", "2", "1", "0", "0", "0", "1"]
    assert [row[4:] for row in holes[2:]] == [["missing"]]
    kept = "retention: {minute: 0s, hour: 0s, local_day: 0s}\n"
    used.configure(f"rollup: {{settle: 10000d}}\n{kept}")
    (_, settling) = table(used.run("coverage", *span).stdout)
    assert settling == ["local", "minute", "0", "0", "0", "0", "0", "0"]


def test_all_sources_and_resolutions_are_shown_without_a_choice(
    used: Shell, history: History
) -> None:
    history.mark(MINUTE, [BEGIN], source="other")
    rows = table(used.run("coverage").stdout)
    assert [row[:2] for row in rows[1:7]] == [
        [source, resolution]
        for source in ("local", "other")
        for resolution in ("minute", "hour", "day")
    ]


def test_more_holes_than_fit_are_counted(used: Shell, history: History) -> None:
    history.mark(MINUTE, range(BEGIN, BEGIN + 120 * 60, 120))
    result = used.run(
        "coverage",
        "--start",
        str(BEGIN),
        "--end",
        str(BEGIN + 7200),
        "--resolution",
        "minute",
        "--source",
        "local",
    )
    assert result.stdout.splitlines()[-1] == "… and 10 more"


def test_an_unknown_source_is_refused_with_the_known_ones(used: Shell) -> None:
    result = used.run("coverage", "--source", "nowhere")
    assert (result.exit_code, result.stderr) == (
        2,
        "epimetheus: source: 'nowhere' is not a source; known are local\n",
    )


def test_without_a_database_it_is_said_how_to_get_one(shell: Shell) -> None:
    result = shell.run("coverage")
    assert (result.exit_code, result.stderr) == (
        1,
        (
            f"epimetheus: there is no database at {shell.database} yet: "
            "`epimetheus serve` makes it, or `epimetheus migrate up`\n"
        ),
    )
    assert not shell.database.exists()


def test_a_map_is_drawn_where_it_is_asked_for(used: Shell, history: History) -> None:
    history.mark(MINUTE, range(BEGIN, BEGIN + 600, 60))
    history.mark(MINUTE, [BEGIN + 60, BEGIN + 120], "lost", reason="not recording")
    span = ("--start", str(BEGIN - 120), "--end", str(BEGIN + 720))
    asked = ("coverage", *span, "--resolution", "minute", "--map")
    at = {second: format_time(BEGIN + second) for second in (-120, 720)}
    lines = used.run(*asked).stdout.splitlines()
    assert lines[3:10] == [
        f"local minute, {at[-120]} to {at[720]}, one window a character",
        "  |..=LL=======MM|",
        "",
        *LEGEND.splitlines(),
        "",
    ]
    assert LEGEND not in used.run(*asked[:-1]).stdout


def test_local_days_are_shown_with_their_map(
    used: Shell, db: Database, history: History
) -> None:
    berlin = Calendar("berlin", Rules.of(ZoneInfo("Europe/Berlin")))
    days = [berlin.day(date(2023, 10, day)) for day in range(28, 31)]
    rules = str(berlin.rules)
    calendars.write(
        db, calendars.Listed("berlin", "Europe/Berlin", rules, "kept", changed_at=0)
    )
    history.mark(MINUTE, [days[0].start])
    starts = [days[0].start, days[2].start]
    ledger.mark(db, "local", "day@berlin", starts, "done", "", 0)
    span = ("--start", str(days[0].start), "--end", str(days[2].end))
    result = used.run("coverage", *span, "--calendar", "berlin", "--map")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[1].split() == ["local", "day@berlin", "3", "2", "0", "0", "0", "1"]
    assert lines[4] == "  |=M=|"
    assert lines[-1].split()[1:5] == [
        "day@berlin",
        format_time(days[1].start),
        format_time(days[1].end),
        "missing",
    ]


def test_a_calendar_that_is_not_there_is_refused(used: Shell) -> None:
    result = used.run("coverage", "--calendar", "paris")
    assert result.exit_code == 2
    assert "there is no calendar 'paris'; known are utc" in result.stderr
