from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.answers.coverage import (
    Counts,
    Coverage,
    Hole,
    count_windows,
    cover,
    join,
    read_extents,
)
from bridge.answers.resolution import Extent
from bridge.answers.times import Stretch
from models.queries import retained
from tests.bridge.history import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.history import History

NOON = 1_795_262_400
CLOSED = NOON + 600 + 30.0
"""Windows are closed until half a minute into the eleventh after noon."""
LAST_HOUR = Stretch(MINUTE, NOON - 3600, NOON + 3600)


def minutes(first: int, last: int) -> range:
    """Return the starts of the minutes after noon from first to last, inclusive."""
    return range(NOON + first * 60, NOON + last * 60 + 1, 60)


@pytest.fixture
def past(history: History) -> None:
    history.mark(MINUTE, minutes(0, 8))
    history.mark(MINUTE, minutes(2, 3), "lost", reason="not recording")
    history.mark(MINUTE, minutes(4, 4), "partial", reason="warnings")
    history.mark(MINUTE, minutes(5, 5), "dirty")
    history.mark(MINUTE, minutes(6, 6), "open")


def test_windows_are_counted_from_the_oldest_to_the_last_that_has_closed(
    db: Database, past: None
) -> None:
    extents = read_extents(db, "local")
    assert extents == {MINUTE: Extent(NOON, NOON + 480)}
    assert count_windows(db, "local", LAST_HOUR, CLOSED, extents) == Counts(
        start=NOON,
        end=NOON + 600,
        windows=10,
        done=4,
        partial=1,
        dirty=1,
        open=1,
        lost=2,
        missing=1,
    )


def test_holes_are_spans_of_one_state_and_reason(db: Database, past: None) -> None:
    covered = cover(db, "local", LAST_HOUR, CLOSED)
    assert covered.counts.windows == 10
    assert (covered.oldest, covered.newest, covered.truncated) == (
        NOON,
        NOON + 480,
        False,
    )
    assert covered.holes == (
        Hole(NOON + 120, NOON + 240, "lost", "not recording"),
        Hole(NOON + 240, NOON + 300, "partial", "warnings"),
        Hole(NOON + 300, NOON + 360, "dirty", ""),
        Hole(NOON + 360, NOON + 420, "open", ""),
        Hole(NOON + 540, NOON + 600, "missing", ""),
    )


@pytest.mark.rule(59)
def test_a_window_that_vanished_from_the_middle_is_a_hole(
    db: Database, past: None
) -> None:
    db.execute_sql(f"DELETE FROM ledger WHERE start = {NOON + 60}")
    part = Stretch(MINUTE, NOON, NOON + 120)
    assert cover(db, "local", part, CLOSED).holes == (
        Hole(NOON + 60, NOON + 120, "missing", ""),
    )


def test_before_the_oldest_window_nothing_is_missed(db: Database, past: None) -> None:
    early = Stretch(MINUTE, NOON - 3600, NOON)
    covered = cover(db, "local", early, CLOSED)
    assert (covered.counts.windows, covered.holes) == (0, ())


def test_a_source_without_windows_has_nothing_to_miss(db: Database) -> None:
    nothing = Counts(NOON, NOON, 0, 0, 0, 0, 0, 0, 0)
    stretch = Stretch(HOUR, NOON - 3600, NOON + 3600)
    assert cover(db, "new", stretch, CLOSED) == Coverage(
        source="new",
        resolution=HOUR,
        calendar="utc",
        start=NOON - 3600,
        end=NOON + 3600,
        oldest=None,
        newest=None,
        whole=None,
        counts=nothing,
        holes=(),
        truncated=False,
    )


def kept(db: Database, selector: str, since: int) -> None:
    retained.keep(db, [retained.Kept("local", "minute", selector, since, since, 0)])


def test_what_retention_deleted_is_told_apart_from_what_is_missing(
    db: Database, past: None
) -> None:
    kept(db, "", NOON)
    covered = cover(db, "local", LAST_HOUR, CLOSED)
    assert covered.holes[0] == Hole(
        NOON - 3600, NOON, "expired", "kept since 2026-11-21T12:00:00Z only"
    )
    assert covered.counts.missing == 1
    assert covered.whole is None


def test_windows_that_lack_some_series_by_age_are_not_deleted_ones(
    db: Database, past: None
) -> None:
    kept(db, "up", NOON + 120)
    covered = cover(db, "local", LAST_HOUR, CLOSED)
    assert covered.whole == NOON + 120
    assert "expired" not in {hole.state for hole in covered.holes}


def test_all_windows_may_have_been_deleted(db: Database) -> None:
    kept(db, "", NOON)
    covered = cover(db, "local", LAST_HOUR, CLOSED)
    assert [hole.state for hole in covered.holes] == ["expired"]
    assert covered.counts.windows == 0


def test_a_stretch_in_the_future_has_nothing_to_miss(db: Database, past: None) -> None:
    future = Stretch(DAY, NOON + 43200, NOON + 43200 + 86400)
    assert cover(db, "local", future, CLOSED).counts.windows == 0


def test_sources_and_resolutions_are_told_apart(db: Database, history: History) -> None:
    history.mark(HOUR, [NOON - 3600])
    history.mark(MINUTE, [NOON], source="other")
    assert read_extents(db, "local") == {HOUR: Extent(NOON - 3600, NOON - 3600)}
    assert read_extents(db, "other") == {MINUTE: Extent(NOON, NOON)}


def test_more_holes_than_are_listed_are_said_to_be(
    db: Database, history: History
) -> None:
    history.mark(MINUTE, range(0, 2100 * 60, 120))
    covered = cover(db, "local", Stretch(MINUTE, 0, 2100 * 60), CLOSED)
    assert (len(covered.holes), covered.truncated) == (1000, True)
    assert covered.counts.missing == 1050


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=30))
def test_joined_holes_say_the_same_of_every_window(
    windows: list[tuple[str, bool]],
) -> None:
    singles = [
        Hole(at * 60, at * 60 + 60, "lost", reason)
        for at, (reason, present) in enumerate(windows)
        if present
    ]
    joined = list(join(singles))
    split = [
        Hole(at, at + 60, hole.state, hole.reason)
        for hole in joined
        for at in range(hole.start, hole.end, 60)
    ]
    assert split == singles
    assert all(a.end != b.start or a.reason != b.reason for a, b in pairwise(joined))
