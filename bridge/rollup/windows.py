"""Windows: half-open spans of UTC time, named by their start.

A window is `[start, start + width)` in integer seconds; sample times are integer
milliseconds (RULES R1, R3, R4). Nothing here asks the system what time it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator


class Resolution(Enum):
    """How wide windows are; each is a multiple of the finer one (RULES R8)."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def width(self) -> int:
        """Seconds of one window."""
        return _WIDTHS[self]

    @property
    def finer(self) -> Resolution | None:
        """The resolution that windows of this one are merged from."""
        return _FINER.get(self)

    @property
    def coarser(self) -> Resolution | None:
        """The resolution that windows of this one are merged into."""
        return _COARSER.get(self)

    def floor(self, seconds: int) -> int:
        """Return the start of the window that holds a UTC second, also before 1970."""
        return seconds - seconds % self.width


_WIDTHS = {Resolution.MINUTE: 60, Resolution.HOUR: 3600, Resolution.DAY: 86400}
_FINER = {Resolution.HOUR: Resolution.MINUTE, Resolution.DAY: Resolution.HOUR}
_COARSER = {finer: coarser for coarser, finer in _FINER.items()}


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """One window; raises ValueError unless `start` is a start at that resolution."""

    start: int
    resolution: Resolution = Resolution.MINUTE

    def __post_init__(self) -> None:
        if self.resolution.floor(self.start) != self.start:
            raise ValueError(f"{self.start} does not start a {self.resolution.value}")

    @classmethod
    def holding(cls, seconds: int, resolution: Resolution) -> Self:
        """Return the window that holds a UTC second."""
        return cls(resolution.floor(seconds), resolution)

    @property
    def end(self) -> int:
        """The first second after the window."""
        return self.start + self.resolution.width

    @property
    def start_ms(self) -> int:
        """The first millisecond of the window."""
        return self.start * 1000

    @property
    def end_ms(self) -> int:
        """The first millisecond after the window."""
        return self.end * 1000

    def next(self) -> Window:
        """Return the window that follows."""
        return Window(self.end, self.resolution)

    def previous(self) -> Window:
        """Return the window before."""
        return Window(self.start - self.resolution.width, self.resolution)

    def parent(self) -> Window | None:
        """Return the coarser window that this one is merged into."""
        coarser = self.resolution.coarser
        return coarser and Window.holding(self.start, coarser)

    def children(self) -> Iterator[Window]:
        """Yield the finer windows that this one is merged from, oldest first."""
        finer = self.resolution.finer
        if finer is not None:
            for start in range(self.start, self.end, finer.width):
                yield Window(start, finer)

    def is_closed(self, now_ms: int, settle_ms: int) -> bool:
        """Whether no more samples are waited for, by the source's clock (R10, R85)."""
        return now_ms >= self.end_ms + settle_ms


@dataclass(frozen=True, slots=True, order=True)
class Bounds:
    """A span of time of any length, `[start, end)`, such as a local day or a month."""

    start: int
    end: int

    @property
    def width(self) -> int:
        """Seconds of the span."""
        return self.end - self.start
