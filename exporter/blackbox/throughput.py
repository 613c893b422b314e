"""The words for timed downloads; blackbox_exporter has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.blackbox.base import PHASES, by_phase, gauge, values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.collectors.base import Family
    from runtime.probing.probes import Probe
    from runtime.probing.wire import Result

VALUES: Final = {
    "bytes": gauge("throughput_bytes", "Bytes that came."),
    "rate": gauge("throughput_bytes_per_second", "Bytes per second that came."),
}


def families(result: Result, settings: Probe) -> Iterable[Family]:
    """Yield what is said of a download."""
    del settings
    yield by_phase(PHASES, result)
    yield from values(VALUES, result.facts)
