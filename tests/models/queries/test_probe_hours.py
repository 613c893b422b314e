"""Hours are noted once, made oldest first, and found by their views."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from models.queries import probe_hours, runs
from models.queries.probe_hours import HOUR, Echoes, HourRow
from tests.models.statements import counted
from tests.probed import BEGIN, MINUTE, failure, known, result, run, store

if TYPE_CHECKING:
    from peewee import Database

KEY = (1, 1, "icmp")


def noted(start: int, key: tuple[int, int, str] = KEY) -> HourRow:
    return HourRow(*key, start, stale=1)


def made(start: int, verdict: str = "") -> HourRow:
    return HourRow(*KEY, start, 0, 20, 19, 0.01, verdict, "{}")


def everything(db: Database) -> list[HourRow]:
    stale = probe_hours.stale_hours(db, 10**15, 10_000)
    return stale + probe_hours.hours_from(db, KEY, 0)


def test_an_hour_is_noted_once_however_often_results_come(db: Database) -> None:
    probe_hours.note_stale(db, {(*KEY, 0), (*KEY, HOUR)})
    probe_hours.note_stale(db, {(*KEY, HOUR), (2, 1, "icmp", HOUR)})

    found = probe_hours.stale_hours(db, 10 * HOUR, 10)
    assert found == [noted(0), noted(HOUR), noted(HOUR, (2, 1, "icmp"))]
    assert probe_hours.stale_hours(db, HOUR, 10) == [noted(0)]
    assert probe_hours.stale_hours(db, 10 * HOUR, 1) == [noted(0)]


def test_more_hours_than_a_statement_takes_are_noted(db: Database) -> None:
    probe_hours.note_stale(db, {(*KEY, at * HOUR) for at in range(1_200)})

    assert len(everything(db)) == 1_200


def test_an_hour_keeps_its_figures_until_it_is_made_again(db: Database) -> None:
    probe_hours.note_stale(db, {(*KEY, 0)})
    probe_hours.save_hour(db, made(0, "slow"))
    assert everything(db) == [made(0, "slow")]

    probe_hours.note_stale(db, {(*KEY, 0)})

    assert everything(db) == [replace(made(0, "slow"), stale=1)]


def test_only_hours_that_were_made_are_to_be_made_again(db: Database) -> None:
    probe_hours.put_hours(db, [made(0), made(HOUR), replace(made(HOUR), probe="b")])
    probe_hours.note_stale_again(db, KEY, [HOUR, 2 * HOUR])

    assert everything(db) == [replace(made(HOUR), stale=1), made(0)]


def test_hours_are_put_in_the_place_of_those_that_were(db: Database) -> None:
    hours = [made(at * HOUR) for at in range(1_200)]
    probe_hours.put_hours(db, hours)
    probe_hours.put_hours(db, [made(0, "lossy")])
    probe_hours.put_hours(db, [])

    assert everything(db) == [made(0, "lossy"), *hours[1:]]


def test_the_echoes_of_an_hour_are_judged_and_of_the_view(db: Database) -> None:
    known(db, "gateway", "web")
    others = (result("web"), result(probe="b"))
    store(db, run(BEGIN + MINUTE, failure(marks=("starved", "late")), *others))
    store(db, run(BEGIN, result(sent=3, received=3, rtts=(0.1, 0.2, 0.6))))
    store(db, run(BEGIN + HOUR, result()), run(BEGIN - 1, result()))
    store(db, run(BEGIN + 3 * MINUTE, result()), agent="there")
    assert probe_hours.echoes_of(db, KEY, BEGIN) == []
    runs.mark_evaluated(db, range(1, 10))
    store(db, run(BEGIN + 2 * MINUTE, result()))  # nobody judged it

    first, second = probe_hours.echoes_of(db, KEY, BEGIN)

    assert first == Echoes(3, 3, 0.2, "")
    assert second == Echoes(1, 0, None, "starved,late")


def test_hours_of_a_view_are_found_by_their_times(db: Database) -> None:
    hours = [made(0), made(HOUR, "slow"), made(2 * HOUR, "slow")]
    probe_hours.put_hours(db, [*hours, replace(made(HOUR), agent_id=2)])
    probe_hours.note_stale(db, {(*KEY, 3 * HOUR)})

    assert probe_hours.hours_at(db, KEY, [2 * HOUR, 0, 9 * HOUR]) == [
        hours[0],
        hours[2],
    ]
    assert probe_hours.hours_from(db, KEY, HOUR) == hours[1:]
    assert probe_hours.last_usual_before(db, KEY, 2 * HOUR) == 0
    probe_hours.put_hours(db, [made(HOUR)])
    assert probe_hours.last_usual_before(db, KEY, 2 * HOUR) == HOUR
    assert probe_hours.last_usual_before(db, KEY, 0) == 0


def test_sqlite_reads_no_more_hours_than_are_asked_for(sqlite: Database) -> None:
    with counted(sqlite) as said:
        probe_hours.stale_hours(sqlite, HOUR, 5)
        probe_hours.echoes_of(sqlite, KEY, 0)
        probe_hours.hours_at(sqlite, KEY, [0])
        probe_hours.hours_from(sqlite, KEY, 0)
        probe_hours.last_usual_before(sqlite, KEY, HOUR)

    ways = said.ways()
    assert not [way for way in ways if way.startswith("SCAN") and "INDEX" not in way]
