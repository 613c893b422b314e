"""Requests in flight: a ring of rows in which a reply finds its request by number."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

_PLACES: Final = 2**32
SMALLEST: Final = 4096
LARGEST: Final = 2**21
"""Rows of the ring; requests beyond are refused."""
_REMEMBERED: Final = 2**18
_REMEMBER_NS: Final = 10 * 10**9


class State(IntEnum):
    """What became of a request."""

    NONE = 0
    FLYING = 1
    ANSWERED = 2
    LOST = 3
    ANSWERED_LATE = 4
    FAILED = 5


class Flights:
    """Rows of requests by place, a number that counts them.

    A row stays after its request was resolved, until the ring comes round, so that late
    replies and duplicates are told apart; the ring doubles rather than overwrite a
    request in flight, or, up to a size, one of the last seconds. Columns: `place`,
    `nonce`, `high` and `low` of the address (`low` alone for IPv4), `sent` in ns of the
    realtime clock, `offset` of that from the monotonic one, `timeout` in ns, `volley`
    number, `target`, `sequence`, `slot`, `size` behind the header, `state`.
    """

    def __init__(self, rows: int = SMALLEST, largest: int = LARGEST) -> None:
        self._largest = largest
        self._next = 0
        self._oldest = 0
        self._make(rows)

    def _make(self, rows: int) -> None:
        def column() -> Numbers:
            return np.zeros(rows, np.int64)

        self.mask = rows - 1
        self.place = np.full(rows, -1, np.int64)
        self.nonce = np.zeros(rows, np.uint64)
        self.high = np.zeros(rows, np.uint64)
        self.low = np.zeros(rows, np.uint64)
        self.any_source = np.zeros(rows, np.bool_)
        self.sent = column()
        self.offset = column()
        self.timeout = column()
        self.volley = column()
        self.target = column()
        self.sequence = column()
        self.slot = column()
        self.size = column()
        self.state = np.zeros(rows, np.int8)
        self.scratch = column()

    def __len__(self) -> int:
        """Return how many requests the ring could still tell about."""
        return self._next - self._oldest

    def reserve(self, some: int, now: int) -> Numbers | None:
        """Return the places of so many new requests, None if there is no room.

        Their rows are `places & mask`; `now` is in ns of the realtime clock.
        """
        while self._is_taken(some, now):
            if 2 * (self.mask + 1) > self._largest:
                return None
            self._double()
        numbers = np.arange(self._next, self._next + some, dtype=np.int64)
        self._next += some
        self._oldest = max(self._oldest, self._next - self.mask - 1)
        return numbers % _PLACES

    def _is_taken(self, some: int, now: int) -> bool:
        if some > self.mask:
            return True
        ahead = np.arange(self._next, self._next + some, dtype=np.int64) & self.mask
        if (self.state[ahead] == State.FLYING).any():
            return True
        last = int(ahead[-1])
        young = self.place[last] >= 0 and now - self.sent[last] < _REMEMBER_NS
        return bool(young and self.mask < _REMEMBERED)

    def _double(self) -> None:
        before = {
            name: column
            for name, column in vars(self).items()
            if isinstance(column, np.ndarray)
        }
        old = np.arange(self._oldest, self._next, dtype=np.int64) & self.mask
        self._make(2 * (self.mask + 1))
        new = np.arange(self._oldest, self._next, dtype=np.int64) & self.mask
        for name, column in before.items():
            getattr(self, name)[new] = column[old]

    def search(self, nonce: int) -> int:
        """Return the row with a nonce, -1 if there is none; costs a look at all."""
        rows = np.flatnonzero(self.nonce == np.uint64(nonce))
        return int(rows[0]) if rows.size else -1

    def search_address(self, high: int, low: int, sequence: int) -> int:
        """Return the last row in flight to an address with a sequence number, or -1."""
        found = (self.low == np.uint64(low)) & (self.high == np.uint64(high))
        found &= (self.sequence & 0xFFFF) == sequence
        rows = np.flatnonzero(found & (self.state == State.FLYING))
        return int(rows[np.argmax(self.sent[rows])]) if rows.size else -1
