from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.answers.probes import analytics as module
from bridge.answers.probes.analytics import analytics
from bridge.answers.probes.asked import Asked, picked
from bridge.answers.times import Span
from tests.probed import BEGIN, MINUTE, failure, known, result, run, store

if TYPE_CHECKING:
    from models.database import Database

HOUR = Span(BEGIN / 1000, BEGIN / 1000 + 3600)


def fill(db: Database) -> list[float]:
    """Store results of two destinations and agents; return all their times."""
    known(db, "a", "b")
    times = []
    for minute in range(30):
        at = BEGIN + minute * MINUTE
        pair = (minute + 1.0, minute + 101.0)
        several = result("a", at, rtts=(*pair, None), sent=3, received=2)
        second = failure("b", at) if minute % 3 == 0 else result("b", at, rtts=(0.5,))
        store(db, run(at, several, second), agent="here" if minute < 20 else "there")
        times += [*pair, *(() if minute % 3 == 0 else (0.5,))]
    return times


def test_figures_are_of_all_times_in_total_and_by_part(db: Database) -> None:
    times = fill(db)
    found = analytics(db, picked(db, Asked(job="gateways"), HOUR), HOUR)
    total = found.total
    assert (total.results, total.successes) == (60, 50)
    assert total.success_rate == 50 / 60
    assert (total.sent, total.received) == (120, 80)
    assert total.loss == pytest.approx(1 / 3)
    assert (total.rtt_min, total.rtt_max) == (0.5, 130.0)
    assert total.rtt_mean == pytest.approx(np.mean(times))
    assert total.percentiles == pytest.approx(
        {f"p{share}": np.quantile(times, share / 100) for share in (50, 90, 95, 99)}
    )
    assert not found.estimated
    first, second = found.by["destination"]
    assert (first.name, first.results, second.name) == ("a", 30, "b")
    assert second.percentiles["p50"] == 0.5
    assert [(one.name, one.results) for one in found.by["agent"]] == [
        ("here", 40),
        ("there", 20),
    ]
    assert [(one.name, one.results) for one in found.by["reason"]] == [
        ("", 50),
        ("timeout", 10),
    ]
    assert [one.name for one in found.by["probe"]] == ["icmp"]
    for parts in found.by.values():
        assert sum(one.results for one in parts) == 60
    assert 0 < (found.uptime or 0) < 1


def test_parts_with_very_many_names_have_no_percentiles(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(db)
    monkeypatch.setattr(module, "MOST_TIMED", 1)
    found = analytics(db, picked(db, Asked(), HOUR), HOUR)
    assert [one.percentiles for one in found.by["destination"]] == [{}, {}]
    assert found.by["probe"][0].percentiles == found.total.percentiles


def test_nothing_found_is_nothing_known(db: Database) -> None:
    known(db, "a")
    found = analytics(db, picked(db, Asked(destination="a"), HOUR), HOUR)
    assert (found.total.results, found.total.success_rate) == (0, None)
    assert set(found.total.percentiles.values()) == {None}
    assert found.uptime is None
    assert set(found.by.values()) == {()}
