"""The prober's own pulse: how late its loop comes, and whether the clock was set."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.prober.cells import Head

if TYPE_CHECKING:
    from exporter.prober.board import Board
    from exporter.prober.starvation import Starvation
    from runtime.clock import Clock

BEAT: Final = 0.01
"""Seconds between two beats."""

STEP: Final = 0.05
"""Seconds by which the clock moves against time if it was set, not slewed."""

_ROUNDING: Final = 0.002
"""Seconds by which timers are late anyway, as the loop waits for whole milliseconds."""

_SECOND: Final = 100
"""Beats in a second."""

_GROWN_UP: Final = 60
"""Seconds between two looks for garbage among what is old."""

_YOUNG: Final = 5


class Pulse:
    """Beats every 10 ms; what is late is put on the board once a second."""

    def __init__(self, clock: Clock, board: Board, starvation: Starvation) -> None:
        self._clock = clock
        self._board = board
        self._starvation = starvation
        self._late: list[float] = []
        self._ahead = clock.now() - clock.monotonic()
        self._stepped: float | None = None

    async def beat(self) -> None:
        """Beat until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time() + BEAT
        while True:
            await asyncio.sleep(due - loop.time())
            now = loop.time()
            self.note(max(now - due, 0.0))
            # Beats that were missed are one beat that was late.
            due = max(due + BEAT, now)

    def note(self, late: float) -> None:
        """Take a beat that came so many seconds late."""
        self._late.append(late)
        self._starvation.late(max(late - _ROUNDING, 0.0))
        ahead = self._clock.now() - self._clock.monotonic()
        if abs(ahead - self._ahead) > STEP:
            self._stepped = self._clock.monotonic()
        self._ahead = ahead
        if len(self._late) >= _SECOND:
            beats = (np.array(self._late) * 1e9).astype(np.int64)
            with self._board:
                self._board.observe(beats, Head.LAG)
                self._board.add(Head.BEATS, len(self._late))
            self._late.clear()

    def starved_since(self, began: float) -> bool:
        """Return whether the host starved the prober from then until now."""
        return self._starvation.since(began)

    def stepped_since(self, began: float) -> bool:
        """Return whether the clock was set from then until now."""
        ahead = self._clock.now() - self._clock.monotonic()
        if abs(ahead - self._ahead) > STEP:
            return True
        return self._stepped is not None and self._stepped >= began


def settle_down() -> None:
    """Take what is there out of the garbage collector's way, and switch it off.

    Its pauses would fall into measurements; `tidy` looks for garbage in small bits.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


def tidy(second: int) -> None:
    """Look for garbage, mostly among what is young; to be called once a second."""
    if second % _GROWN_UP == 0:
        gc.collect()
    elif second % _YOUNG == 0:
        gc.collect(0)
