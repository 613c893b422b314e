"""How often a client may ask, and how many at once: a token bucket for each address."""

from __future__ import annotations

import ipaddress
import math
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runtime.clock import Clock

CLIENTS: Final = 4096
"""Buckets that are kept; of more clients, those that were quiet longest are forgotten,
which makes their buckets full again."""

_SITE: Final = 64
"""Bits of an IPv6 address that tell one client from another."""


class Limits:
    """Counts probes by client and in flight; safe to use from several threads.

    Each client may ask `rate` times a minute, and save up `burst` of them.
    """

    def __init__(self, clock: Clock, *, rate: int, burst: int, at_once: int) -> None:
        self._clock = clock
        self._per_second = rate / 60
        self._burst = float(burst)
        self._at_once = at_once
        self._changed = threading.Lock()
        self._in_flight = 0
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def in_flight(self) -> int:
        """How many probes go on now."""
        return self._in_flight

    def take(self, client: str) -> int:
        """Take one from a client's bucket and return 0, or the seconds until it can."""
        key = _key(client)
        now = self._clock.monotonic()
        with self._changed:
            tokens, since = self._buckets.get(key, (self._burst, now))
            tokens = min(self._burst, tokens + (now - since) * self._per_second)
            taken = tokens >= 1
            self._buckets[key] = (tokens - taken, now)
            self._buckets.move_to_end(key)
            if len(self._buckets) > CLIENTS:
                self._buckets.popitem(last=False)
        return 0 if taken else math.ceil((1 - tokens) / self._per_second)

    def begin(self) -> bool:
        """Note a probe in flight, unless there are as many already as there may be."""
        with self._changed:
            if self._in_flight >= self._at_once:
                return False
            self._in_flight += 1
        return True

    def end(self) -> None:
        """Note that a probe is no longer in flight."""
        with self._changed:
            self._in_flight -= 1


def _key(client: str) -> str:
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, _SITE), strict=False))
