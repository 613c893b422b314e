"""What is probed on loopback while dashboards are looked at."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import dns.message
import dns.rrset

from tests.exporter.probes.authority import issue
from tests.exporter.probes.peers import Peers, finished

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROBES: Final = """
probes:
  evaluate: 1s
  modules:
    - {{name: quick, kind: icmp, count: 3, spacing: 50ms, timeout: 300ms}}
    - {{name: page, kind: http, timeout: 900ms}}
    - {{name: way, kind: traceroute, timeout: 300ms}}
    - {{name: load, kind: throughput, timeout: 900ms}}
    - {{name: name, kind: dns, query: a.test, port: {dns}, timeout: 900ms}}
  destinations:
    - {{name: near, host: 127.0.0.1, tags: [all]}}
    - {{name: exporter, host: "http://127.0.0.1:{exporter}/-/healthy"}}
    - {{name: shop, host: "127.0.0.1:{tls}"}}
    - {{name: nothing, host: "127.0.0.1:{nothing}"}}
  jobs:
    - {{name: echo, interval: 1s, probes: [quick], destinations: [near]}}
    - {{name: trace, interval: 2s, probes: [way, name], destinations: [near]}}
    - {{name: web, interval: 2s, probes: [page, load], destinations: [exporter]}}
    - {{name: shown, interval: 2s, probes: [tls], destinations: [shop]}}
    - {{name: port, interval: 2s, probes: [tcp], destinations: [nothing]}}
    - name: later
      interval: 2s
      probes: [quick]
      destinations: [near]
      valid_from: "2999-01-01T00:00:00Z"
"""
"""Jobs for a config.yaml, with the ports of what they look at."""


@contextmanager
def servers(folder: Path) -> Iterator[dict[str, int]]:
    """Serve TLS, with a certificate that nobody vouches for, and names; yield ports."""
    peers = Peers()
    try:
        shown = issue("shop.test").context(folder)
        yield {
            "tls": peers.serve(finished, shown),
            "dns": peers.datagrams(lambda asked: [_answer(asked)]),
        }
    finally:
        peers.close()


def _answer(asked: bytes) -> bytes:
    answer = dns.message.make_response(dns.message.from_wire(asked))
    answer.answer.append(dns.rrset.from_text("a.test.", 60, "IN", "A", "192.0.2.1"))
    return answer.to_wire()
