from __future__ import annotations

import pytest

from bridge.events import detectors
from runtime.settings import Events
from tests.bridge.events.builders import seen


def names(source_kind: str = "prometheus", **switches: bool) -> list[str]:
    found = detectors(Events.model_validate(switches), source_kind)
    return [detector.name for detector in found]


def test_all_detectors_look_at_what_prometheus_recorded() -> None:
    assert names() == ["down", "statuses", "alerts", "double_scraping"]


def test_a_source_that_scrapes_by_itself_is_not_asked_for_what_it_reports() -> None:
    assert names("scrape") == ["statuses", "alerts", "double_scraping"]


@pytest.mark.setting("events.down")
def test_failed_scrapes_can_be_left_out() -> None:
    assert names(down=False) == ["statuses", "alerts", "double_scraping"]


@pytest.mark.setting("events.statuses")
def test_failed_requests_can_be_left_out() -> None:
    assert names(statuses=False) == ["down", "alerts", "double_scraping"]


@pytest.mark.setting("events.alerts")
def test_alerts_can_be_left_out() -> None:
    assert names(alerts=False) == ["down", "statuses", "double_scraping"]


@pytest.mark.setting("events.double_scraping")
def test_targets_that_are_scraped_twice_can_be_left_out() -> None:
    assert names(double_scraping=False) == ["down", "statuses", "alerts"]


@pytest.mark.setting("events.status_labels")
def test_the_labels_that_hold_a_status_can_be_chosen() -> None:
    labels = {"answer": "500"}
    usual = detectors(Events(), "scrape")[0]
    chosen = detectors(Events.model_validate({"status_labels": ["answer"]}), "scrape")
    assert not usual.wants("requests_total", labels)
    assert chosen[0].wants("requests_total", labels)


@pytest.mark.setting("events.endpoint_labels")
def test_the_labels_that_name_an_endpoint_can_be_chosen() -> None:
    settings = Events.model_validate({"endpoint_labels": ["page", "route"]})
    statuses = detectors(settings, "scrape")[0]
    labels = {"code": "500", "route": "/pay", "page": "/cart"}
    event = statuses.detect(seen("requests_total", labels=labels, increase=1.0))
    assert event is not None
    assert event.endpoint == "/cart"
