"""Results for the vocabulary to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter import blackbox
from runtime.probing.jobs import BUILT_IN
from runtime.probing.wire import Result
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from runtime.probing.probes import Probe


def told(
    kind: str, *, settings: Probe | None = None, **more: Any
) -> dict[str, dict[tuple[str, ...], float]]:
    """Return what is told of a result of a kind."""
    facts = {"destination": "it", "probe": kind, "began_ms": 0, "seconds": 0.5, **more}
    result = Result(kind=kind, **facts)
    return values(blackbox.families(result, settings or BUILT_IN[kind]))
