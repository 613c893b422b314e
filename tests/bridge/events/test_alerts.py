from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.events.alerts import Alerts
from bridge.events.event import Event
from bridge.events.fingerprint import fingerprint
from tests.bridge.events.builders import MINUTE, seen

IDENTITY = {"alertname": "DiskFull", "instance": "db1:9100", "severity": "page"}
FIRING = {**IDENTITY, "alertstate": "firing"}


def test_a_firing_alert_is_one_event_per_window() -> None:
    assert Alerts().detect(seen("ALERTS", labels=FIRING)) == Event(
        source="main",
        fingerprint=fingerprint("alerts", IDENTITY),
        time=MINUTE * 1000,
        detector="alerts",
        category="alert",
        type="DiskFull",
        message="Alert DiskFull (severity page) was firing for db1:9100.",
        occurrences=1,
        workspace="shop",
        environment="production",
        metadata='{"alert":"DiskFull","labels":{"alertname":"DiskFull",'
        '"instance":"db1:9100","severity":"page"},"severity":"page"}',
    )


@pytest.mark.parametrize(
    ("labels", "type_", "message"),
    [
        ({"alertname": "Lag"}, "Lag", "Alert Lag was firing."),
        ({}, "unnamed_alert", "An unnamed alert was firing."),
    ],
)
def test_an_alert_is_named_by_what_is_known(
    labels: dict[str, str], type_: str, message: str
) -> None:
    event = Alerts().detect(seen("ALERTS", labels=labels))
    assert event is not None
    assert (event.type, event.message) == (type_, message)


@pytest.mark.parametrize("max_", [0.0, None])
def test_a_window_without_a_firing_sample_is_no_event(max_: float | None) -> None:
    assert Alerts().detect(seen("ALERTS", labels=FIRING, max=max_)) is None


@pytest.mark.rule(84)
def test_r84_a_long_alert_has_one_fingerprint() -> None:
    row = seen("ALERTS", labels=FIRING)
    events = [
        Alerts().detect(replace(row, start=MINUTE + 60 * i, count=i + 1))
        for i in range(3)
    ]
    assert len({event and event.fingerprint for event in events}) == 1
    assert [event and event.time for event in events] == [
        1000 * (MINUTE + 60 * i) for i in range(3)
    ]


@pytest.mark.parametrize(
    ("metric", "labels", "wanted"),
    [
        ("ALERTS", FIRING, True),
        ("ALERTS", {**FIRING, "alertstate": "pending"}, False),
        ("ALERTS", {}, False),
        ("ALERTS_FOR_STATE", FIRING, False),
    ],
)
def test_only_firing_alerts_are_wanted(
    metric: str, labels: dict[str, str], *, wanted: bool
) -> None:
    assert Alerts().wants(metric, labels) is wanted
