"""Taking samples into the buffer, also those of minutes that are done already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from models.queries import buffer, ledger

if TYPE_CHECKING:
    from models.database import Database
    from models.queries.buffer import Samples

_MINUTE: Final = 60
_RESOLUTION: Final = "minute"
_NOT_DONE: Final = frozenset({"open", "dirty"})


def append(db: Database, source: str, samples: Samples, now: int) -> None:
    """Add samples to the buffer, by minutes, in one transaction; `now` in seconds.

    A minute that is over becomes dirty: if it is finished it will be done again with
    the late samples in it (RULES R63), and if it is being done right now its commit
    sees by the ledger's entry that it was overtaken. To be run on the writer.
    """
    minutes = samples.times // 1000 // _MINUTE * _MINUTE
    starts: list[int] = np.unique(minutes).tolist()
    with db.atomic():
        for start in starts:
            buffer.append(db, source, start, samples.only(minutes == start))
            if start + _MINUTE <= now or _is_finished(db, source, start):
                # The number of batches makes every entry unlike the one before.
                reason = f"late samples, batch {buffer.batches(db, source, start)}"
                ledger.mark(db, source, _RESOLUTION, [start], "dirty", reason, now)


def _is_finished(db: Database, source: str, start: int) -> bool:
    entries = ledger.entries(db, source, _RESOLUTION, start, start + 1)
    return any(entry.state not in _NOT_DONE for entry in entries)
