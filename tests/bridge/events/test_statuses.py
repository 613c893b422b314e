from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.events.event import Event
from bridge.events.fingerprint import fingerprint
from bridge.events.statuses import Statuses
from tests.bridge.events.builders import MINUTE, seen

DETECTOR = Statuses(("status", "code"), ("route", "path"))
LABELS = {
    "client": "10.1.2.3",
    "code": "503",
    "instance": "web1:80",
    "method": "GET",
    "path": "/cart",
}


def failed(increase: float | None = 3.0, **labels: str) -> Event | None:
    return DETECTOR.detect(
        seen("http_requests_total", labels=labels or LABELS, increase=increase)
    )


def test_the_increase_of_a_counter_of_failures_is_an_event() -> None:
    assert failed() == Event(
        source="main",
        fingerprint=fingerprint("statuses", "http_requests_total", LABELS),
        time=MINUTE * 1000,
        detector="statuses",
        category="server_error",
        type="http_503",
        message="3 GET requests to /cart were answered 503 Service Unavailable "
        "(http_requests_total).",
        occurrences=3,
        status=503,
        endpoint="/cart",
        client="10.1.2.3",
        workspace="shop",
        environment="production",
        metadata='{"labels":{"client":"10.1.2.3","code":"503","instance":"web1:80",'
        '"method":"GET","path":"/cart"},"method":"GET",'
        '"metric":"http_requests_total"}',
    )


@pytest.mark.parametrize("increase", [None, 0.0, -1.0])
def test_a_counter_that_did_not_rise_is_no_event(increase: float | None) -> None:
    assert failed(increase) is None


def test_fractions_are_rounded_but_never_away() -> None:
    events = [failed(increase) for increase in (0.3, 2.6)]
    assert [event and event.occurrences for event in events] == [1, 3]


@pytest.mark.parametrize(
    ("value", "category", "type_", "status", "said"),
    [
        ("404", "client_error", "http_404", 404, "404 Not Found"),
        ("499", "client_error", "http_499", 499, "499"),
        ("599", "server_error", "http_599", 599, "599"),
        ("4xx", "client_error", "http_4xx", None, "4xx"),
        ("5XX", "server_error", "http_5xx", None, "5xx"),
    ],
)
def test_a_status_or_a_class_of_them_gives_category_and_type(
    value: str, category: str, type_: str, status: int | None, said: str
) -> None:
    event = failed(1.0, status=value)
    assert event is not None
    assert (event.category, event.type, event.status) == (category, type_, status)
    assert event.message == f"1 request was answered {said} (http_requests_total)."


@pytest.mark.parametrize(
    "value", ["200", "302", "2xx", "600", "40", "4040", "4x4", "NotFound", "", "٤٠٤"]
)
def test_other_values_are_no_failures(value: str) -> None:
    assert not DETECTOR.wants("http_requests_total", {"status": value})


def test_the_first_label_that_holds_a_status_decides() -> None:
    wants = DETECTOR.wants
    assert wants("http_requests_total", {"status": "error", "code": "500"})
    assert not wants("http_requests_total", {"status": "200", "code": "500"})
    assert not wants("http_requests_total", {"http_status": "500"})


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [
        ("http_requests_total", True),
        ("http_request_duration_seconds", False),
        ("http_request_duration_seconds_count", True),
        ("nginx_ingress_controller_requests", True),
        ("haproxy_backend_http_responses", True),
        ("http_request_duration_seconds_sum", False),
        ("http_requests_created", False),
        ("http_response_size_bytes_total", False),
        ("http_request_duration_seconds_total", False),
        ("http_request_milliseconds_total", False),
        ("probe_http_status_code", False),
    ],
)
def test_only_what_counts_requests_is_an_event(metric: str, *, wanted: bool) -> None:
    row = seen(metric, labels=LABELS, increase=1.0)
    found = DETECTOR.wants(metric, LABELS) and DETECTOR.detect(row) is not None
    assert found is wanted


def test_each_observation_of_a_histogram_is_a_request() -> None:
    row = seen("http_request_duration_seconds", labels=LABELS, increase=3.0, min=None)
    assert DETECTOR.wants(row.metric, LABELS)
    event = DETECTOR.detect(row)
    assert event is not None
    assert (event.occurrences, event.type) == (3, "http_503")


def test_a_request_that_two_metrics_count_names_the_metric_in_both_events() -> None:
    row = seen("http_requests_total", labels=LABELS, increase=1.0)
    other = replace(row, metric="http_request_duration_seconds_count")
    events = [DETECTOR.detect(row), DETECTOR.detect(other)]
    assert len({event and event.fingerprint for event in events}) == 2
    assert [event and event.metadata.count(row.metric) for event in events] == [1, 0]


@pytest.mark.rule(84)
def test_r84_the_fingerprint_holds_no_count_and_no_time() -> None:
    row = seen("http_requests_total", labels=LABELS, increase=1.0)
    later = replace(row, start=MINUTE + 60, increase=9.0, sum=77.0)
    events = [DETECTOR.detect(row), DETECTOR.detect(row), DETECTOR.detect(later)]
    assert events[0] == events[1] != events[2]
    assert len({event and event.fingerprint for event in events}) == 1
