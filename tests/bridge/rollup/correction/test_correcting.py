from __future__ import annotations

import math

import numpy as np
import pytest

from bridge.rollup.correction.correcting import MOST, edits, stepped
from bridge.rollup.correction.tiers import Uncorrectable
from bridge.rollup.rows import Flag, Rows
from models.database import open_database
from models.queries.corrections import CorrectionRow
from tests.bridge.rollup.builders import rows


def counter(**given: float) -> Rows:
    return rows({"first": 10.0, "last": 14.0, "increase": 9.0, **given})


def test_the_first_step_is_measured_from_another_value() -> None:
    # From 5 to 10 and on to 14; now from 2.
    row = stepped(counter(), 5.0, 2.0)
    assert row.increase.tolist() == [12.0]
    assert row.resets.tolist() == [0]


def test_a_reset_that_only_the_wrong_values_made_is_none() -> None:
    # From 1000 to 10 was a reset that added 10, and then 4.
    row = stepped(counter(increase=14.0, resets=1), 1000.0, 6.0)
    assert row.increase.tolist() == [8.0]
    assert row.resets.tolist() == [0]


def test_a_reset_that_they_hid_is_one() -> None:
    row = stepped(counter(increase=14.0), 0.0, 12.0)
    assert row.increase.tolist() == [14.0]
    assert row.resets.tolist() == [1]


def test_without_a_value_before_the_first_sample_is_only_measured_from() -> None:
    row = stepped(counter(), 5.0, math.nan)
    assert row.increase.tolist() == [4.0]
    assert row.flags.tolist() == [Flag.BASELINE]
    back = stepped(row, math.nan, 5.0)
    assert back.increase.tolist() == [9.0]
    assert back.flags.tolist() == [0]


def test_a_step_that_was_left_out_is_not_taken_off() -> None:
    row = stepped(counter(increase=4.0, flags=512), 5.0, 8.0)
    assert row.increase.tolist() == [6.0]


def test_the_longest_gap_stays() -> None:
    assert stepped(counter(), 5.0, 2.0, 90_000).gap.tolist() == [90_000]
    assert stepped(counter(gap=99_000), 5.0, 2.0, 90_000).gap.tolist() == [99_000]


def test_one_correction_has_a_bound() -> None:
    row = CorrectionRow(1, "s", "up", 0, 60 * MOST, "ignore", "", "", 0)
    db = open_database("sqlite:////nowhere/at/all.db")
    with pytest.raises(Uncorrectable, match="more than the 500000 of one correction"):
        list(edits(db, row, np.array([1, 2], np.int64)))
