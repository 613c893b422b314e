"""Ids of series beyond the budget: they have none of their own in the table.

Such an id is negative. It says which overflow series the series is folded into, and
tells it from the others that are: its bits are the overflow series' id and a hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import orjson

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HASH_BITS: Final = 39
_LARGEST: Final = 2 ** (63 - _HASH_BITS) - 1
OVERFLOW: Final = "overflow"
"""The label of overflow series; its value is "true"."""
MARK: Final = f'"{OVERFLOW}":"true"'
"""What the labels of overflow series have in them, as `canonical` writes them."""


class FoldedIdsSpent(Exception):  # noqa: N818 - a state, not a mistake
    """The overflow series has too large an id to fold others into."""


def folded_id(overflow: int, fingerprint: int) -> int:
    """Return the id of a series that is folded into the series `overflow`.

    Raises FoldedIdsSpent for a series beyond the 16,777,215th.
    """
    if overflow > _LARGEST:
        raise FoldedIdsSpent(
            f"the series {overflow} cannot take others in: raise max_series"
        )
    return -(overflow << _HASH_BITS | fingerprint & (1 << _HASH_BITS) - 1) - 1


def overflow_of(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the series of rows: of a folded one its overflow, else itself."""
    found: NDArray[np.int64] = np.where(ids < 0, (-ids - 1) >> _HASH_BITS, ids)
    return found


def overflow_labels(labels: str, kept: tuple[str, ...]) -> str:
    """Return the labels of the overflow series for one with these canonical labels."""
    given = orjson.loads(labels)
    found = {name: given[name] for name in kept if name in given}
    found[OVERFLOW] = "true"
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode()
