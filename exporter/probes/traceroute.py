"""The way to a destination: every hop, its loss and times, and where it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from exporter.probes.base import ProbeFailed
from exporter.probes.connecting import find
from exporter.probes.hops import known, route_of
from exporter.probes.hosts import place_of
from exporter.probes.icmp_sockets import Place
from exporter.probes.trace_packets import NONCE
from exporter.probes.trace_sockets import open_sender
from exporter.probes.tracing import Tracing, longest
from exporter.probes.trial import Trial, conduct
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from exporter.probes.base import Target, Tools
    from exporter.probes.hops import Hop
    from runtime.probing.probes import TracerouteProbe
    from runtime.probing.wire import Result

_FOR_THE_NAME: Final = 5.0
"""Seconds that looking up the name may take beside the trace."""


async def probe(target: Target, settings: TracerouteProbe, tools: Tools) -> Result:
    """Trace the way to a target."""
    trial = Trial(target, settings, tools)
    limit = longest(settings) + _FOR_THE_NAME
    found: list[Hop] = []
    result = await conduct(trial, lambda: _trace(trial, settings, found), limit)
    end = found[-1] if found and found[-1].arrived else None
    return msgspec.structs.replace(
        result,
        route=route_of(found),
        sent=len(end.rtts) if end else 0,
        received=end.received if end else 0,
        rtts=tuple(end.rtts) if end else (),
    )


async def _trace(trial: Trial, settings: TracerouteProbe, found: list[Hop]) -> None:
    address = await find(trial, place_of(trial.target.host).host, None)
    place = Place(
        address.family, settings.namespace, settings.source, settings.interface
    )
    nonce = trial.tools.random_bytes(NONCE)
    sender = open_sender(address, place, settings.protocol, nonce)
    try:
        how = "UDP" if sender.kind == "udp" else f"echo requests, {sender.kind} socket"
        trial.log.say(f"tracing the way to {address.ip} ({how})")
        tracing = Tracing(sender, settings)
        with trial.phase("trace"):
            await tracing.run()
    finally:
        sender.close()
    if tracing.nameless:
        trial.log.say(
            f"{tracing.nameless} answers quote too little of a packet to tell which; "
            "protocol: icmp needs less"
        )
    found += known(tracing.hops)
    _tell(trial, found)
    _judge(found, settings)


def _tell(trial: Trial, hops: list[Hop]) -> None:
    reached = bool(hops) and hops[-1].arrived
    trial.facts |= {
        "hops": [hop.document() for hop in hops],
        "reached": reached,
        "length": len(hops),
    }
    for hop in hops:
        who = ", ".join(hop.addresses) or "*"
        times = " ".join(
            "*" if rtt is None else f"{rtt * 1000:.3f}" for rtt in hop.rtts
        )
        said = f" ({hop.error})" if hop.error else ""
        trial.log.say(f"{hop.ttl} {who}{said} {times} ms")


def _judge(hops: list[Hop], settings: TracerouteProbe) -> None:
    """Raise ProbeFailed unless the destination was reached."""
    if not hops:
        raise ProbeFailed(Reason.TIMEOUT, "no hop answered")
    last = hops[-1]
    if last.arrived:
        return
    who = ", ".join(last.addresses)
    if last.error:
        raise ProbeFailed(
            Reason.UNREACHABLE, f"{who}, hop {last.ttl}, says: {last.error}"
        )
    raise ProbeFailed(
        Reason.NOT_REACHED,
        f"nothing answered behind {who}, hop {last.ttl} of {settings.max_hops}",
    )
