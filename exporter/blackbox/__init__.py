"""A result in the vocabulary of blackbox_exporter, so that its dashboards work.

What it says of a kind of probe is always there, 0 where the probe did not come that
far, as there. All are gauges without a label for the target, which whoever scrapes
adds. What it has no word for (loss, jitter, hops, reasons) has names beside them;
docs/probes.md lists both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.blackbox import dns, http, icmp, tcp, throughput, traceroute
from exporter.blackbox.base import of_any_kind
from exporter.blackbox.tls import of_tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.collectors.base import Family
    from runtime.probing.probes import Probe
    from runtime.probing.wire import Result

KINDS: Final[dict[str, Callable[[Result, Probe], Iterable[Family]]]] = {
    "dns": dns.families,
    "http": http.families,
    "icmp": icmp.families,
    "tcp": tcp.families,
    "throughput": throughput.families,
    "tls": tcp.families,
    "traceroute": traceroute.families,
}
"""What is said of each kind of probe beyond what is said of all."""


def families(result: Result, settings: Probe) -> list[Family]:
    """Return what a scrape of `/probe` is told of a result, in the order of names."""
    found = [*of_any_kind(result), *KINDS[result.kind](result, settings)]
    if result.facts.get("tls"):
        found += of_tls(result.facts["tls"])
    return sorted(found, key=lambda family: family.metric.name)
