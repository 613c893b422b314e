from __future__ import annotations

import pytest

from bridge.rollup.merge import Merger, merge
from bridge.rollup.rows import Flag
from bridge.rollup.windows import Resolution
from tests.bridge.rollup.builders import (
    DAY,
    HOUR,
    INF,
    Row,
    row,
    rows,
    table,
)


def hour(*minutes: Row) -> Row:
    (found,) = table(merge([rows(*minutes)], Resolution.HOUR))
    return found


def minute(number: int, **given: float | None) -> Row:
    return row(start=HOUR + 60 * number, **given)


def empty(number: int) -> Row:
    nothing = dict.fromkeys(("sum", "min", "max", "first", "last", "increase"))
    return minute(number, count=0, flags=Flag.NAN, **nothing)


def test_each_column_merges_by_itself() -> None:
    first = minute(
        0, count=2, sum=5.0, min=1.0, max=4.0, first=4.0, last=1.0, increase=3.0
    )
    second = minute(
        7,
        count=3,
        sum=6.0,
        min=0.5,
        max=3.5,
        first=2.0,
        last=3.5,
        increase=1.5,
        resets=2,
        expected=6,
        flags=Flag.IMPRECISE,
        last_offset=15_000,
        gap=90_000,
        changes=2,
    )
    assert hour(first, second) == row(
        count=5,
        sum=11.0,
        min=0.5,
        max=4.0,
        first=4.0,
        last=3.5,
        increase=4.5,
        resets=2,
        expected=360,
        flags=Flag.IMPRECISE,
        last_offset=435_000,
        gap=90_000,
        changes=3,
    )


def test_rows_without_a_sample_leave_only_their_flags() -> None:
    some = minute(1, sum=5.0, min=5.0, max=5.0, first=5.0, last=5.0, increase=2.0)
    assert hour(empty(0), some, empty(2)) == {
        **some,
        "start": HOUR,
        "expected": 240,
        "flags": Flag.NAN,
        "last_offset": 60_000,
    }
    assert hour(empty(0), empty(1)) == {**empty(0), "start": HOUR, "expected": 240}


def test_expected_is_what_the_fullest_minute_expected_of_the_whole_hour() -> None:
    half = [minute(number, expected=4) for number in range(30, 60)]
    found = hour(minute(29, expected=2), *half)
    assert (found["count"], found["expected"]) == (31, 240)


@pytest.mark.rule(25)
def test_r25_an_hour_lacks_its_first_step_where_its_earliest_samples_did() -> None:
    baseline = minute(3, increase=0.0, flags=Flag.BASELINE)
    assert hour(empty(0), baseline, minute(4))["flags"] == Flag.BASELINE | Flag.NAN
    assert hour(minute(2, increase=1.0), baseline)["flags"] == 0


@pytest.mark.rule(14)
@pytest.mark.parametrize(
    ("sums", "flags", "total", "flag"),
    [
        ((INF, 1.0), (Flag.INFINITE, 0), INF, Flag.INFINITE),
        ((INF, -INF), (Flag.INFINITE,) * 2, None, Flag.INFINITE | Flag.NO_SUM),
        ((None, 1.0), (Flag.NO_SUM, 0), None, Flag.NO_SUM),
        ((1e308, 1e308), (0, 0), None, Flag.NO_SUM),
    ],
)
def test_r14_a_sum_that_says_nothing_stays_null(
    sums: tuple[float | None, ...],
    flags: tuple[int, ...],
    total: float | None,
    flag: int,
) -> None:
    found = hour(*(minute(i, sum=sums[i], flags=flags[i]) for i in range(2)))
    assert (found["sum"], found["flags"]) == (total, flag)


@pytest.mark.rule(17)
def test_r17_sums_of_minutes_are_compensated() -> None:
    parts = [1e16, 1.0, -1e16, 1.0]
    merged = hour(*(minute(i, sum=part, increase=part) for i, part in enumerate(parts)))
    assert (merged["sum"], merged["increase"]) == (2.0, 2.0)


@pytest.mark.rule(40)
def test_r40_a_mean_is_the_sum_of_sums_over_the_sum_of_counts() -> None:
    quiet = row(start=DAY, count=1, sum=0.0)
    busy = row(start=DAY + 3600, count=59, sum=59 * 60.0)
    (day,) = table(merge([rows(quiet, busy)], Resolution.DAY))
    assert float(day["sum"] or 0) / int(day["count"] or 0) == 59.0


@pytest.mark.rule(41)
def test_r41_counts_add_and_are_not_counted() -> None:
    assert hour(*(minute(i, count=4) for i in range(60)))["count"] == 240


@pytest.mark.rule(43)
@pytest.mark.parametrize("resolution", Resolution)
def test_r43_the_same_width_is_the_identity(resolution: Resolution) -> None:
    day = row(start=DAY, series_id=9, increase=INF, sum=None, flags=Flag.NO_SUM)
    given_rows = [row(start=DAY), row(start=DAY + 86400, flags=Flag.BASELINE), day]
    same = merge([rows(*given_rows)], resolution, resolution)
    assert table(same) == given_rows


@pytest.mark.rule(8)
def test_r8_widths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^day rows do not make up a hour$"):
        Merger(Resolution.HOUR, Resolution.DAY)


def test_nothing_merges_to_nothing() -> None:
    assert table(merge([], Resolution.HOUR)) == []
    merger = Merger(Resolution.HOUR)
    merger.add(rows())
    assert table(merger.result()) == []


def test_a_merger_takes_new_series_at_any_minute() -> None:
    merger = Merger(Resolution.HOUR)
    merger.add(rows(minute(0, series_id=5, sum=1e16), minute(0, series_id=3)))
    merger.add(rows(minute(1, series_id=5, sum=1.0)))
    merger.add(rows(*(minute(2, series_id=i, sum=-1e16) for i in (1, 5, 9))))
    merger.add(rows(*(minute(3, series_id=i, sum=1.0) for i in (9, 5, 3))))
    assert [(one["series_id"], one["sum"]) for one in table(merger.result())] == [
        (1, -1e16),
        (3, 2.0),
        (5, 2.0),
        (9, -1e16 + 1.0),
    ]


def test_a_result_is_not_changed_by_what_is_added_later() -> None:
    merger = Merger(Resolution.HOUR)
    merger.add(rows(minute(0)))
    early = merger.result()
    merger.add(rows(minute(1, series_id=1), minute(1, series_id=2)))
    merger.add(rows(minute(2)))
    assert table(early) == [{**row(), "expected": 240}]


@pytest.mark.rule(47)
@pytest.mark.parametrize("again", [minute(1), minute(0)])
def test_a_minute_added_twice_or_out_of_order_is_refused(again: Row) -> None:
    merger = Merger(Resolution.HOUR)
    merger.add(rows(minute(0), minute(1)))
    with pytest.raises(ValueError, match=r"^the rows of a series are not in the order"):
        merger.add(rows(again))
    with pytest.raises(ValueError, match=r"^the rows of a series are not in the order"):
        merge([rows(minute(0)), rows(minute(0))], Resolution.HOUR)


def test_minutes_of_another_hour_are_refused() -> None:
    merger = Merger(Resolution.HOUR)
    merger.add(rows(minute(59)))
    with pytest.raises(ValueError, match=rf"^rows beside the hour .* at {HOUR}$"):
        merger.add(rows(minute(60)))
