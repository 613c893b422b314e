from __future__ import annotations

from typing import Any

import pytest

from exporter.prober.details import details
from exporter.prober.messages import Latest, Row
from exporter.prober.view import View
from runtime.probing.wire import Result
from tests.exporter.exposition import values

WHO = ("job", "one", "module")


def found(kind: str, changes: int = 0, **told: Any) -> dict[str, Any]:
    result = Result(
        destination="one", probe="module", kind=kind, began_ms=1, seconds=1.0, **told
    )
    row = Row(4, "job", "one", "module", kind)
    view = View(now=0, rows=(row,), latest={4: Latest(4, result, changes)})
    return values(details(view))


@pytest.mark.parametrize(
    ("kind", "facts", "metric", "value"),
    [
        ("http", {"status": 404}, "netprobe_http_status_code", 404),
        ("http", {"body_bytes": 17}, "netprobe_http_body_bytes", 17),
        ("dns", {"answers": 2}, "netprobe_dns_answers", 2),
        ("throughput", {"rate": 1.5e6}, "netprobe_throughput_bytes_per_second", 1.5e6),
        ("traceroute", {"length": 7}, "netprobe_route_hops", 7),
        ("tls", {"tls": {"verified": False}}, "netprobe_certificate_verified", 0),
        (
            "http",
            {"tls": {"leaf_not_after": 1e9}},
            "netprobe_certificate_not_after_timestamp_seconds",
            1e9,
        ),
        (
            "tcp",
            {"tls": {"earliest_expiry": 2e9}},
            "netprobe_certificate_earliest_not_after_timestamp_seconds",
            2e9,
        ),
    ],
)
def test_facts_become_metrics(
    kind: str, facts: dict[str, Any], metric: str, value: float
) -> None:
    told = found(kind, facts=facts)
    assert told[metric] == {WHO: value}
    assert sum(len(samples) for samples in told.values()) == 1 + (kind == "traceroute")


def test_what_a_kind_does_not_know_is_not_told() -> None:
    assert (
        found("tcp", facts={"answers": 3, "status": 1, "tls": None})[
            "netprobe_dns_answers"
        ]
        == {}
    )


def test_phases_are_told() -> None:
    told = found("tcp", phases={"resolve": 0.25, "connect": 0.5})
    assert told["netprobe_phase_seconds"] == {
        (*WHO, "resolve"): 0.25,
        (*WHO, "connect"): 0.5,
    }


def test_a_way_is_told_hop_by_hop() -> None:
    hops = [
        {"ttl": 1, "sent": 2, "received": 2, "rtts": [0.25, 0.75]},
        {"ttl": 2, "sent": 2, "received": 0, "rtts": [None, None]},
    ]
    told = found("traceroute", 3, route="abcd", facts={"hops": hops, "length": 2})
    assert told["netprobe_hop_rtt_seconds"] == {(*WHO, "1"): 0.5}
    assert told["netprobe_hop_loss_ratio"] == {(*WHO, "1"): 0, (*WHO, "2"): 1}
    assert told["netprobe_route_info"] == {(*WHO, "abcd"): 1}
    assert told["netprobe_route_changes_total"] == {WHO: 3}
