"""What the vocabularies of all kinds of probes share."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from exporter.collectors.base import Family, Metric

if TYPE_CHECKING:
    from runtime.probing.wire import Result


def gauge(name: str, text: str, *labels: str) -> Metric:
    """Return a metric of a probe; all of them are gauges."""
    return Metric(f"probe_{name}", "gauge", text, labels)


SUCCESS: Final = gauge("success", "Displays whether or not the probe was a success")
DURATION: Final = gauge(
    "duration_seconds", "Returns how long the probe took to complete in seconds"
)
LOOKUP: Final = gauge(
    "dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds"
)
PROTOCOL: Final = gauge(
    "ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6"
)
HASH: Final = gauge(
    "ip_addr_hash",
    "Specifies the hash of IP address. It's useful to detect if the IP address "
    "changes.",
)
REGEX: Final = gauge("failed_due_to_regex", "Indicates if probe failed due to regex")
FAILURE: Final = gauge("failure_info", "Why the probe failed, value is 1.", "reason")
PHASES: Final = gauge("phase_seconds", "Duration of the probe by phase.", "phase")


def of_any_kind(result: Result) -> list[Family]:
    """Return what is said of every result."""
    found = [
        SUCCESS.of(int(result.succeeded)),
        DURATION.of(_seconds(result)),
        LOOKUP.of(result.phases.get("resolve", 0.0)),
        PROTOCOL.of(_protocol(result.address)),
        HASH.of(address_hash(result.address)),
    ]
    if not result.succeeded:
        found.append(Family(FAILURE, [((result.reason,), 1)]))
    return found


def _seconds(result: Result) -> float:
    """Return how long a probe took.

    Of a single echo request that is what its name and its reply took: requests leave,
    and replies are read, at beats of the prober that say nothing of the destination.
    """
    if result.kind == "icmp" and result.sent == result.received == 1:
        return result.phases.get("resolve", 0.0) + (result.rtts[0] or 0.0)
    return result.seconds


def address_hash(ip: str) -> int:
    """Return the 32 bits of FNV-1a of an address' bytes, 0 for no address."""
    if not ip:
        return 0
    state = 0x811C9DC5
    for byte in ipaddress.ip_address(ip.partition("%")[0]).packed:
        state = (state ^ byte) * 0x01000193 & 0xFFFFFFFF
    return state


def by_phase(metric: Metric, result: Result, *always: str) -> Family:
    """Return the phases of a result; those that are always said are 0 if left out."""
    phases = {**dict.fromkeys(always, 0.0), **result.phases}
    return Family(metric, [((name,), phases[name]) for name in sorted(phases)])


def values(metrics: dict[str, Metric], facts: dict[str, Any]) -> list[Family]:
    """Return these facts, 0 where the probe did not come that far."""
    return [metric.of(float(facts.get(name, 0))) for name, metric in metrics.items()]


def _protocol(ip: str) -> int:
    return ipaddress.ip_address(ip.partition("%")[0]).version if ip else 0
