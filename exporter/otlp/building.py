"""What pushing is made of."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final

from exporter.agent.backoff import Backoff
from exporter.otlp.counts import Counts
from exporter.otlp.message import Messages
from exporter.otlp.pusher import Pusher
from exporter.otlp.receiver import Receiver
from exporter.otlp.resource import attributes
from exporter.otlp.round_trips import RoundTrips
from exporter.otlp.starts import Starts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.collectors.base import Family
    from exporter.otlp.options import Options
    from exporter.prober.prober import Prober
    from runtime.clock import Clock
    from runtime.settings import Exporter

_FIRST: Final = 1.0
_LONGEST: Final = 60.0
"""Seconds between two tries to send the same."""


def pusher_of(
    settings: Exporter,
    options: Options,
    prober: Prober,
    gather: Callable[[], Sequence[Family]],
    clock: Clock,
) -> Pusher:
    """Return what pushes that which `gather` returns; the prober tells it its runs."""
    now = clock.now()
    begin, boot = round(now * 1e9), round((now - _since_boot()) * 1e9)
    round_trips = RoundTrips(lambda: prober.plan, begin)
    if options.names != "prometheus":
        prober.on_run(round_trips.add_run)
    resource = attributes(settings.paths.rootfs, str(settings.listen), options.resource)
    return Pusher(
        options,
        gather,
        Messages(resource, options.names, Starts(boot, begin), round_trips),
        Receiver(options, clock),
        counts=Counts(),
        clock=clock,
        backoff=Backoff(_FIRST, _LONGEST, random.random),
    )


def _since_boot() -> float:
    """Return the seconds since the host was started; 0 where nothing says it."""
    known = getattr(time, "CLOCK_BOOTTIME", None)
    return 0.0 if known is None else time.clock_gettime(known)
