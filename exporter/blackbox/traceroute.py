"""The words for ways to destinations; blackbox_exporter has none."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

from exporter.blackbox.base import gauge
from exporter.collectors.base import Family

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.probing.probes import Probe
    from runtime.probing.wire import Result

HOPS: Final = gauge("route_hops", "Hops to the destination, as far as it was traced.")
ROUTE: Final = gauge(
    "route_info", "Hash of the addresses of all hops, value is 1.", "route"
)
HOP_RTT: Final = gauge("hop_rtt_seconds", "Mean round-trip time to a hop.", "ttl")
HOP_LOSS: Final = gauge(
    "hop_loss_ratio", "Share of the packets to a hop that got no answer.", "ttl"
)


def families(result: Result, settings: Probe) -> Iterable[Family]:
    """Yield what is said of a way and its hops."""
    del settings
    yield HOPS.of(result.facts.get("length", 0))
    if result.route:
        yield Family(ROUTE, [((result.route,), 1)])
    rtts, losses = [], []
    for hop in result.facts.get("hops", ()):
        ttl = (str(hop["ttl"]),)
        answered = [seconds for seconds in hop["rtts"] if seconds is not None]
        if answered:
            rtts.append((ttl, fmean(answered)))
        if hop["sent"]:
            losses.append((ttl, 1 - hop["received"] / hop["sent"]))
    if rtts:
        yield Family(HOP_RTT, rtts)
    if losses:
        yield Family(HOP_LOSS, losses)
