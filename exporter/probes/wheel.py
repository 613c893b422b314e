"""A timer wheel: what is due, in ticks of 10 ms."""

from __future__ import annotations

import heapq
from typing import Final, Generic, TypeVar

T = TypeVar("T")

TICK_NS: Final = 10_000_000
"""Width of a tick."""


class Wheel(Generic[T]):
    """Keeps things until their tick; those of one tick share its place.

    Adding costs a list's append, whatever the number of things, and a heap's step for
    the first thing of a tick.
    """

    def __init__(self) -> None:
        self._due: dict[int, list[T]] = {}
        self._ticks: list[int] = []

    def add(self, nanoseconds: int, thing: T) -> None:
        """Keep a thing until the first tick at or after that time."""
        tick = -(-nanoseconds // TICK_NS)
        kept = self._due.get(tick)
        if kept is None:
            self._due[tick] = [thing]
            heapq.heappush(self._ticks, tick)
        else:
            kept.append(thing)

    def take(self, nanoseconds: int) -> list[T]:
        """Return and forget all that is due at that time, in order."""
        taken: list[T] = []
        while self._ticks and self._ticks[0] * TICK_NS <= nanoseconds:
            taken += self._due.pop(heapq.heappop(self._ticks))
        return taken

    def next(self) -> int | None:
        """Return when the next thing is due, in nanoseconds, None if nothing is."""
        return self._ticks[0] * TICK_NS if self._ticks else None
