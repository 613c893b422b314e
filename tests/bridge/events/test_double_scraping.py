from __future__ import annotations

import pytest

from bridge.events.double_scraping import DoubleScraping
from tests.bridge.events.builders import MINUTE, seen

LABELS = {"job": "node", "instance": "a:9100"}


@pytest.mark.rule(39)
def test_r39_more_than_one_and_a_half_times_the_samples_expected_are_reported() -> None:
    event = DoubleScraping().detect(seen("up", labels=LABELS, count=7, expected=4))
    assert event is not None
    assert (event.time, event.type) == (MINUTE * 1000, "double_scraping")
    assert event.message == (
        "The target a:9100 of job node was scraped 7 times in a minute instead of 4: "
        "two servers write its series; set replica_label to the label that tells them "
        "apart, or scrape once."
    )
    again = DoubleScraping().detect(seen("up", labels=LABELS, count=7, expected=4))
    assert again == event


@pytest.mark.rule(39)
@pytest.mark.parametrize(
    ("count", "expected"), [(6, 4), (5, 4), (4, 4), (0, 4), (2, 1), (99, 0)]
)
def test_r39_what_may_be_where_windows_are_cut_is_not_reported(
    count: int, expected: int
) -> None:
    row = seen("up", labels=LABELS, count=count, expected=expected)
    assert DoubleScraping().detect(row) is None


def test_one_series_speaks_for_its_target() -> None:
    assert DoubleScraping().wants("up", LABELS)
    assert not DoubleScraping().wants("node_load1", LABELS)
