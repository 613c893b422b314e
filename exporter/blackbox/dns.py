"""The words for questions to name servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.blackbox.base import by_phase, gauge, values
from runtime.probing.probes import DnsProbe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.collectors.base import Family
    from runtime.probing.probes import Probe
    from runtime.probing.wire import Result

PHASES: Final = gauge(
    "dns_duration_seconds", "Duration of DNS request by phase", "phase"
)
VALUES: Final = {
    "additional": gauge(
        "dns_additional_rrs",
        "Returns number of entries in the additional resource record list",
    ),
    "answers": gauge(
        "dns_answer_rrs", "Returns number of entries in the answer resource record list"
    ),
    "authority": gauge(
        "dns_authority_rrs",
        "Returns number of entries in the authority resource record list",
    ),
    "succeeded": gauge(
        "dns_query_succeeded",
        "Displays whether or not the query was executed successfully",
    ),
}
SERIAL: Final = gauge("dns_serial", "Returns the serial number of the zone")


def families(result: Result, settings: Probe) -> Iterable[Family]:
    """Yield what is said of a question; the zone's serial if it was asked for."""
    yield by_phase(PHASES, result, "connect", "request", "resolve")
    yield from values(VALUES, result.facts)
    if isinstance(settings, DnsProbe) and settings.record_type == "SOA":
        yield SERIAL.of(result.facts.get("serial", 0))
