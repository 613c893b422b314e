from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rollup.plan import (
    DONE,
    LOST,
    PARTIAL,
    Agenda,
    Silence,
    Spans,
    Verdict,
    judge,
    judge_merged,
)

minutes = st.integers(0, 40).map(lambda number: number * 60)


@given(st.lists(st.tuples(minutes, minutes, st.booleans()), max_size=30))
def test_spans_are_the_set_of_minutes_that_was_put_in(
    steps: list[tuple[int, int, bool]],
) -> None:
    spans, truth = Spans(), set[int]()
    for start, end, adds in steps:
        if adds:
            spans.add(start, end)
            truth |= set(range(start, end, 60))
        else:
            spans.discard(start)
            truth -= {start}
    assert list(spans.between(-600, 6000)) == sorted(truth)
    assert len(spans) == len(truth)
    assert bool(spans) == bool(truth)
    assert spans.oldest() == min(truth, default=None)


@given(st.sets(minutes), minutes)
def test_the_last_end_before_a_minute_is_where_the_newest_span_before_it_ends(
    pending: set[int], start: int
) -> None:
    spans = Spans()
    for minute in pending:
        spans.add(minute, minute + 60)
    before = [minute for minute in pending if minute < start]
    assert spans.last_end(start) == (max(before) + 60 if before else None)


def test_a_short_agenda_is_done_oldest_first() -> None:
    agenda = Agenda(catch_up=30)
    agenda.extend(0, 600)
    assert agenda.next(0.0) == list(range(0, 600, 60))


def test_a_long_backlog_takes_turns_with_the_newest_window() -> None:
    agenda = Agenda(catch_up=3)
    agenda.extend(0, 6000)
    assert agenda.next(0.0) == [5940, 0, 60, 120]
    for start in agenda.next(0.0):
        agenda.finish(start)
    agenda.extend(0, 6060)
    assert agenda.next(0.0) == [6000, 180, 240, 300]


def test_every_window_is_done_once_however_windows_close() -> None:
    agenda, done = Agenda(catch_up=2), list[int]()
    for until in (600, 600, 660, 900, 960):
        agenda.extend(0, until)
        for start in agenda.next(0.0):
            agenda.finish(start)
            done.append(start)
    while starts := agenda.next(0.0):
        for start in starts:
            agenda.finish(start)
            done.append(start)
    assert sorted(done) == list(range(0, 960, 60))


def test_a_hole_found_later_does_not_hold_up_the_newest_window() -> None:
    agenda = Agenda(catch_up=2)
    agenda.extend(6000, 6060)
    agenda.finish(6000)
    agenda.add(0, 600)
    agenda.extend(6000, 6120)
    assert agenda.next(0.0) == [6060, 0, 60]


def test_a_failed_window_waits_longer_each_time_and_is_not_forgotten() -> None:
    agenda = Agenda(catch_up=2)
    agenda.extend(0, 60)
    waits = []
    now = 0.0
    for _ in range(6):
        agenda.put_off(0, now)
        until = next(t for t in range(1000) if agenda.next(now + t))
        waits.append(until)
        now += until
    assert waits == [5, 10, 20, 40, 60, 60]
    assert agenda.attempts(0) == 6
    agenda.finish(0)
    assert agenda.attempts(0) == 0
    assert agenda.next(now) == []


def test_a_run_of_finished_windows_is_bounded_by_pending_ones() -> None:
    agenda = Agenda(catch_up=2)
    agenda.extend(0, 600)
    for start in (120, 180, 240):
        agenda.finish(start)
    assert agenda.run_start(240) == 120
    assert agenda.run_start(120) == 120
    assert agenda.run_start(0) is None
    assert agenda.run_end(120) == 300
    assert agenda.run_end(300) == 300


def test_the_run_ends_where_the_agenda_ends() -> None:
    agenda = Agenda(catch_up=2)
    agenda.extend(0, 120)
    agenda.finish(60)
    assert agenda.run_end(60) == 120


def test_an_agenda_that_was_never_extended_holds_nothing() -> None:
    agenda = Agenda(catch_up=2)
    assert agenda.next(0.0) == []
    assert agenda.run_end(60) == 60
    assert agenda.oldest() is None
    assert len(agenda) == 0


@pytest.mark.parametrize(
    ("times", "longest"),
    [
        ([], 60),
        ([0], 59),
        ([30_000], 30),
        ([0, 15_000, 30_000, 45_000], 14),
        ([-1, 59_999], 59),
        ([500, 20_500, 59_000], 38),
    ],
)
def test_silence_is_the_longest_span_without_a_sample(
    times: list[int], longest: int
) -> None:
    silence = Silence(600_000, 60)
    silence.hear(np.array(times, dtype=np.int64) + 600_000)
    assert silence.longest == longest


def test_silence_is_broken_by_any_block() -> None:
    silence = Silence(0, 60)
    silence.hear(np.array([0, 1000]))
    silence.hear(np.array([30_000]))
    assert silence.longest == 29


@pytest.mark.parametrize(
    ("samples", "recording", "silent", "interval", "warnings", "expected"),
    [
        (100, True, 14, 15_000, [], Verdict(DONE)),
        (100, True, 30, 15_000, [], Verdict(DONE)),
        (0, True, 60, None, [], Verdict(DONE)),
        (
            100,
            True,
            31,
            15_000,
            [],
            Verdict(
                PARTIAL,
                "the source recorded nothing for 31 s (it scrapes every 15 s)",
            ),
        ),
        (100, True, 59, None, [], Verdict(DONE)),
        (
            0,
            False,
            60,
            None,
            [],
            Verdict(LOST, "the source recorded nothing in this window"),
        ),
        (
            5,
            True,
            1,
            5000,
            ["a", "b"],
            Verdict(PARTIAL, "the source warned: a; b"),
        ),
    ],
)
def test_a_window_is_judged_by_what_reading_it_brought(  # noqa: PLR0917 - a table
    samples: int,
    recording: bool,  # noqa: FBT001 - a column of the table
    silent: int,
    interval: int | None,
    warnings: list[str],
    expected: Verdict,
) -> None:
    assert (
        judge(
            samples=samples,
            recording=recording,
            silent_seconds=silent,
            interval_ms=interval,
            warnings=warnings,
        )
        == expected
    )


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([DONE] * 4, Verdict(DONE)),
        ([LOST] * 4, Verdict(LOST, "of 4 windows: 4 lost")),
        ([DONE, LOST, DONE, DONE], Verdict(PARTIAL, "of 4 windows: 1 lost")),
        (
            [PARTIAL, LOST],
            Verdict(
                PARTIAL, "of 4 windows: 1 partial, 1 lost, 2 before the first window"
            ),
        ),
        ([], Verdict(LOST, "of 4 windows: 4 before the first window")),
    ],
)
def test_a_coarser_window_is_only_as_whole_as_its_finer_ones(
    states: list[str], expected: Verdict
) -> None:
    assert judge_merged(4, states) == expected
