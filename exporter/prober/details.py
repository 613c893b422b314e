"""Metrics of what the newest results of each kind of probe say beyond success."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.collectors.base import Family, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from exporter.prober.view import View
    from runtime.probing.wire import Result

    Who = tuple[str, str, str]

_WHO: Final = ("job_name", "destination", "probe")

PHASE: Final = Metric(
    "netprobe_phase_seconds",
    "gauge",
    "How long each phase of the last probe took.",
    (*_WHO, "phase"),
)
HTTP_STATUS: Final = Metric(
    "netprobe_http_status_code", "gauge", "Status of the last answer.", _WHO
)
HTTP_BODY: Final = Metric(
    "netprobe_http_body_bytes", "gauge", "Size of the last answer's body.", _WHO
)
LEAF_END: Final = Metric(
    "netprobe_certificate_not_after_timestamp_seconds",
    "gauge",
    "When the certificate of the last handshake ends.",
    _WHO,
)
CHAIN_END: Final = Metric(
    "netprobe_certificate_earliest_not_after_timestamp_seconds",
    "gauge",
    "When the first of the certificates that were shown ends.",
    _WHO,
)
VERIFIED: Final = Metric(
    "netprobe_certificate_verified",
    "gauge",
    "Whether the certificates of the last handshake are in order.",
    _WHO,
)
DNS_ANSWERS: Final = Metric(
    "netprobe_dns_answers", "gauge", "Records of the last answer.", _WHO
)
THROUGHPUT: Final = Metric(
    "netprobe_throughput_bytes_per_second",
    "gauge",
    "Rate of the last download.",
    _WHO,
)
ROUTE_HOPS: Final = Metric(
    "netprobe_route_hops", "gauge", "Length of the way that was traced last.", _WHO
)
ROUTE_INFO: Final = Metric(
    "netprobe_route_info",
    "gauge",
    "The way that was traced last, as a hash of its hops; always 1.",
    (*_WHO, "route"),
)
ROUTE_CHANGES: Final = Metric(
    "netprobe_route_changes_total",
    "counter",
    "How often the way became another one.",
    _WHO,
)
HOP_RTT: Final = Metric(
    "netprobe_hop_rtt_seconds",
    "gauge",
    "Mean round-trip time of a hop of the way that was traced last.",
    (*_WHO, "ttl"),
)
HOP_LOSS: Final = Metric(
    "netprobe_hop_loss_ratio",
    "gauge",
    "Part of the packets that a hop did not answer.",
    (*_WHO, "ttl"),
)

_FACTS: Final = (
    (HTTP_STATUS, "http", ("status",)),
    (HTTP_BODY, "http", ("body_bytes",)),
    (LEAF_END, "", ("tls", "leaf_not_after")),
    (CHAIN_END, "", ("tls", "earliest_expiry")),
    (VERIFIED, "", ("tls", "verified")),
    (DNS_ANSWERS, "dns", ("answers",)),
    (THROUGHPUT, "throughput", ("rate",)),
    (ROUTE_HOPS, "traceroute", ("length",)),
)
"""Metric, kind ('' for any), and where the value is in the facts."""


def details(view: View) -> list[Family]:
    """Return what the newest results say, but those of echoes."""
    known: list[tuple[Who, Result]] = []
    changes: list[tuple[Who, float]] = []
    for row in view.rows:
        latest = view.latest.get(row.row)
        if latest is None:
            continue
        who = (row.job, row.destination, row.probe)
        known.append((who, latest.result))
        if row.kind == "traceroute":
            changes.append((who, latest.changes))
    phases = [
        ((*who, phase), seconds)
        for who, result in known
        for phase, seconds in result.phases.items()
    ]
    routes = [((*who, one.route), 1.0) for who, one in known if one.route]
    return [
        Family(PHASE, phases),
        *(Family(metric, _values(known, kind, path)) for metric, kind, path in _FACTS),
        Family(ROUTE_INFO, routes),
        Family(ROUTE_CHANGES, changes),
        Family(HOP_RTT, list(_hops(known, _mean))),
        Family(HOP_LOSS, list(_hops(known, _loss))),
    ]


def _values(
    known: Iterable[tuple[Who, Result]], kind: str, path: tuple[str, ...]
) -> list[tuple[Who, float]]:
    found = []
    for who, result in known:
        if kind and result.kind != kind:
            continue
        value: Any = result.facts
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            found.append((who, float(value)))
    return found


def _hops(
    known: Iterable[tuple[Who, Result]], of: Callable[[dict[str, Any]], float | None]
) -> Iterator[tuple[tuple[str, ...], float]]:
    for who, result in known:
        for hop in result.facts.get("hops", ()):
            value = of(hop)
            if value is not None:
                yield (*who, str(hop["ttl"])), value


def _mean(hop: dict[str, Any]) -> float | None:
    times = [seconds for seconds in hop.get("rtts", ()) if seconds is not None]
    return sum(times) / len(times) if times else None


def _loss(hop: dict[str, Any]) -> float | None:
    sent = hop.get("sent", 0)
    return 1 - hop.get("received", 0) / sent if sent else None
