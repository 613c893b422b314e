"""The words for connections, and for what is said on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.blackbox.base import PHASES, REGEX, by_phase, gauge
from exporter.collectors.base import Family
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.probing.probes import Probe
    from runtime.probing.wire import Result


def families(result: Result, settings: Probe) -> Iterable[Family]:
    """Yield what is said of a connection; labels are groups of its expressions."""
    del settings
    yield REGEX.of(int(result.reason == Reason.NOT_EXPECTED))
    yield by_phase(PHASES, result)
    groups: dict[str, str] = result.facts.get("groups", {})
    if groups:
        info = gauge("expect_info", "Explicit content matched", *groups)
        yield Family(info, [(tuple(groups.values()), 1)])
