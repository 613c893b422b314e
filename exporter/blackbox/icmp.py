"""The words for echo requests; blackbox_exporter sends one and has few."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

from exporter.blackbox.base import gauge
from exporter.collectors.base import Family

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.probing.probes import Probe
    from runtime.probing.wire import Result

PHASES: Final = gauge(
    "icmp_duration_seconds", "Duration of icmp request by phase", "phase"
)
HOP_LIMIT: Final = gauge(
    "icmp_reply_hop_limit", "Replied packet hop limit (TTL for ipv4)"
)
REQUESTS: Final = gauge("icmp_requests", "Echo requests that were sent.")
REPLIES: Final = gauge("icmp_replies", "Echo requests that were answered in time.")
LOSS: Final = gauge(
    "icmp_loss_ratio", "Share of the echo requests that were not answered in time."
)
JITTER: Final = gauge(
    "icmp_jitter_seconds",
    "Mean difference of the round-trip times of neighbouring replies.",
)
PERCENTILES: Final = gauge(
    "icmp_rtt_seconds", "Round-trip times of the replies.", "percentile"
)
ODD: Final = gauge(
    "icmp_odd_replies", "Replies that were duplicates, late or corrupt.", "kind"
)
_KINDS: Final = {"corrupt": "corrupt", "duplicates": "duplicate", "late": "late"}


def families(result: Result, settings: Probe) -> Iterable[Family]:
    """Yield what is said of echo requests; `rtt` is the mean of several."""
    del settings
    facts = result.facts
    rtts = [seconds for seconds in result.rtts if seconds is not None]
    phases = {
        "resolve": result.phases.get("resolve", 0.0),
        "rtt": fmean(rtts) if rtts else 0.0,
        "setup": result.phases.get("setup", 0.0),
    }
    yield Family(PHASES, [((name,), value) for name, value in phases.items()])
    yield REQUESTS.of(result.sent)
    yield REPLIES.of(result.received)
    yield Family(ODD, [((kind,), facts.get(fact, 0)) for fact, kind in _KINDS.items()])
    if result.sent:
        yield LOSS.of(1 - result.received / result.sent)
    if "ttl" in facts:
        yield HOP_LIMIT.of(facts["ttl"])
    if "jitter" in facts:
        yield JITTER.of(facts["jitter"])
    percentiles = facts.get("percentiles", {})
    if percentiles:
        yield Family(
            PERCENTILES, [((name,), value) for name, value in percentiles.items()]
        )
