"""What the engines of all sources share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.sources.buffer import Call
    from bridge.telemetry import Telemetry
    from models.database import Database
    from models.directory import SeriesDirectory
    from runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Parts:
    """What an engine works with."""

    db: Database
    call: Call
    directory: SeriesDirectory
    telemetry: Telemetry
    clock: Clock
    losses: Callable[[], int] = lambda: 0
    """How often another process may have written meanwhile, as the lease was lost."""
