"""Some of the samples of a block, by the series that they belong to.

Series i of a block has the samples `offsets[i]:offsets[i + 1]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bridge.rollup.rows import Bools, Ints


def bounds(chosen: Bools, offsets: Ints) -> tuple[Ints, Ints]:
    """Return where each series begins and ends among the chosen samples."""
    running = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(chosen, out=running[1:])
    found = running[offsets]
    return found[:-1], found[1:]
