"""Requests in flight: a ring of rows in which a reply finds its request by number."""

from __future__ import annotations

from dataclasses import dataclass
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


_FLYING: Final = bytes([State.FLYING])


class Aim(IntEnum):
    """What is the same for all requests of a volley to a target, as columns."""

    HIGH = 0
    LOW = 1
    ANY_SOURCE = 2
    TIMEOUT = 3
    VOLLEY = 4
    TARGET = 5
    SLOT = 6
    SIZE = 7


@dataclass(frozen=True, slots=True)
class Reserved:
    """Rows for new requests, and the places that name them in packets."""

    rows: slice
    places: Numbers


class Flights:
    """Rows of requests by place, a number that counts them.

    A row stays after its request was resolved, until the ring comes round, so that late
    replies and duplicates are told apart; the ring doubles rather than overwrite a
    request in flight, or, up to a size, one of the last seconds. Columns: `place`,
    `nonce`, `sent` in ns of the realtime clock, `offset` of that from the monotonic
    one, `sequence`, `state`, and `aims`: `high` and `low` of the address (`low` alone
    for IPv4), `any_source`, `timeout` in ns, `volley` number, `target`, `slot`, `size`
    behind the header.
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
        self.aims = np.zeros((rows, len(Aim)), np.int64)
        self.high = self.aims[:, Aim.HIGH].view(np.uint64)
        self.low = self.aims[:, Aim.LOW].view(np.uint64)
        self.any_source = self.aims[:, Aim.ANY_SOURCE]
        self.timeout = self.aims[:, Aim.TIMEOUT]
        self.volley = self.aims[:, Aim.VOLLEY]
        self.target = self.aims[:, Aim.TARGET]
        self.slot = self.aims[:, Aim.SLOT]
        self.size = self.aims[:, Aim.SIZE]
        self.sequence = column()
        self.sent = column()
        self.offset = column()
        self.state = np.zeros(rows, np.int8)
        self.scratch = column()

    def __len__(self) -> int:
        """Return how many requests the ring could still tell about."""
        return self._next - self._oldest

    def reserve(self, some: int, now: int) -> Reserved | None:
        """Return rows for so many new requests, None if there is no room.

        `now` is in ns of the realtime clock. Rows lie side by side: those at the ring's
        end may be left out.
        """
        while True:
            start = self._next & self.mask
            if start + some > self.mask + 1:
                self._next += self.mask + 1 - start
                start = 0
            rows = slice(start, start + some)
            if not self._is_taken(rows, now):
                break
            if 2 * (self.mask + 1) > self._largest:
                return None
            self._double()
        first = self._next
        self._next += some
        self._oldest = max(self._oldest, self._next - self.mask - 1)
        places = np.arange(first, first + some, dtype=np.int64)
        return Reserved(rows, places % _PLACES)

    def _is_taken(self, rows: slice, now: int) -> bool:
        if rows.stop > self.mask + 1 or _FLYING in self.state[rows].tobytes():
            return True
        last = rows.stop - 1
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
