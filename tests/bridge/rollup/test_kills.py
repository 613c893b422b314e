"""A bridge that is killed a thousand times leaves what an undisturbed one leaves."""

from __future__ import annotations

import bisect
import random
from typing import TYPE_CHECKING

import pytest

from bridge.rollup.buckets.layouts import layout_id
from models.database import open_database
from models.queries import ledger
from models.queries.layouts import bounds_of
from tests.bridge.rollup.chronicle import BEGIN, MINUTES, SILENT, Chronicle
from tests.bridge.rollup.killing import Reaper
from tests.bridge.rollup.lives import (
    ROLLUPS,
    SOURCE,
    Dump,
    Play,
    bare,
    dump_of,
    undisturbed,
)
from tests.bridge.rollup.world import FIGURES
from tests.oracle import Expected, expected_row, merged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.database import Database
    from tests.postgres import PostgresServer

HOUR, DAY = 3600, 86400
END = BEGIN + MINUTES * 60
HOURS = range(BEGIN // HOUR * HOUR, END // HOUR * HOUR, HOUR)
BERLIN, KATHMANDU = 1_699_916_400, 1_699_899_300
"""When 14 November 2023 began there, UTC: at 23:00 and at 18:15 of the day before."""
UNLIKE = {"new_total", "odd", "mistaken"}
"""First samples that count, infinities, a correction: not what the oracle knows."""


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)


@pytest.fixture(scope="module")
def chronicle() -> Chronicle:
    return Chronicle(1)


@pytest.fixture(scope="module")
def untouched(
    tmp_path_factory: pytest.TempPathFactory, chronicle: Chronicle
) -> tuple[Dump, set[str]]:
    """What the tables say after one life, and the shapes of its statements."""
    url = f"sqlite:///{tmp_path_factory.mktemp('untouched')}/lived.db"
    watcher = undisturbed(url, chronicle.steps(1))
    return dump_of(url), set(watcher.met)


@pytest.mark.rule(60)
@pytest.mark.rule(62)
def test_r60_a_thousand_kills_make_no_hole_and_no_duplicate(
    tmp_path: Path, chronicle: Chronicle, untouched: tuple[Dump, set[str]]
) -> None:
    expected, shapes = untouched
    reaper = Reaper(random.Random(2), every=100, thorough=True)
    runs = 0
    while reaper.chance < 1000:
        url = f"sqlite:///{tmp_path}/killed{runs}.db"
        play = Play(url, reaper)
        play.run(chronicle.steps(1))
        play.end()
        assert play.lives > 100
        runs += 1
        check(url, expected, chronicle)
    told(reaper, runs)
    shapes = shapes | set(reaper.met)
    assert sorted(shapes - {shape for shape, _ in reaper.killed}) == []
    commits = {shape for shape in shapes if shape.endswith("COMMIT")}
    assert {(shape, when) for shape in commits for when in ("before", "after")} <= set(
        reaper.killed
    )


@pytest.mark.rule(14)
@pytest.mark.rule(60)
def test_r60_kills_leave_the_same_in_postgresql(
    chronicle: Chronicle,
    untouched: tuple[Dump, set[str]],
    postgres: PostgresServer,
) -> None:
    reaper = Reaper(random.Random(3), every=180)
    name = postgres.new_database()
    url = postgres.url(name)
    play = Play(url, reaper)
    play.run(chronicle.steps(1))
    play.end()
    told(reaper, 1)
    check(url, untouched[0], chronicle)
    postgres.drop_database(name)
    assert reaper.chance >= 60
    assert any("COPY" in shape for shape, _ in reaper.killed)
    assert {"before", "after"} <= {
        moment for shape, moment in reaper.killed if shape.endswith("COMMIT")
    }


def told(reaper: Reaper, runs: int) -> None:
    total = sum(reaper.killed.values())
    print(  # noqa: T201 - shown with pytest -s
        f"{total} kills, {reaper.chance} of them by lot, in {runs} runs of "
        f"{reaper.passed} statements of {len(reaper.met)} shapes"
    )


def check(url: str, expected: Dump, chronicle: Chronicle) -> None:
    """Compare all tables with those of an undisturbed run, and with the oracle."""
    found = dump_of(url)
    for table, rows in expected.items():
        assert found[table] == rows, table
        assert rows, table
    db = open_database(url)
    no_hole_and_no_stray_row(db)
    assert scalars(db, chronicle) == truth(chronicle)
    db.close()


def no_hole_and_no_stray_row(db: Database) -> None:
    wanted = {
        "minute": range(BEGIN, END, 60),
        "hour": HOURS,
        "day": [BEGIN // DAY * DAY],
        "day@berlin": [BERLIN],
        "day@kathmandu": [KATHMANDU],
    }
    for resolution, starts in wanted.items():
        entries = ledger.entries(db, SOURCE, resolution, 0, 2**40)
        assert [entry.start for entry in entries] == list(starts)
        assert {entry.state for entry in entries} <= {"done", "partial", "lost"}
        rows = dict(
            db.execute_sql(
                f"SELECT start, COUNT(*) FROM {table_of(resolution)} GROUP BY start"
            ).fetchall()
        )
        assert {e.start: e.series for e in entries if e.series} == rows
    for table in ROLLUPS:
        strays = f"SELECT COUNT(*) FROM {table} WHERE series_id NOT IN (SELECT id"
        assert db.execute_sql(f"{strays} FROM series)").fetchone() == (0,)
    for number in [row[0] for row in db.execute_sql("SELECT id FROM layouts")]:
        assert layout_id(bounds_of(db, [number])[number]) == number
    outcomes = db.execute_sql("SELECT DISTINCT outcome FROM verifications").fetchall()
    assert outcomes == [("same",)]
    done = db.execute_sql("SELECT MIN(start) FROM buffer").fetchone()
    assert done == (END - 3 * HOUR,)


def table_of(resolution: str) -> str:
    """The table of a resolution, of a calendar only its days."""
    name, _, calendar = resolution.partition("@")
    if not calendar:
        return f"rollup_{name}"
    return f"(SELECT start FROM rollup_local_day WHERE calendar = '{calendar}') AS days"


Key = tuple[str, str, int]


def scalars(db: Database, chronicle: Chronicle) -> dict[Key, Expected]:
    """The rows of the series that the oracle knows, by series, kind and start."""
    found: dict[Key, Expected] = {}
    for table in ROLLUPS:
        kind = "r.calendar" if table == "rollup_local_day" else f"'{table}'"
        cursor = db.execute_sql(
            f"SELECT s.metric, {kind}, r.start, "
            f"{', '.join(f'r.{name}' for name in FIGURES)} FROM {table} r "
            "JOIN series s ON s.id = r.series_id"
        )
        for metric, kind_, start, *figures in cursor.fetchall():
            if metric in chronicle.lines.keys() - UNLIKE:
                found[metric, kind_, start] = Expected(*figures)
    return found


def truth(chronicle: Chronicle) -> dict[Key, Expected]:
    """What the rows must be, sample by sample."""
    found: dict[Key, Expected] = {}
    for metric in chronicle.lines.keys() - UNLIKE:
        minutes = dict(true_minutes(metric, chronicle))
        found |= {(metric, "rollup_minute", at): row for at, row in minutes.items()}
        hours = within(minutes, dict.fromkeys(HOURS, HOUR))
        days = {
            "rollup_hour": hours,
            "rollup_day": within(hours, {BEGIN // DAY * DAY: DAY}),
            "berlin": within(hours, {BERLIN: DAY}),
            "kathmandu": within(minutes, {KATHMANDU: DAY}),
        }
        found |= {
            (metric, kind, start): row
            for kind, rows in days.items()
            for start, row in rows.items()
        }
    return found


def within(finer: dict[int, Expected], spans: dict[int, int]) -> dict[int, Expected]:
    """Rows merged into spans, given by start and width in seconds."""
    whole = {
        start: merged([row for at, row in finer.items() if 0 <= at - start < width])
        for start, width in spans.items()
    }
    return {start: row for start, row in whole.items() if row is not None}


def true_minutes(metric: str, chronicle: Chronicle) -> Iterator[tuple[int, Expected]]:
    samples = chronicle.lines[metric]
    times = [time for time, _ in samples]
    for start in range(BEGIN, END, 60):
        low = bisect.bisect_left(times, start * 1000)
        high = bisect.bisect_left(times, (start + 60) * 1000)
        near = samples[max(low - 60, 0) : high]
        row = expected_row(
            near,
            start * 1000,
            (start + 60) * 1000,
            counter=metric.endswith("_total"),
        )
        if row is not None:
            assert (start - BEGIN) // 60 not in SILENT
            yield start, row
