from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.queries import coverage, ledger

if TYPE_CHECKING:
    from models.database import Database


@pytest.fixture(autouse=True)
def _past(db: Database) -> None:
    """Minutes 0, 60, 180 and 240, of which 60 is lost and 240 is partial."""
    ledger.mark(db, "a", "minute", [0, 180], "done", "", 0)
    ledger.mark(db, "a", "minute", [60], "lost", "not recording", 0)
    ledger.mark(db, "a", "minute", [240], "partial", "warnings", 0)
    ledger.mark(db, "a", "hour", [0], "done", "", 0)
    ledger.mark(db, "b", "minute", [120], "done", "", 0)


def test_extents_are_the_oldest_and_newest_of_each_resolution(db: Database) -> None:
    names = ("minute", "hour", "day")
    assert coverage.extents(db, "a", names) == {"minute": (0, 240), "hour": (0, 0)}
    assert coverage.extents(db, "c", names) == {}


def test_states_are_counted_within_a_half_open_span(db: Database) -> None:
    nothing = dict.fromkeys(coverage.STATES, 0)
    assert coverage.counts(db, "a", "minute", 0, 240) == {
        **nothing,
        "done": 2,
        "lost": 1,
    }
    assert coverage.counts(db, "a", "minute", 300, 600) == nothing


def test_finished_windows_are_listed_oldest_first(db: Database) -> None:
    assert coverage.finished(db, "a", "minute", 0, 300).tolist() == [0, 180]
    assert coverage.finished(db, "a", "minute", 60, 180).tolist() == []


def test_the_newest_that_is_done_is_not_the_newest_of_all(db: Database) -> None:
    assert coverage.newest_finished(db, "a", "minute") == 180
    assert coverage.newest_finished(db, "a", "day") is None


def test_windows_that_are_not_done_come_with_their_reasons(db: Database) -> None:
    assert coverage.unlike_done(db, "a", "minute", 0, 300, limit=9) == [
        (60, "lost", "not recording"),
        (240, "partial", "warnings"),
    ]
    assert coverage.unlike_done(db, "a", "minute", 0, 300, limit=1) == [
        (60, "lost", "not recording")
    ]


@pytest.mark.parametrize(
    ("start", "end", "gaps"),
    [
        (0, 300, [(120, 180)]),
        (0, 60, []),
        (120, 180, [(120, 180)]),
        (-120, 420, [(-120, 0), (120, 180), (300, 420)]),
        (600, 660, [(600, 660)]),
    ],
)
def test_gaps_reach_to_both_ends_of_the_span(
    db: Database, start: int, end: int, gaps: list[tuple[int, int]]
) -> None:
    assert coverage.gaps(db, "a", "minute", start, end, width=60) == gaps
