"""Members of histogram families: which part of which family a series is.

`foo_bucket{le="1"}`, `foo_sum` and `foo_count` are no series of their own but parts of
the histogram `foo`.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

BOUND: Final = "le"
"""The label that holds the upper bound of a bucket."""


class Role(IntEnum):
    """What a series is to a histogram family; ALONE is a member of none."""

    ALONE = 0
    BUCKET = 1
    SUM = 2
    COUNT = 3


SUFFIXES: Final[Mapping[Role, str]] = {
    Role.ALONE: "",
    Role.BUCKET: "_bucket",
    Role.SUM: "_sum",
    Role.COUNT: "_count",
}
"""What a member's name has beyond that of its family."""


def bound_of(text: str) -> float | None:
    """Return the bound that a value of `le` stands for, None if it is none.

    "1", "1.0" and "1e0" are the same bound (RULES R49). NaN and minus infinity bound
    nothing.
    """
    try:
        bound = float(text)
    except ValueError:
        return None
    if "_" in text or text != text.strip() or not bound > -math.inf:
        return None
    return bound + 0.0  # minus zero is zero


def family_labels(labels: Mapping[str, str], role: Role) -> Mapping[str, str]:
    """Return the labels that a member shares with the others of its family."""
    if role is not Role.BUCKET:
        return labels
    return {name: value for name, value in labels.items() if name != BOUND}
