from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.families import Assembler, Members
from bridge.sources.members import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.sources.base import Families

NAN, INF = math.nan, math.inf
BUCKET, SUM, COUNT = Role.BUCKET, Role.SUM, Role.COUNT
Sample = tuple[int, int, Role, float, float]
"""Family, time, role, bound and value."""


def members(samples: Sequence[Sample], texts: Sequence[int] = ()) -> Members:
    columns = list(zip(*samples, strict=True)) or [()] * 5
    return Members(
        family=np.array(columns[0], np.int64),
        role=np.array(columns[2], np.int8),
        bound=np.array(columns[3], np.float64),
        text=np.array(texts or [0] * len(samples), np.int64),
        expected=np.full(len(samples), 4, np.int64),
        times=np.array(columns[1], np.int64),
        values=np.array(columns[4], np.float64),
    )


def assembled(*answers: Sequence[Sample], at_once: int = 1000) -> list[Families]:
    assembler = Assembler()
    for answer in answers:
        assembler.add(members(answer))
    return list(assembler.families(at_once))


def scrape(
    family: int, at: int, buckets: dict[float, float], total: float, count: float
) -> list[Sample]:
    return [
        *((family, at, BUCKET, bound, value) for bound, value in buckets.items()),
        (family, at, SUM, NAN, total),
        (family, at, COUNT, NAN, count),
    ]


@pytest.mark.rule(49)
def test_r49_buckets_that_write_one_bound_in_several_ways_are_added_up() -> None:
    buckets = [(1, 1000, BUCKET, bound, value) for bound, value in [
        (0.1, 1.0), (0.2, 1.0), (0.2, 2.0), (0.2, NAN), (0.2, 4.0), (INF, 8.0),
    ]]  # fmt: skip
    assembler = Assembler()
    assembler.add(members(buckets, [1, 2, 2, 3, 4, 5]))
    (found,) = assembler.families()
    assert found.bounds == ((0.1, 0.2, INF),)
    assert found.cumulative.tolist() == [[1.0, 6.0, 8.0]]


def test_members_of_one_scrape_become_one_line_of_a_family() -> None:
    (found,) = assembled(
        scrape(7, 1000, {0.5: 1, 2: 3, INF: 4}, 5.5, 4),
        scrape(7, 2000, {0.5: 1, 2: 4, INF: 5}, 6.5, 5),
        scrape(3, 1500, {1: 0, INF: 0}, 0, 0),
    )
    assert found.series_id.tolist() == [3, 7]
    assert found.offsets.tolist() == [0, 1, 3]
    assert found.times.tolist() == [1500, 1000, 2000]
    assert found.expected.tolist() == [4, 4]
    assert found.observations.tolist() == [0, 4, 5]
    assert found.totals.tolist() == [0, 5.5, 6.5]
    assert found.bounds == ((1.0, INF), (0.5, 2.0, INF))
    assert found.layout.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(found.cumulative, [[0, 0, NAN], [1, 3, 4], [1, 4, 5]])


@pytest.mark.rule(49)
def test_r49_a_bound_that_is_missing_at_a_time_is_another_layout() -> None:
    (found,) = assembled(
        [
            *scrape(1, 10, {1: 1, 2: 2, INF: 2}, 3, 2),
            *scrape(1, 20, {2: 2, INF: 2}, 3, 2),
            *scrape(1, 30, {1: 1, 2: 2, INF: 2}, 3, 2),
        ]
    )
    assert found.bounds == ((1.0, 2.0, INF), (2.0, INF))
    assert found.layout.tolist() == [0, 1, 0]
    np.testing.assert_array_equal(found.cumulative, [[1, 2, 2], [2, 2, NAN], [1, 2, 2]])


def test_a_member_that_is_missing_at_a_time_is_nan() -> None:
    (found,) = assembled(
        [
            (1, 10, COUNT, NAN, 3.0),
            (1, 20, SUM, NAN, 4.0),
            (1, 30, BUCKET, 1.0, NAN),
            (1, 30, BUCKET, INF, 5.0),
        ]
    )
    assert found.times.tolist() == [10, 20, 30]
    np.testing.assert_array_equal(found.observations, [3, NAN, 5])
    np.testing.assert_array_equal(found.totals, [NAN, 4, NAN])
    assert found.layout.tolist() == [-1, -1, 0]
    np.testing.assert_array_equal(found.cumulative, [[NAN, NAN], [NAN, NAN], [NAN, 5]])


def test_count_and_the_last_bucket_stand_in_for_each_other() -> None:
    (found,) = assembled(
        [
            (1, 10, BUCKET, 1.0, 2.0),
            (1, 10, COUNT, NAN, 3.0),
            (1, 20, BUCKET, 1.0, 2.0),
            (1, 20, BUCKET, INF, 4.0),
            (1, 30, BUCKET, 1.0, 2.0),
            (2, 10, BUCKET, 1.0, 2.0),
            (2, 10, SUM, NAN, 3.0),
        ]
    )
    assert found.bounds == ((1.0, INF),)
    assert found.layout.tolist() == [0, 0, -1, -1]
    np.testing.assert_array_equal(found.observations, [3, 4, NAN, NAN])
    np.testing.assert_array_equal(
        found.cumulative, [[2, 3], [2, 4], [NAN, NAN], [NAN, NAN]]
    )


@pytest.mark.rule(15)
def test_r15_of_several_values_of_a_member_the_largest_stays() -> None:
    (found,) = assembled(
        [(1, 10, BUCKET, 1.0, 1.0), (1, 10, BUCKET, INF, 3.0)],
        [(1, 10, BUCKET, 1.0, 2.0), (1, 10, BUCKET, INF, NAN)],
    )
    assert found.cumulative.tolist() == [[2, 3]]


def test_families_come_in_blocks_that_are_each_whole() -> None:
    samples = [
        sample
        for family in range(7)
        for at in (10, 20)
        for sample in scrape(family, at, {float(family): 1, INF: 2}, 3, 2)
    ]
    blocks = assembled(samples, at_once=3)
    assert [block.series_id.tolist() for block in blocks] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [block.bounds for block in blocks] == [
        ((0, INF), (1, INF), (2, INF)),
        ((3, INF), (4, INF), (5, INF)),
        ((6, INF),),
    ]
    assert [block.offsets.tolist() for block in blocks] == [
        [0, 2, 4, 6],
        [0, 2, 4, 6],
        [0, 2],
    ]


def test_nothing_makes_no_family() -> None:
    assert assembled() == []
    assert assembled([]) == []


SAMPLES = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(1, 3),
        st.sampled_from([BUCKET, BUCKET, SUM, COUNT]),
        st.sampled_from([0.5, 1.0, 2.0, INF]),
        st.sampled_from([0.0, 1.0, 2.0, 5.0, NAN, INF]),
    ),
    max_size=40,
)


@pytest.mark.rule(16)
@given(samples=SAMPLES, data=st.data())
def test_r16_families_do_not_depend_on_how_members_were_divided(
    samples: list[Sample], data: st.DataObject
) -> None:
    """Any order, any division among answers, and any of them twice."""
    expected = assembled(samples, at_once=2)
    mixed = data.draw(st.permutations(samples))
    cuts = data.draw(st.lists(st.integers(0, len(mixed)), max_size=5).map(sorted))
    answers = [
        mixed[begin:end]
        for begin, end in zip([0, *cuts], [*cuts, len(mixed)], strict=True)
    ]
    again = data.draw(st.lists(st.sampled_from(answers), max_size=3))
    found = assembled(*answers, *again, at_once=2)
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        for field in fields(mine):
            left, right = getattr(mine, field.name), getattr(theirs, field.name)
            if left is None or field.name == "bounds":
                assert left == right
            else:
                np.testing.assert_array_equal(left, right)
