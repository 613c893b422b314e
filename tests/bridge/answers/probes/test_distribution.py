"""Every time is counted once, in the cell that it lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.answers.errors import QuestionError
from bridge.answers.probes.asked import Asked, picked
from bridge.answers.probes.distribution import bounds_of, distribution
from bridge.answers.times import Span
from models.queries import results
from tests.probed import BEGIN, MINUTE, failure, known, result, run, store

if TYPE_CHECKING:
    from models.database import Database

START = BEGIN // 1000
TEN = Span(START, START + 600)


def test_cells_hold_exactly_the_times_between_their_bounds(db: Database) -> None:
    known(db, "a")
    dice = np.random.default_rng(5)
    for minute in range(10):
        at = BEGIN + minute * MINUTE
        times = tuple(np.exp(dice.normal(-6, 2, 20)).tolist())
        store(db, run(at, result("a", at, rtts=times, sent=21, received=20)))
    store(db, run(BEGIN + 1, failure("a")))
    of = picked(db, Asked(destination="a"), TEN)
    found = distribution(db, of, TEN, 120, per_doubling=4)
    assert (found.start, found.width) == (START // 120 * 120, 120)
    told = np.zeros_like(found.counts)
    for row in results.stream(db, of):
        for time in row.rtts:
            if time is not None:
                cell = int(np.searchsorted(found.bounds, time))
                told[(row.scheduled_ms // 1000 - found.start) // 120, cell] += 1
    assert found.counts.tolist() == told.tolist()
    assert found.counts.sum() == 200
    assert (found.sent.sum(), found.received.sum()) == (211, 200)
    assert (found.results.sum(), found.failed.sum()) == (11, 1)
    assert found.counts[:, 0].sum() == 0
    coarse = distribution(db, of, TEN, 600, per_doubling=4)
    assert coarse.counts.sum(axis=0).tolist() == found.counts.sum(axis=0).tolist()


def test_a_time_on_a_bound_lies_below_it() -> None:
    bounds = bounds_of(2)
    assert bounds[0] == 1e-6
    assert bounds[-1] == pytest.approx(1e-6 * 2**30)
    assert np.allclose(np.diff(np.log2(bounds)), 0.5)


def test_medians_lie_in_the_bucket_that_holds_them(db: Database) -> None:
    known(db, "a")
    store(db, run(BEGIN, result("a", rtts=(0.01, 0.02, 5.0), sent=3, received=3)))
    of = picked(db, Asked(destination="a"), TEN)
    found = distribution(db, of, TEN, 300)
    assert found.median[0] == pytest.approx(0.02, rel=0.1)
    assert np.isnan(found.median[-1])


def test_nothing_found_has_no_bounds(db: Database) -> None:
    known(db, "a")
    of = picked(db, Asked(destination="a"), TEN)
    found = distribution(db, of, TEN, 60)
    assert found.bounds.tolist() == []
    assert len(found.counts) == len(found.results)
    assert not found.results.any()
    with pytest.raises(QuestionError, match="spans are more than"):
        distribution(db, of, Span(0, 3000), 1)
