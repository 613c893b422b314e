from __future__ import annotations

from exporter.otlp.counts import OUTCOMES, REASONS, Counts
from tests.exporter.exposition import values


def test_everything_is_there_from_the_beginning() -> None:
    found = values(Counts().families(0))
    prefix = "epimetheus_exporter_otlp"
    assert found[f"{prefix}_pushes_total"] == {(name,): 0 for name in OUTCOMES}
    assert found[f"{prefix}_points_dropped_total"] == {(name,): 0 for name in REASONS}
    assert found[f"{prefix}_points_sent_total"] == {(): 0}
    assert found[f"{prefix}_last_success_timestamp_seconds"] == {(): 0}


def test_what_happens_is_counted() -> None:
    counts = Counts()
    counts.pushed("busy", 0.5)
    counts.pushed("accepted", 0.25)
    counts.sent(100, 1000.0)
    counts.dropped("rejected", 7)
    found = values(counts.families(3))
    prefix = "epimetheus_exporter_otlp"
    assert found[f"{prefix}_pushes_total"]["busy",] == 1
    assert found[f"{prefix}_pushes_total"]["accepted",] == 1
    assert found[f"{prefix}_points_sent_total"] == {(): 100}
    assert found[f"{prefix}_points_dropped_total"]["rejected",] == 7
    assert found[f"{prefix}_last_success_timestamp_seconds"] == {(): 1000.0}
    assert found[f"{prefix}_push_duration_seconds"] == {(): 0.25}
    assert found[f"{prefix}_queued_pushes"] == {(): 3}
