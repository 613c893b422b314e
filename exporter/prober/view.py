"""What is known of probing at one moment, as metrics are made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from runtime.probing.wire import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from exporter.prober.cells import Snapshot
    from exporter.prober.messages import Health, Latest, Row
    from runtime.probing.planning import Assignment

    Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class View:
    """What the plan says, what the prober told, and what board and tally count.

    `tallied` are the tally's rows of `rows`, in their order; `board` is None while no
    prober runs. `now` is in UTC milliseconds.
    """

    now: int
    plan: Plan = field(default_factory=lambda: Plan(version=""))
    assignments: Sequence[Assignment] = ()
    rows: Sequence[Row] = ()
    board: Snapshot | None = None
    tallied: Numbers = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    latest: Mapping[int, Latest] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    health: Health | None = None
    up: bool = False
    restarts: int = 0
