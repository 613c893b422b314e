from __future__ import annotations

from typing import TYPE_CHECKING

from models.queries import agents, runs
from models.queries.runs import Wanted
from tests.models.statements import counted
from tests.probed import BEGIN, MINUTE, failure, known, result, run, store

if TYPE_CHECKING:
    from peewee import Database


def fill(db: Database) -> None:
    known(db, "gateway")
    for minute in range(6):
        at = BEGIN + minute * MINUTE
        found = failure() if minute == 4 else result()
        store(db, run(at, found), agent="here")
        store(db, run(at, result()), agent="there")


def times(found: list[runs.RunRow]) -> list[tuple[int, str]]:
    return [((one.scheduled_ms - BEGIN) // MINUTE, one.agent) for one in found]


def test_runs_are_found_newest_first_and_page_by_page(db: Database) -> None:
    fill(db)
    first = runs.search(db, Wanted(), limit=5)
    rest = runs.search(db, Wanted(), before=first[-1].cursor, limit=50)
    assert times([*first, *rest]) == [
        (minute, agent) for minute in range(5, -1, -1) for agent in ("there", "here")
    ]


def test_filters_hold_together(db: Database) -> None:
    fill(db)
    here = agents.find(db, "here")
    assert here is not None
    bad = runs.search(db, Wanted(job=1, agent=here.id, state="failed"), limit=9)
    assert times(bad) == [(4, "here")]
    span = Wanted(agent=here.id, start=BEGIN + MINUTE, end=BEGIN + 3 * MINUTE)
    assert times(runs.search(db, span, limit=9)) == [(2, "here"), (1, "here")]
    assert runs.search(db, Wanted(job=99), limit=9) == []
    latest = runs.latest(db, 1)
    assert latest is not None
    assert (latest.scheduled_ms, runs.newest(db)) == (BEGIN + 5 * MINUTE,) * 2
    assert runs.latest(db, 99) is None
    assert runs.find(db, 99) is None


def test_runs_are_marked_as_judged(db: Database) -> None:
    fill(db)
    runs.mark_evaluated(db, [1, 2, 3])

    judged = [one.id for one in runs.search(db, Wanted(), limit=50) if one.evaluated]
    assert sorted(judged) == [1, 2, 3]


def test_sqlite_looks_through_no_more_than_is_asked_for(sqlite: Database) -> None:
    with counted(sqlite) as said:
        runs.search(sqlite, Wanted(job=1, start=5), limit=5)
    ways = said.ways()
    assert not any(way.startswith("SCAN u") and "INDEX" not in way for way in ways)
    assert (
        "SEARCH u USING INDEX probe_runs_job_id_scheduled_ms_agent_id "
        "(job_id=? AND scheduled_ms>? AND scheduled_ms<?)"
    ) in ways
