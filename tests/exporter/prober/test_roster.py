from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.prober.board import Board
from exporter.prober.cells import Cell
from exporter.prober.roster import Roster
from exporter.prober.tally import Tally
from runtime.probing.jobs import Probes
from runtime.probing.planning import plan_of
from runtime.probing.schedule import phase
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Collection

DESTINATIONS = [
    {"name": name, "host": f"192.0.2.{number}", "tags": ["all"]}
    for number, name in enumerate(("one", "two", "three"))
]


@pytest.fixture
def roster() -> Roster:
    return Roster(Board.create(2), Tally.create(2), FakeClock())


def assign(
    roster: Roster, *jobs: dict[str, Any], only: int = 3, busy: Collection[int] = ()
) -> Any:
    settings = {"destinations": DESTINATIONS[:only], "jobs": jobs}
    return roster.assign(plan_of(Probes.model_validate(settings)), "here", busy)


def test_a_duty_has_places_in_phase_and_a_row_for_each_of_their_probes(
    roster: Roster,
) -> None:
    job = {"name": "job", "tags": ["all"], "probes": ["icmp", "tcp"], "splay": "4s"}
    duty = assign(roster, job)["job"]
    assert [place.target.host for place in duty.places] == [
        "192.0.2.0",
        "192.0.2.1",
        "192.0.2.2",
    ]
    assert duty.places[1].phase == phase("job", "two", 4.0)
    assert [part.probe.name for part in duty.parts] == ["icmp", "tcp"]
    rows = [row for part in duty.parts for row in part.rows]
    assert len(set(rows)) == 6
    assert [row.row for row in roster.rows] == rows
    assert roster._board.read().rows[:, Cell.LAST_RTT_NS].tolist() == [-1] * 6


def test_rows_stay_and_those_that_are_given_back_rest(roster: Roster) -> None:
    job = {"name": "job", "tags": ["all"]}
    assign(roster, job)
    before = {row.destination: row.row for row in roster.rows}
    assign(roster, job, only=1)
    assert {row.destination: row.row for row in roster.rows} == {"one": before["one"]}
    assign(roster, job)
    after = {row.destination: row.row for row in roster.rows}
    assert after["one"] == before["one"]
    # Replies may still come for the old rows of the others.
    assert not {after["two"], after["three"]} & set(before.values())


def test_rows_of_runs_that_go_on_are_not_given_to_others() -> None:
    clock = FakeClock()
    roster = Roster(Board.create(2), Tally.create(2), clock)
    job, other = ({"name": name, "tags": ["all"]} for name in ("job", "other"))

    def rows(job: dict[str, Any], busy: Collection[int] = ()) -> set[int]:
        assign(roster, job, busy=busy)
        return {row.row for row in roster.rows}

    before = rows(job)
    rows(other, busy=before)
    clock.advance(3600)
    assert not rows(job, busy=before) & before
    rows(other)
    clock.advance(3600)
    rows(job)
    assert rows(other) == before


def test_a_probe_that_becomes_of_another_kind_is_counted_anew(roster: Roster) -> None:
    def plan(kind: str) -> int:
        settings = {
            "modules": [{"name": "mine", "kind": kind}],
            "destinations": DESTINATIONS[:1],
            "jobs": [{"name": "job", "tags": ["all"], "probes": ["mine"]}],
        }
        roster.assign(plan_of(Probes.model_validate(settings)), "here")
        (row,) = roster.rows
        return row.row

    assert plan("tcp") != plan("http")
