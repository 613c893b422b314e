from __future__ import annotations

import math

import pytest

from bridge.sources.members import Role, bound_of, family_labels


@pytest.mark.rule(49)
@pytest.mark.parametrize("text", ["1", "1.0", "1e0", "+1", "1.00"])
def test_r49_a_bound_is_a_number_however_it_is_written(text: str) -> None:
    assert bound_of(text) == 1.0


@pytest.mark.parametrize("text", ["+Inf", "Inf", "inf", "+inf"])
def test_the_last_bucket_ends_at_infinity(text: str) -> None:
    assert bound_of(text) == math.inf


def test_minus_zero_is_zero() -> None:
    assert repr(bound_of("-0")) == "0.0"


@pytest.mark.parametrize("text", ["", "x", "NaN", "-Inf", "1_0", " 1", "1 "])
def test_what_is_no_number_bounds_nothing(text: str) -> None:
    assert bound_of(text) is None


def test_only_a_bucket_leaves_its_bound_behind() -> None:
    labels = {"job": "a", "le": "1"}
    assert family_labels(labels, Role.BUCKET) == {"job": "a"}
    assert family_labels(labels, Role.SUM) == labels
