from __future__ import annotations

import pytest

from models.naming import SeriesFacts, canonical, fingerprint_of


def test_facts_know_nothing_but_what_they_are_told() -> None:
    facts = SeriesFacts("up", canonical({"job": "j", "a": "", "__name__": "up"}))
    assert (facts.labels, facts.kind) == ('{"job":"j"}', "unknown")


def test_a_fingerprint_is_of_source_metric_and_labels() -> None:
    prints = {
        fingerprint_of(*names)
        for names in (("s", "m", "{}"), ("s2", "m", "{}"), ("s", "m2", "{}"))
    }
    assert len(prints) == 3
    assert fingerprint_of("s", "m", "{}") in prints


def test_labels_that_are_no_text_are_refused() -> None:
    with pytest.raises(ValueError, match="labels are not valid text"):
        canonical({"a": "\ud800"})
