from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.rollup.buckets.blobs import merge
from bridge.rollup.buckets.distinct import ERROR, REGISTERS, estimate, hashes, sketches

HASHES = [7581539700567627744, 12351166068105863056, 7722908080250074269]


def sketch(values: list[str]) -> bytes:
    return sketches(hashes(values), np.zeros(len(values), np.int64), 1)[0]


@pytest.mark.rule(57)
def test_r57_a_client_of_each_of_1440_minutes_is_one_client_of_the_day() -> None:
    minutes = [sketch(["203.0.113.7"]) for _ in range(1440)]
    assert estimate(merge([minutes])[0]) == pytest.approx(1, abs=0.01)


@pytest.mark.rule(57)
@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=4), max_size=20), min_size=1, max_size=6))
def test_r57_a_union_is_that_of_the_values(minutes: list[list[str]]) -> None:
    parts = [sketch(values) for values in minutes]
    whole = sketch([value for values in minutes for value in values])
    assert merge([parts])[0] == whole
    assert merge([parts[::-1]])[0] == whole


@pytest.mark.rule(58)
@pytest.mark.parametrize("count", [0, 1, 10, 1_000, 3_000, 12_000, 60_000])
def test_r58_the_error_is_within_three_standard_errors(count: int) -> None:
    found = estimate(sketch([f"client-{number}" for number in range(count)]))
    assert abs(found - count) <= 3 * ERROR * count


@pytest.mark.rule(58)
def test_r58_hashes_never_change() -> None:
    assert hashes(["", "203.0.113.7", "ü"]).tolist() == HASHES


def test_small_sets_are_small_and_none_is_larger_than_its_registers() -> None:
    assert len(sketch(["a", "b", "a"])) == 4 + 2 * 3
    assert len(sketch([str(number) for number in range(50_000)])) == 4 + REGISTERS


def test_each_owner_has_a_sketch_of_its_own() -> None:
    owner = np.array([0, 2, 2, 0], np.int64)
    found = sketches(hashes(["a", "b", "c", "a"]), owner, 3)
    assert [round(estimate(blob)) for blob in found] == [1, 0, 2]


def test_all_bits_of_a_hash_are_looked_at() -> None:
    hashed = np.array([0, 1, 2**51, 2**52 - 1, 2**64 - 1], np.uint64)
    found = sketches(hashed, np.arange(5), 5)
    runs = [blob[-1] for blob in found]
    assert runs == [53, 52, 1, 1, 1]


@pytest.mark.rule(55)
def test_r55_another_precision_does_not_merge() -> None:
    other = bytearray(sketch(["a"]))
    other[2] = 14
    with pytest.raises(ValueError, match=r"2\^14 registers"):
        merge([[sketch(["a"]), bytes(other)]])
