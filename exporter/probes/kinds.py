"""The table of contents: which probe is of which kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.probes import dns, http, tcp, throughput, tls, traceroute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.probes.base import Probe

PROBES: Final[Mapping[str, Probe[Any]]] = {
    "dns": dns.probe,
    "http": http.probe,
    "tcp": tcp.probe,
    "throughput": throughput.probe,
    "tls": tls.probe,
    "traceroute": traceroute.probe,
}
"""Probes that open their own connections; echo requests share sockets instead."""
