from __future__ import annotations

import math

from bridge.answers.wording import FLAGS, words_of_flags, words_of_nothing, words_of_row
from bridge.rollup.rows import Flag
from tests.bridge.rollup.builders import HOUR, rows


def test_every_flag_has_its_words() -> None:
    assert set(FLAGS) == set(Flag)
    assert words_of_flags(0) == []
    assert words_of_flags(1 | 2 | 2**30) == [
        FLAGS[Flag.BASELINE],
        FLAGS[Flag.NAN],
        f"flags {2**30}, which are unknown here",
    ]


def test_a_counter_is_told() -> None:
    made = rows(
        {
            "count": 3,
            "first": 1.0,
            "last": 0.1,
            "increase": 6.0,
            "resets": 1,
            "last_offset": 45_500,
            "gap": 90_000,
            "flags": 8192,
        }
    )
    assert words_of_row(made, 60) == [
        "3 of 4 samples (75 %)",
        "from 1 to 0.10000000000000001, the last one 45.5 s after the start",
        "it rose by 6 (0.1 per second), with 1 reset",
        "for 90 s before one of the samples there was none",
        "samples that were declared wrong were left out",
    ]


def test_a_gauge_of_unknown_interval_is_told() -> None:
    made = rows({"expected": 0, "increase": math.nan, "last_offset": 0})
    assert words_of_row(made, 60)[0] == (
        "1 samples; how many there should be is not known"
    )


def test_no_row_is_told_by_the_ledger() -> None:
    assert words_of_nothing("done", "", HOUR) == (
        "no row: the series had no sample in the window, which is done"
    )
    assert words_of_nothing("lost", "asleep", HOUR) == (
        "no row: the window is lost (asleep)"
    )
    assert "is not in the ledger" in words_of_nothing("", "", HOUR)
