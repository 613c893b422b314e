from __future__ import annotations

import os

import numpy as np
import pytest

from exporter.prober.tally import PLACE, Cell, Tally


def test_outcomes_are_read_by_another_process_without_asking() -> None:
    tally = Tally.create(4)
    reader = Tally.attach(os.dup(tally.fd))
    tally.clear([1, 2])
    tally.note(1, "timeout", 1_000, 0.5)
    tally.note(1, "timeout", 2_000, 0.25)
    tally.note_successes(np.array([2]), 3_000, np.array([7_000_000]))
    one, two = reader.read([1, 2])
    assert one[: Cell.REASON].tolist() == [0, 2_000, 250_000_000]
    assert one[Cell.REASON + PLACE["timeout"]] == 2
    assert two[: Cell.REASON + 1].tolist() == [1, 3_000, 7_000_000, 1]


def test_it_grows_and_readers_follow() -> None:
    tally = Tally.create(1)
    reader = Tally.attach(os.dup(tally.fd))
    assert reader.read([5000])[0].sum() == 0
    tally.clear([5000])
    tally.note(5000, "", 9, 1.0)
    assert reader.read([5000, 0])[0][Cell.SUCCEEDED] == 1


def test_a_row_begins_anew_for_who_gets_it_next() -> None:
    tally = Tally.create(2)
    tally.note(1, "", 9, 1.0)
    tally.clear([1])
    assert tally.read([1]).sum() == 0
    tally.clear([])


def test_reasons_are_those_of_the_language() -> None:
    with pytest.raises(KeyError):
        Tally.create(1).note(0, "bad_luck", 0, 0.0)
